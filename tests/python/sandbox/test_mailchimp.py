"""Mailchimp's manners: batches that refuse row by row, figures that lag, tags, limits."""

import concurrent.futures

import pytest


def test_a_call_needs_the_key_by_basic_or_bearer(sandbox_server):
    key = sandbox_server.runtime.secrets["mailchimp"]["api_key"]
    ping = sandbox_server.url + "/mailchimp/3.0/ping"
    http = sandbox_server.http
    assert http.get(ping, auth=("anything", key)).status_code == 200
    assert http.get(ping, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    wrong, missing = http.get(ping, auth=("anything", "wrong")), http.get(ping)
    assert (wrong.status_code, wrong.json()["title"]) == (401, "API Key Invalid")
    assert (missing.status_code, missing.json()["title"]) == (401, "API Key Missing")
    assert wrong.headers["Content-Type"].startswith("application/problem+json")


def by_email(served, **params):
    answer = served.mailchimp("GET", f"/lists/{served.list_id}/members", None, count=1000, **params).json()
    assert answer["total_items"] == len(answer["members"])
    return {row["email_address"]: row for row in answer["members"]}


def test_a_batch_adds_and_updates_and_says_who_was_which(sandbox_server):
    answer = sandbox_server.batch(
        [
            {"email_address": "new@example.org", "status_if_new": "subscribed", "merge_fields": {"FNAME": "New", "SPENT": 12}},
            {"email_address": "ANN@example.org", "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ann"}},
        ]
    )
    assert (answer["total_created"], answer["total_updated"], answer["error_count"]) == (1, 1, 0)
    assert answer["new_members"][0]["merge_fields"] == {"FNAME": "New", "LNAME": "", "SPENT": 12}
    assert answer["updated_members"][0]["full_name"] == "Ann"
    assert by_email(sandbox_server)["new@example.org"]["status"] == "subscribed"


@pytest.mark.parametrize(("name", "status"), [("bob", "unsubscribed"), ("cay", "cleaned"), ("dan", "pending")])
def test_status_if_new_never_changes_who_is_already_there(sandbox_server, name, status):
    answer = sandbox_server.batch([{"email_address": f"{name}@example.org", "status_if_new": "subscribed"}])
    assert answer["total_updated"] == 1
    assert by_email(sandbox_server)[f"{name}@example.org"]["status"] == status


@pytest.mark.parametrize("name", ["bob", "cay"])
def test_who_left_or_bounced_cannot_be_subscribed_again(sandbox_server, name):
    answer = sandbox_server.batch([{"email_address": f"{name}@example.org", "status": "subscribed"}])
    (error,) = answer["errors"]
    assert "compliance state" in error["error"]
    assert error["error_code"] == "ERROR_GENERIC"
    member_id = by_email(sandbox_server)[f"{name}@example.org"]["id"]
    path = f"/lists/{sandbox_server.list_id}/members/{member_id}"
    single = sandbox_server.mailchimp("PATCH", path, {"status": "subscribed"})
    assert (single.status_code, single.json()["title"]) == (400, "Member In Compliance State")


def test_each_row_is_refused_for_its_own_reason_and_the_rest_is_taken(sandbox_server):
    sandbox_server.mailchimp(
        "POST", f"/lists/{sandbox_server.list_id}/merge-fields", {"name": "Tier", "type": "text", "tag": "TIER", "required": True}
    )
    good = {"status_if_new": "subscribed", "merge_fields": {"TIER": "x"}}
    answer = sandbox_server.batch(
        [
            {"email_address": "not an address", **good},
            {"email_address": "twice@example.org", **good},
            {"email_address": "Twice@example.org", **good},
            {"email_address": "missing@example.org", "status_if_new": "subscribed"},
            {"email_address": "long@example.org", "status_if_new": "subscribed", "merge_fields": {"TIER": "é" * 128}},
            {
                "email_address": "number@example.org",
                "status_if_new": "subscribed",
                "merge_fields": {"TIER": "x", "SPENT": "much"},
            },
            {"email_address": "none@example.org", "status_if_new": "subscribed", "merge_fields": {"TIER": None}},
            {"email_address": "nostatus@example.org", "merge_fields": {"TIER": "x"}},
        ]
    )
    assert [row["email_address"] for row in answer["new_members"]] == ["twice@example.org"]
    assert answer["error_count"] == len(answer["errors"]) == 7
    assert [(row["email_address"].partition("@")[0], row["field"]) for row in answer["errors"]] == [
        ("not an address", "email_address"),
        ("Twice", "email_address"),
        ("missing", "TIER"),
        ("long", "TIER"),
        ("number", "SPENT"),
        ("none", "TIER"),
        ("nostatus", "status"),
    ]
    assert set(answer["errors"][0]) == {"email_address", "error", "error_code", "field", "field_message"}


