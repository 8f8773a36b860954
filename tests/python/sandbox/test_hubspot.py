"""HubSpot's manners: opt-in properties, cursors, the search window, merges, archives, limits."""

from datetime import timedelta

import pytest

CONTACTS = "/hubspot/crm/objects/2026-03/contacts"


def all_pages(served, **params):
    found, after = [], None
    while True:
        page = served.get(CONTACTS, **params, **({"after": after} if after else {}))
        found += page["results"]
        after = page.get("paging", {}).get("next", {}).get("after")
        if after is None:
            return found


def search(served, filters, **more):
    groups = [{"filters": filters}] if filters else []
    return served.call("POST", f"{CONTACTS}/search", {"filterGroups": groups, "limit": 200, **more})


def at(served, **ago):
    return str(round((served.store.now() - timedelta(**ago)).timestamp() * 1000))


def test_a_call_without_the_token_is_refused_in_hubspots_words(sandbox_server):
    answer = sandbox_server.call("GET", CONTACTS, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert sandbox_server.runtime.secrets["hubspot"]["token"] not in answer.text


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_pages_together_hold_every_contact_once_whatever_the_version(sandbox_server, version):
    path = CONTACTS.replace("2026-03", version)
    first = sandbox_server.get(path, limit=5)
    assert len(first["results"]) == 5
    ids = [row["id"] for row in all_pages(sandbox_server, limit=5)]
    assert ids == [str(number) for number in range(1, 13)]


def test_properties_are_opt_in(sandbox_server):
    usual, asked = sandbox_server.get(CONTACTS, limit=1), sandbox_server.get(CONTACTS, limit=1, properties="loyalty_tier")
    assert usual["results"][0]["properties"]["email"] == "contact1@example.org"
    assert asked["results"][0]["properties"]["loyalty_tier"] is None
    assert "email" not in asked["results"][0]["properties"]


def test_a_page_of_more_than_a_hundred_is_refused(sandbox_server):
    answer = sandbox_server.call("GET", CONTACTS, params={"limit": 101})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_finds_what_changed_in_a_window_in_the_order_asked_for(sandbox_server):
    inside = {"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": at(sandbox_server, minutes=95)}
    inside["highValue"] = at(sandbox_server, minutes=90)
    sorts = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]
    answer = search(sandbox_server, [inside], sorts=sorts, properties=["email"]).json()
    assert [row["id"] for row in answer["results"]] == ["10", "9", "8", "7", "6", "5"]
    assert answer["total"] == 6
    after = {"propertyName": "hs_object_id", "operator": "GT", "value": "8"}
    assert [row["id"] for row in search(sandbox_server, [inside, after]).json()["results"]] == ["9", "10"]


def test_search_pages_by_offset(sandbox_server):
    first = search(sandbox_server, [], limit=5).json()
    assert (first["total"], first["paging"]["next"]["after"]) == (12, "5")
    last = search(sandbox_server, [], limit=5, after="10").json()
    assert (len(last["results"]), "paging" in last) == (2, False)


def test_search_never_goes_beyond_its_cap(sandbox_server):
    sandbox_server.control("limits", {"hubspot": {"search_results": 10}})
    assert search(sandbox_server, [], limit=5, after="5").status_code == 200
    answer = search(sandbox_server, [], limit=5, after="10")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_an_archived_contact_moves_to_the_archived_listing(sandbox_server):
    assert sandbox_server.call("DELETE", f"{CONTACTS}/4").status_code == 204
    assert "4" not in [row["id"] for row in all_pages(sandbox_server)]
    (archived,) = all_pages(sandbox_server, archived="true")
    assert (archived["id"], archived["archived"]) == ("4", True)
    assert archived["archivedAt"]
    assert search(sandbox_server, []).json()["total"] == 11
    assert sandbox_server.call("GET", f"{CONTACTS}/4").status_code == 404


def test_a_merged_contact_answers_as_the_one_it_went_into(sandbox_server):
    merged = sandbox_server.call("POST", f"{CONTACTS}/merge", {"primaryObjectId": "2", "objectIdToMerge": "3"})
    assert merged.json()["id"] == "2"
    winner = sandbox_server.get(f"{CONTACTS}/3", properties="email,hs_merged_object_ids,hs_additional_emails")
    assert winner["id"] == "2"
    assert winner["properties"]["hs_merged_object_ids"] == "3"
    assert winner["properties"]["hs_additional_emails"] == "contact3@example.org"
    assert "3" not in [row["id"] for row in all_pages(sandbox_server)]
    recent = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": at(sandbox_server)}
    assert [row["id"] for row in search(sandbox_server, [recent]).json()["results"]] == ["2"]


def test_a_chain_of_merges_still_leads_to_the_last_winner(sandbox_server):
    for winner, loser in (("2", "3"), ("1", "2")):
        sandbox_server.call("POST", f"{CONTACTS}/merge", {"primaryObjectId": winner, "objectIdToMerge": loser})
    assert sandbox_server.get(f"{CONTACTS}/3")["id"] == "1"


def test_a_batch_read_names_the_ids_it_does_not_know(sandbox_server):
    answer = sandbox_server.call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": "1"}, {"id": "99"}], "properties": []})
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == ["1"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["99"]


def test_the_portal_lists_its_properties(sandbox_server):
    results = sandbox_server.get("/hubspot/crm/properties/2026-03/contacts")["results"]
    assert {row["name"]: row["type"] for row in results}["lastmodifieddate"] == "datetime"
    assert [row["name"] for row in results if not row["hubspotDefined"]] == ["loyalty_tier"]


def test_beyond_the_burst_hubspot_says_which_policy_was_hit(sandbox_server):
    sandbox_server.control("limits", {"hubspot": {"calls": 3, "seconds": 600}})
    answers = [sandbox_server.call("GET", CONTACTS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[1].headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert answers[3].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert answers[3].json()["category"] == "RATE_LIMITS"


def test_search_has_a_limit_of_its_own(sandbox_server):
    sandbox_server.control("limits", {"hubspot": {"searches_per_second": 0}})
    answer = search(sandbox_server, [])
    assert (answer.status_code, answer.json()["policyName"]) == (429, "SECONDLY")
    assert "X-HubSpot-RateLimit-Max" not in answer.headers
    assert sandbox_server.call("GET", CONTACTS).status_code == 200
