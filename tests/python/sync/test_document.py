"""A plan that was read and sealed is applied as it was read, or not at all."""

import json
import stat

import pytest

from mailhouse import sync
from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.errors import ConfigurationError, SyncRefused
from mailhouse.sync import document


@pytest.fixture
def filled(world):
    world.people(range(8))
    world.segment("newsletter", range(6))
    assert world.sync().ok
    return world


def seal(world):
    path = world.folder / "plan.json"
    return path, document.write(world.context, world.plan(), path)


def test_a_plan_says_of_everybody_what_it_does(filled, esp):
    filled.rename(0, "Anew")
    filled.members("newsletter", [*range(5), 7])
    filled.decide(3, "deny", "withdrawn")
    path, written = seal(filled)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    does = {row["customer_id"]: row for row in written["people"]}
    assert {customer: row["does"] for customer, row in does.items() if row["does"] != "none"} == {
        "c000000": "update",
        "c000003": "refused",
        "c000005": "remove",
        "c000007": "add",
    }
    assert does["c000000"]["fields"] == {"FNAME": ["Name 0", "Anew"]}
    assert does["c000003"]["reason"] == "withdrawn"
    assert written["new_contacts"] == {"mailchimp": 1}
    assert [call["action"] for call in written["calls"]] == ["leave", "write"]


def test_a_plan_names_the_automations_that_its_additions_would_start(filled, esp):
    from mailhouse.sandbox.store import Row

    filled.members("newsletter", range(7))
    tagged = {"workflow_type": "tagAdded", "tags": ["NEWSLETTER"]}
    body = {"id": "a1", "status": "sending", "recipients": {"list_id": "list1"}, "trigger_settings": tagged}
    esp.store.put_many("mailchimp.automation", [Row("a1", {**body, "settings": {"title": "Welcome"}}, esp.store.now())])
    _, written = seal(filled)
    assert written["automations"] == {"mailchimp": {"Customers / NEWSLETTER": ["Welcome"]}}


def test_just_that_plan_is_applied(filled, esp):
    filled.members("newsletter", range(7))
    path, _ = seal(filled)
    esp.writes()
    plan = filled.plan()
    assert document.hold_to(document.read(path), plan) == ()
    assert sync.sync(filled.context, plan).ok
    assert esp.writes() == {"batch": 1}


@pytest.mark.parametrize("moved", ["a field", "a member", "a leaver"])
def test_when_the_world_has_moved_the_plan_is_refused_with_the_differences(filled, moved):
    filled.members("newsletter", range(7))
    path, _ = seal(filled)
    if moved == "a field":
        filled.rename(6, "Anew")
    elif moved == "a member":
        filled.members("newsletter", range(8))
    else:
        filled.members("newsletter", [0, 1, 2, 3, 4, 6])
    with pytest.raises(SyncRefused, match="no longer fits, 1 documents differ"):
        document.hold_to(document.read(path), filled.plan())


def test_who_says_no_after_the_seal_is_dropped_and_the_rest_goes_on(filled, esp):
    filled.members("newsletter", range(8))
    path, _ = seal(filled)
    filled.decide(6, "deny", "withdrawn")
    filled.decide(0, "deny", "withdrawn")
    plan = filled.plan()
    assert document.hold_to(document.read(path), plan) == ("c000006",)
    assert sync.sync(filled.context, plan).ok
    assert key_of("person6@example.test") not in esp.tag("NEWSLETTER")
    assert key_of("person0@example.test") not in esp.tag("NEWSLETTER")
    assert key_of("person7@example.test") in esp.tag("NEWSLETTER")


def test_a_plan_that_was_edited_is_refused(filled):
    filled.members("newsletter", range(7))
    path, _ = seal(filled)
    body = json.loads(path.read_text())
    body["people"][0]["does"] = "none"
    path.write_text(json.dumps(body))
    with pytest.raises(ConfigurationError, match="not as it was sealed"):
        document.read(path)
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="not a plan of Mailhouse"):
        document.read(path)


def test_what_the_breaker_stops_needs_an_approval_beside_the_plan(world):
    world.people(range(3))
    world.segment("newsletter", range(3))
    path = world.folder / "plan.json"
    document.write(world.context, world.plan(), path)
    sealed = document.read(path)
    with pytest.raises(SyncRefused, match="first_fill"):
        document.approved(sealed, None)
    document.approved(sealed, sync.Approval("read and meant", "ann"))