def test_a_batch_that_may_not_update_leaves_members_alone(sandbox_server):
    answer = sandbox_server.batch([{"email_address": "ann@example.org", "status": "subscribed"}], update_existing=False)
    assert answer["errors"][0]["error_code"] == "ERROR_CONTACT_EXISTS"


def test_more_than_500_members_are_refused_as_a_whole(sandbox_server):
    members = [{"email_address": f"m{number}@example.org", "status_if_new": "subscribed"} for number in range(501)]
    answer = sandbox_server.mailchimp("POST", f"/lists/{sandbox_server.list_id}", {"members": members})
    assert answer.status_code == 400
    assert len(by_email(sandbox_server)) == 5


def test_a_forgotten_address_cannot_come_back(sandbox_server):
    ann = by_email(sandbox_server)["ann@example.org"]["id"]
    path = f"/lists/{sandbox_server.list_id}/members/{ann}"
    assert sandbox_server.mailchimp("POST", f"{path}/actions/delete-permanent").status_code == 204
    assert sandbox_server.mailchimp("GET", path).status_code == 404
    answer = sandbox_server.batch([{"email_address": "ann@example.org", "status_if_new": "subscribed"}])
    assert "permanently deleted" in answer["errors"][0]["error"]
    single = sandbox_server.mailchimp("PUT", path, {"email_address": "ann@example.org", "status_if_new": "subscribed"})
    assert single.json()["title"] == "Forgotten Email Not Subscribed"


def test_archiving_loses_the_opt_out(sandbox_server):
    bob = by_email(sandbox_server)["bob@example.org"]["id"]
    assert sandbox_server.mailchimp("DELETE", f"/lists/{sandbox_server.list_id}/members/{bob}").status_code == 204
    assert by_email(sandbox_server)["bob@example.org"]["status"] == "archived"
    answer = sandbox_server.batch([{"email_address": "bob@example.org", "status_if_new": "subscribed"}])
    assert answer["total_created"] == 1
    assert by_email(sandbox_server)["bob@example.org"]["status"] == "subscribed"


def tag(served, name):
    answer = served.mailchimp("POST", f"/lists/{served.list_id}/segments", {"name": name, "static_segment": []})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def carriers(served, segment, **params):
    answer = served.mailchimp("GET", f"/lists/{served.list_id}/segments/{segment}/members", None, count=1000, **params).json()
    return sorted(row["email_address"].partition("@")[0] for row in answer["members"])


def test_tags_of_a_batch_are_added_and_others_stay(sandbox_server):
    segment = tag(sandbox_server, "VIP")
    sandbox_server.batch([{"email_address": "ann@example.org", "tags": ["VIP"]}])
    answer = sandbox_server.batch([{"email_address": "ann@example.org", "tags": ["New"]}])
    assert sorted(one["name"] for one in answer["updated_members"][0]["tags"]) == ["New", "VIP"]
    assert carriers(sandbox_server, segment) == ["ann"]
    sandbox_server.batch([{"email_address": "ann@example.org", "tags": ["New"]}], sync_tags=True)
    assert carriers(sandbox_server, segment) == []


def test_a_segment_takes_and_gives_500_at_a_time_and_passes_over_strangers(sandbox_server):
    segment = tag(sandbox_server, "VIP")
    path = f"/lists/{sandbox_server.list_id}/segments/{segment}"
    both = {"members_to_add": ["ann@example.org", "BOB@example.org", "stranger@example.org", "eve@example.org"]}
    answer = sandbox_server.mailchimp("POST", path, both).json()
    assert (answer["total_added"], answer["total_removed"], answer["error_count"]) == (2, 0, 1)
    assert sorted(answer["errors"][0]["email_addresses"]) == ["eve@example.org", "stranger@example.org"]
    assert carriers(sandbox_server, segment) == ["ann"]
    assert carriers(sandbox_server, segment, include_unsubscribed="true") == ["ann", "bob"]
    answer = sandbox_server.mailchimp("POST", path, {"members_to_remove": ["ann@example.org"]}).json()
    assert (answer["total_removed"], answer["members_removed"][0]["email_address"]) == (1, "ann@example.org")
    assert carriers(sandbox_server, segment) == []
    too_many = {"members_to_remove": [f"m{number}@example.org" for number in range(501)]}
    assert sandbox_server.mailchimp("POST", path, too_many).status_code == 400


def test_one_members_tags_can_be_set_and_taken(sandbox_server):
    ann = by_email(sandbox_server)["ann@example.org"]["id"]
    path = f"/lists/{sandbox_server.list_id}/members/{ann}/tags"
    for status, expected in (("active", ["VIP"]), ("inactive", [])):
        assert sandbox_server.mailchimp("POST", path, {"tags": [{"name": "VIP", "status": status}]}).status_code == 204
        assert [one["name"] for one in sandbox_server.mailchimp("GET", path).json()["tags"]] == expected


