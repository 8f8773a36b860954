"""Klaviyo's profiles: pages, filters, writing one at a time, and what an answer looks like when it is a refusal."""

import pytest

PROFILE = {"type": "profile"}


def names(answer):
    return [one["attributes"]["email"].split("@")[0] for one in answer["data"]]


def asked(**attributes):
    return {"data": {**PROFILE, "attributes": attributes}}


def by_email(sandbox, name):
    return sandbox.klaviyo("GET", "/profiles", filter=f'equals(email,"{name}@example.org")')["data"][0]


def test_pages_of_profiles_follow_the_link(sandbox_server):
    found, link = [], sandbox_server.klaviyo("GET", "/profiles", **{"page[size]": 3, "sort": "-updated"})
    while True:
        found += names(link)
        if "next" not in link["links"]:
            break
        link = sandbox_server.call("GET", link["links"]["next"].removeprefix(sandbox_server.url)).json()
    assert found == ["hal", "gus", "fay", "eve", "dan", "cay", "bob", "ann"]


@pytest.mark.parametrize(
    "sort", ["id", "-id", "email", "-created", "updated", "subscriptions.email.marketing.suppression.timestamp"]
)
def test_every_order_shows_each_profile_once(sandbox_server, sort):
    found, link = [], sandbox_server.klaviyo("GET", "/profiles", **{"page[size]": 3, "sort": sort})
    while link is not None:
        found += names(link)
        following = link["links"].get("next")
        link = sandbox_server.call("GET", following.removeprefix(sandbox_server.url)).json() if following else None
    assert sorted(found) == ["ann", "bob", "cay", "dan", "eve", "fay", "gus", "hal"]


def test_filters_find_who_is_asked_for(sandbox_server):
    one = by_email(sandbox_server, "ANN")
    assert sandbox_server.klaviyo("GET", "/profiles", filter=f"any(id,['{one['id']}','nobody'])")["data"] == [one]
    since = sandbox_server.klaviyo("GET", "/profiles", filter="greater-than(updated,2026-01-25T11:59:59Z)")
    assert names(since) == ["fay", "gus", "hal"]
    both = "and(greater-than(updated,2026-01-25T11:59:59+00:00),any(email,[\"fay@example.org\",'ann@example.org']))"
    assert names(sandbox_server.klaviyo("GET", "/profiles", filter=both)) == ["fay"]
    bounced = "equals(subscriptions.email.marketing.suppression.reason,'HARD_BOUNCE')"
    assert names(sandbox_server.klaviyo("GET", "/profiles", filter=bounced)) == ["cay"]


@pytest.mark.parametrize(
    "text", ["equals(first_name,'Ann')", "equals(email,'a'", "greater-than(updated,soon)", "equals(email,5)"]
)
def test_filters_that_klaviyo_does_not_know_are_refused(sandbox_server, text):
    error = sandbox_server.klaviyo("GET", "/profiles", status=400, filter=text)["errors"][0]
    assert (error["code"], error["source"]) == ("invalid", {"parameter": "filter"})


def test_consent_is_shown_only_on_request(sandbox_server):
    assert "subscriptions" not in by_email(sandbox_server, "ann")["attributes"]
    shown = sandbox_server.klaviyo("GET", "/profiles", **{"additional-fields[profile]": "subscriptions"})
    marketing = {
        one["attributes"]["email"][:3]: one["attributes"]["subscriptions"]["email"]["marketing"] for one in shown["data"]
    }
    assert {name for name, one in marketing.items() if one["can_receive_email_marketing"]} == {"ann", "fay", "gus", "hal"}
    assert marketing["bob"]["suppression"] == [{"reason": "UNSUBSCRIBE", "timestamp": "2026-01-30T12:00:00+00:00"}]
    assert marketing["fay"]["consent"] == "NEVER_SUBSCRIBED"


def test_fields_can_be_cut_down(sandbox_server):
    answer = sandbox_server.klaviyo("GET", "/profiles", **{"fields[profile]": "email,location.city"})
    assert answer["data"][0]["attributes"] == {"email": "ann@example.org", "location": {"city": None}}


def test_a_new_profile_is_kept_in_normal_form_and_only_once(sandbox_server):
    given = asked(email=" New.Person@Example.ORG ", first_name="New", properties={"Lifetime spend": 12.5})
    made = sandbox_server.klaviyo("POST", "/profiles", given, status=201)["data"]
    assert made["attributes"]["email"] == "new.person@example.org"
    again = sandbox_server.klaviyo("POST", "/profiles", asked(email="new.person@example.org"), status=409)["errors"][0]
    assert (again["code"], again["meta"]) == ("duplicate_profile", {"duplicate_profile_id": made["id"]})
    assert sandbox_server.klaviyo("GET", f"/profiles/{made['id']}")["data"] == made


