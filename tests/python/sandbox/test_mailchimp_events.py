"""Events of a member at the sandbox's Mailchimp: what is taken, what is refused, and that telling twice is twice."""

import hashlib

import pytest

LIST = "/lists/a1b2c3d4e5/members"
ANN = hashlib.md5(b"ann@example.org").hexdigest()


def tell(sandbox, body, whose=ANN):
    return sandbox.mailchimp("POST", f"{LIST}/{whose}/events", body)


def told(sandbox, whose=ANN):
    return sandbox.mailchimp("GET", f"{LIST}/{whose}/events").json()


def test_events_are_listed_the_latest_first(sandbox_server):
    for day in (3, 1, 2):
        body = {"name": f"day_{day}", "properties": {"n": "1"}, "occurred_at": f"2026-04-0{day}T10:00:00+02:00"}
        answer = tell(sandbox_server, body)
        assert (answer.status_code, answer.content) == (204, b"")
    answer = told(sandbox_server)
    assert answer["total_items"] == 3
    assert [one["name"] for one in answer["events"]] == ["day_3", "day_2", "day_1"]
    assert answer["events"][0] == {
        "name": "day_3",
        "occurred_at": "2026-04-03T08:00:00+00:00",
        "properties": {"n": "1"},
    }


def test_an_event_that_is_told_twice_happened_twice(sandbox_server):
    for _ in range(2):
        assert tell(sandbox_server, {"name": "back_in_stock"}).status_code == 204
    assert told(sandbox_server)["total_items"] == 2
    assert [(one["effect"], one["address"]) for one in sandbox_server.effects()] == [("created", "ann@example.org")] * 2


def test_a_member_is_found_by_the_address_as_well(sandbox_server):
    assert tell(sandbox_server, {"name": "back_in_stock"}, "Ann@example.org").status_code == 204
    assert told(sandbox_server)["total_items"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a"}, "name"),
        ({"name": "x" * 31}, "name"),
        ({"name": "back in stock"}, "name"),
        ({"name": "bought", "properties": {"pieces": 3}}, "properties"),
        ({"name": "bought", "properties": ["3"]}, "properties"),
        ({"name": "bought", "occurred_at": "yesterday"}, "occurred_at"),
        ({"name": "bought", "is_syncing": "yes"}, "is_syncing"),
    ],
)
def test_what_is_no_event_is_refused(sandbox_server, body, field):
    answer = tell(sandbox_server, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert told(sandbox_server)["total_items"] == 0


def test_nobody_is_made_a_member_by_an_event(sandbox_server):
    stranger = hashlib.md5(b"zoe@example.org").hexdigest()
    assert tell(sandbox_server, {"name": "bought"}, stranger).status_code == 404
    assert sandbox_server.mailchimp("GET", f"{LIST}/{stranger}/events").status_code == 404


def test_who_is_deleted_for_good_leaves_no_events(sandbox_server):
    tell(sandbox_server, {"name": "bought"})
    sandbox_server.mailchimp("POST", f"{LIST}/{ANN}/actions/delete-permanent", {})
    assert sandbox_server.store.count("mailchimp.event") == 0