def test_figures_lag_behind_writes(sandbox_server):
    sandbox_server.control("limits", {"mailchimp": {"stats_lag_seconds": 3600}})
    path = f"/lists/{sandbox_server.list_id}"
    segment = tag(sandbox_server, "VIP")
    new = {"email_address": "new@example.org", "status_if_new": "subscribed", "tags": ["VIP"]}
    sandbox_server.batch([new])

    def figures():
        stats = sandbox_server.mailchimp("GET", path).json()["stats"]
        tagged = sandbox_server.mailchimp("GET", f"{path}/segments/{segment}").json()["member_count"]
        return stats["member_count"], tagged

    assert figures() == (1, 0)
    assert len(by_email(sandbox_server, status="subscribed")) == 2
    sandbox_server.control("limits", {"mailchimp": {"stats_lag_seconds": 0}})
    sandbox_server.batch([new])
    assert figures() == (2, 1)


def test_members_changed_since_are_listed_alone(sandbox_server):
    clock = sandbox_server.get("/_sandbox/clock")["now"]
    before = clock.replace("T12:00:00", "T11:30:00")
    sandbox_server.batch([{"email_address": "ann@example.org", "merge_fields": {"FNAME": "Anna"}}])
    assert list(by_email(sandbox_server, since_last_changed=before)) == ["ann@example.org"]
    assert by_email(sandbox_server, since_last_changed=clock) == {}


def test_an_update_that_changes_nothing_does_not_touch_last_changed(sandbox_server):
    earlier = by_email(sandbox_server)["ann@example.org"]["last_changed"]
    sandbox_server.batch([{"email_address": "ann@example.org", "merge_fields": {"FNAME": ""}}])
    assert by_email(sandbox_server)["ann@example.org"]["last_changed"] == earlier


def test_fields_cut_the_answer(sandbox_server):
    answer = sandbox_server.mailchimp(
        "GET", f"/lists/{sandbox_server.list_id}/members", None, fields="members.id,total_items"
    ).json()
    assert set(answer) == {"members", "total_items"}
    assert all(set(row) == {"id"} for row in answer["members"])
    lists = sandbox_server.mailchimp("GET", "/lists", None, exclude_fields="lists.stats").json()
    assert "stats" not in lists["lists"][0]


def test_merge_fields_have_tags_of_their_own(sandbox_server):
    path = f"/lists/{sandbox_server.list_id}/merge-fields"
    made = sandbox_server.mailchimp("POST", path, {"name": "Group", "type": "text", "tag": "rfm"})
    assert made.json()["tag"] == "RFM"
    again = sandbox_server.mailchimp("POST", path, {"name": "Group", "type": "text", "tag": "RFM"})
    assert again.status_code == 400
    listed = sandbox_server.mailchimp("GET", path, None, count=2, offset=2).json()
    assert ([row["tag"] for row in listed["merge_fields"]], listed["total_items"]) == (["SPENT", "RFM"], 4)


def test_an_eleventh_connection_is_one_too_many(sandbox_server):
    sandbox_server.control("limits", {"mailchimp": {"connections": 2, "latency_seconds": 0.3}})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda _: sandbox_server.mailchimp("GET", "/ping").status_code, range(4)))
    assert statuses == [200, 200, 429, 429]
    sandbox_server.control("limits", {"mailchimp": {"latency_seconds": 0}})
    assert sandbox_server.mailchimp("GET", "/ping").status_code == 200


def test_high_volume_is_refused_without_a_body(sandbox_server):
    sandbox_server.control("limits", {"mailchimp": {"calls_per_minute": 1}})
    answers = [sandbox_server.mailchimp("GET", "/ping") for _ in range(2)]
    assert (answers[1].status_code, answers[1].content) == (403, b"")


def test_errors_can_be_provoked_by_name(sandbox_server):
    answer = sandbox_server.call("GET", "/mailchimp/3.0/ping", headers={"X-Trigger-Error": "TooManyRequests"})
    assert (answer.status_code, answer.json()["title"]) == (429, "Too Many Requests")


def test_an_unknown_list_or_path_is_not_found(sandbox_server):
    for path in ("/lists/none", "/lists/none/members", "/nothing"):
        answer = sandbox_server.mailchimp("GET", path)
        assert (answer.status_code, answer.json()["title"]) == (404, "Resource Not Found")


def test_automations_are_listed_by_status(sandbox_server):
    started = sandbox_server.automation("Welcome", "sending", workflow_type="welcomeSeries")
    paused = sandbox_server.automation("Win back", "paused", workflow_type="tagAdded", tags=["Lapsed"])
    everything = sandbox_server.mailchimp("GET", "/automations").json()
    assert ([one["id"] for one in everything["automations"]], everything["total_items"]) == ([started, paused], 2)
    running = sandbox_server.mailchimp("GET", "/automations", status="sending").json()
    assert [one["settings"]["title"] for one in running["automations"]] == ["Welcome"]
    assert sandbox_server.mailchimp("GET", "/automations", status="asleep").status_code == 400