def test_null_clears_and_absent_keeps(sandbox_server):
    one = by_email(sandbox_server, "fay")
    path = f"/profiles/{one['id']}"
    given = {**PROFILE, "id": one["id"]}
    full = {"last_name": "Moss", "properties": {"a": 1, "b": [2]}, "location": {"city": "Ulm", "zip": "89073"}}
    sandbox_server.klaviyo("PATCH", path, {"data": {**given, "attributes": full}})
    less = {"first_name": None, "properties": {"a": None}, "location": {"zip": None}}
    changed = sandbox_server.klaviyo("PATCH", path, {"data": {**given, "attributes": less}})["data"]["attributes"]
    assert (changed["first_name"], changed["last_name"], changed["properties"]) == (None, "Moss", {"b": [2]})
    assert (changed["location"]["city"], changed["location"]["zip"]) == ("Ulm", None)
    patch = {"patch_properties": {"append": {"b": 3}, "unset": "c"}}
    changed = sandbox_server.klaviyo("PATCH", path, {"data": {**given, "attributes": {}, "meta": patch}})["data"]["attributes"]
    assert changed["properties"] == {"b": [2, 3]}


def test_an_upsert_says_whether_somebody_is_new(sandbox_server):
    new = sandbox_server.klaviyo("POST", "/profile-import", asked(email="ivy@example.org"), status=201)["data"]
    known = sandbox_server.klaviyo("POST", "/profile-import", asked(email="IVY@example.org", title="Dr"), status=200)["data"]
    assert (known["id"], known["attributes"]["title"]) == (new["id"], "Dr")
    moved = {"data": {**PROFILE, "id": new["id"], "attributes": {"email": "ivy@example.net"}}}
    assert sandbox_server.klaviyo("POST", "/profile-import", moved)["data"]["id"] == new["id"]
    sandbox_server.klaviyo("POST", "/profile-import", {"data": {**PROFILE, "id": "nobody", "attributes": {}}}, status=404)


def test_the_same_upsert_again_changes_nothing(sandbox_server):
    for status in (201, 200):
        sandbox_server.klaviyo("POST", "/profile-import", asked(email="ivy@example.org", first_name="Ivy"), status=status)
    assert [one["effect"] for one in sandbox_server.effects()] == ["created"]


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"email": "no address"}, "/data/attributes/email"),
        ({"email": 5}, "/data/attributes/email"),
        ({"phone_number": "0171 12345"}, "/data/attributes/phone_number"),
        ({"email": "a@example.org", "first_name": ["A"]}, "/data/attributes/first_name"),
        ({"email": "a@example.org", "rank": 1}, "/data/attributes/rank"),
        ({}, "/data/attributes"),
    ],
)
def test_a_profile_that_will_not_do_is_refused_with_its_place(sandbox_server, attributes, pointer):
    error = sandbox_server.klaviyo("POST", "/profiles", asked(**attributes), status=400)["errors"][0]
    assert (error["code"], error["source"]["pointer"]) == ("invalid", pointer)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Klaviyo-API-Key pk_wrong"}, 401),
        ({"Authorization": "Bearer pk_wrong"}, 401),
        ({"revision": ""}, 400),
        ({"revision": "2024-10-15"}, 400),
        ({"Content-Type": "application/json"}, 415),
    ],
)
def test_calls_without_key_revision_or_media_type_are_refused(sandbox_server, headers, status):
    answer = sandbox_server.call(
        "POST", "/klaviyo/api/profiles", asked(email="a@example.org"), headers={**headers, "X-Wrong-On-Purpose": "yes"}
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/vnd.api+json")
    assert answer.json()["errors"][0]["status"] == status


def test_merging_takes_the_stricter_consent(sandbox_server):
    ann, bob = by_email(sandbox_server, "ann"), by_email(sandbox_server, "bob")
    sources = {"profiles": {"data": [{**PROFILE, "id": bob["id"]}]}}
    merge = {"data": {"type": "profile-merge", "id": ann["id"], "relationships": sources}}
    assert sandbox_server.klaviyo("POST", "/profile-merge", merge, status=201)["data"]["id"] == ann["id"]
    kept = sandbox_server.klaviyo("GET", f"/profiles/{ann['id']}", **{"additional-fields[profile]": "subscriptions"})["data"]
    marketing = kept["attributes"]["subscriptions"]["email"]["marketing"]
    assert (kept["attributes"]["email"], marketing["consent"]) == ("ann@example.org", "UNSUBSCRIBED")
    assert not marketing["can_receive_email_marketing"]
    sandbox_server.klaviyo("GET", f"/profiles/{bob['id']}", status=404)


def test_deletion_for_privacy_takes_everything(sandbox_server):
    ann = by_email(sandbox_server, "ann")
    job = {
        "type": "data-privacy-deletion-job",
        "attributes": {"profile": {"data": {**PROFILE, "id": ann["id"], "attributes": {}}}},
    }
    sandbox_server.klaviyo("POST", "/data-privacy-deletion-jobs", {"data": job}, status=202)
    sandbox_server.klaviyo("GET", f"/profiles/{ann['id']}", status=404)
    assert sandbox_server.klaviyo("GET", "/events")["data"] == []
    both = {**PROFILE, "id": ann["id"], "attributes": {"email": "ann@example.org"}}
    job["attributes"]["profile"]["data"] = both
    sandbox_server.klaviyo("POST", "/data-privacy-deletion-jobs", {"data": job}, status=400)
