"""Klaviyo's lists, their members and the flows they start; segments, campaigns and the account beside them."""

import pytest


def pair(identifier):
    return {"type": "profile", "id": identifier}


def members(sandbox, name, **params):
    return [one["attributes"]["email"][:3] for one in sandbox.klaviyo("GET", f"/lists/{name}/profiles", **params)["data"]]


@pytest.fixture
def ids(sandbox_server):
    return {row.body["email"][:3]: row.id for row in sandbox_server.store.page("klaviyo.profile", limit=100)}


def test_lists_come_ten_at_a_time(sandbox_server):
    for number in range(12):
        data = {"type": "list", "attributes": {"name": f"List {number}"}}
        sandbox_server.klaviyo("POST", "/lists", {"data": data}, status=201)
    first = sandbox_server.klaviyo("GET", "/lists", sort="name")
    rest = sandbox_server.call("GET", first["links"]["next"].removeprefix(sandbox_server.url)).json()
    assert [len(first["data"]), len(rest["data"])] == [10, 5]
    assert len({one["id"] for one in (*first["data"], *rest["data"])}) == 15
    assert sandbox_server.klaviyo("GET", "/lists", filter="equals(name,'List 7')")["data"][0]["attributes"]["name"] == "List 7"
    sandbox_server.klaviyo("GET", "/lists", status=400, **{"page[size]": 11})


def test_a_list_shows_its_flows_and_its_size(sandbox_server):
    plain = sandbox_server.klaviyo("GET", "/lists/LstNew")
    assert "included" not in plain and "profile_count" not in plain["data"]["attributes"]
    answer = sandbox_server.klaviyo(
        "GET", "/lists/LstNew", **{"include": "flow-triggers", "additional-fields[list]": "profile_count"}
    )
    assert answer["data"]["attributes"]["profile_count"] == 0
    assert answer["data"]["relationships"]["flow-triggers"]["data"] == [{"type": "flow", "id": "FlwWel"}]
    flow = answer["included"][0]["attributes"]
    assert (flow["name"], flow["status"], flow["trigger_type"]) == ("Welcome", "live", "Added to List")


def test_a_list_is_renamed_and_removed(sandbox_server, ids):
    data = {"type": "list", "id": "LstAll", "attributes": {"name": "All of us"}}
    assert sandbox_server.klaviyo("PATCH", "/lists/LstAll", {"data": data})["data"]["attributes"]["name"] == "All of us"
    sandbox_server.klaviyo("DELETE", "/lists/LstAll", status=204)
    sandbox_server.klaviyo("GET", "/lists/LstAll", status=404)
    shown = sandbox_server.klaviyo("GET", f"/profiles/{ids['ann']}", include="lists")
    assert shown["data"]["relationships"]["lists"]["data"] == shown["included"] == []


def test_members_join_and_leave(sandbox_server, ids):
    path = "/lists/LstAll/relationships/profiles"
    sandbox_server.klaviyo("POST", path, {"data": [pair(ids["fay"]), pair(ids["ann"]), pair(ids["fay"])]}, status=204)
    assert members(sandbox_server, "LstAll") == ["ann", "bob", "cay", "dan", "eve", "fay"]
    sandbox_server.klaviyo("DELETE", path, {"data": [pair(ids["bob"]), pair(ids["hal"]), pair("nobody")]}, status=204)
    assert members(sandbox_server, "LstAll", sort="-joined_group_at")[0] == "fay"
    found, link = [], sandbox_server.klaviyo("GET", path, **{"page[size]": 2})
    while link:
        found += [one["id"] for one in link["data"]]
        following = link["links"].get("next")
        link = sandbox_server.call("GET", following.removeprefix(sandbox_server.url)).json() if following else None
    assert set(found) == {ids[name] for name in ("ann", "cay", "dan", "eve", "fay")} and len(found) == 5
    assert [(one["effect"], one["address"]) for one in sandbox_server.effects()] == [
        ("joined", "fay@example.org"),
        ("left", "bob@example.org"),
    ]


def test_one_unknown_profile_refuses_the_whole_call(sandbox_server, ids):
    given = {"data": [pair(ids["fay"]), pair("nobody")]}
    error = sandbox_server.klaviyo("POST", "/lists/LstAll/relationships/profiles", given, status=400)["errors"][0]
    assert error["source"]["pointer"] == "/data/1/id"
    assert sandbox_server.effects() == []
    too_many = {"data": [pair(f"p{number}") for number in range(1001)]}
    sandbox_server.klaviyo("DELETE", "/lists/LstAll/relationships/profiles", too_many, status=400)


def test_members_are_found_by_address_and_time(sandbox_server):
    assert members(sandbox_server, "LstAll", filter="any(email,['Ann@example.org','hal@example.org'])") == ["ann"]
    assert members(sandbox_server, "LstAll", filter="greater-than(joined_group_at,2026-01-30T12:00:00Z)") == []
    assert len(members(sandbox_server, "LstAll", filter="greater-or-equal(joined_group_at,2026-01-30T12:00:00Z)")) == 5


def test_who_joins_a_list_enters_its_flow_once(sandbox_server, ids):
    path = "/lists/LstNew/relationships/profiles"
    given = {"data": [pair(ids["ann"]), pair(ids["fay"])]}
    for method in ("POST", "DELETE", "POST"):
        sandbox_server.klaviyo(method, path, given, status=204)
    sandbox_server.import_profiles([{"email": "ann@example.org"}, {"email": "new@example.org"}], "LstNew")
    entries = sandbox_server.get("/_sandbox/entries")["entries"]
    assert [(one["automation"], one["address"]) for one in entries] == [
        ("FlwWel", f"{name}@example.org") for name in ("ann", "fay", "new")
    ]
    assert len({one["request"] for one in entries}) == 2
    assert len(sandbox_server.effects("entered")) == 3


def test_a_flow_that_is_no_draft_any_more_only(sandbox_server, ids):
    row = sandbox_server.store.get("klaviyo.flow", "FlwWel")
    row.body["status"] = "draft"
    sandbox_server.store.put("klaviyo.flow", row)
    sandbox_server.klaviyo("POST", "/lists/LstNew/relationships/profiles", {"data": [pair(ids["ann"])]}, status=204)
    assert sandbox_server.get("/_sandbox/entries") == {"entries": []}


def test_a_segment_shows_who_meets_its_condition(sandbox_server):
    segment = sandbox_server.klaviyo("GET", "/segments")["data"][0]
    assert segment["attributes"]["definition"]["condition_groups"][0]["conditions"][0]["group_ids"] == ["LstAll"]
    answer = sandbox_server.klaviyo("GET", f"/segments/{segment['id']}/profiles", **{"page[size]": 2})
    assert [one["attributes"]["email"][:3] for one in answer["data"]] == ["ann", "bob"]


def test_campaigns_need_a_channel(sandbox_server):
    sandbox_server.klaviyo("GET", "/campaigns", status=400)
    shown = sandbox_server.klaviyo("GET", "/campaigns", filter="equals(messages.channel,'email')")["data"]
    assert [(one["attributes"]["name"], one["attributes"]["status"]) for one in shown] == [("Spring", "Sent")]
    assert sandbox_server.klaviyo("GET", "/campaigns", filter="equals(messages.channel,'sms')")["data"] == []


def test_the_account_says_who_it_is(sandbox_server):
    account = sandbox_server.klaviyo("GET", "/accounts")["data"][0]
    assert account["attributes"]["contact_information"]["organization_name"] == "Brook & Hearth"
