"""What looks like a mistake waits for somebody's word, and holds nothing back that a no demands."""

import pytest

from mailhouse import controls, sync

APPROVED = sync.Approval("the spring campaign", "ann")


@pytest.fixture
def filled(world):
    """200 people on a list, delivered."""
    world.people(range(600))
    world.segment("newsletter", range(200))
    assert world.sync().ok
    return world


def stop(world) -> sync.Stop:
    plan = world.plan(approval=None)
    (found,) = plan.stops
    assert plan.is_empty
    assert not plan.ok
    assert found.kind in plan.held_back[found.segment]
    return found


def test_a_first_fill_waits_until_it_is_approved(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    assert stop(world).kind == "first_fill"
    result = sync.sync(world.context, world.plan(approval=None))
    assert not result.ok
    assert esp.writes() == {}
    assert sync.sync(world.context, world.plan(approval=APPROVED)).ok
    approvals = world.warehouse.execute("select approved_by, reason, segment from reverse_sync.approvals").fetchall()
    assert approvals == [("ann", "the spring campaign", "seg_newsletter")]


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (range(0), "empty_model"),
        (range(150), "stop_if_removed"),
        (range(310), "stop_if_added"),
    ],
)
def test_a_large_move_is_stopped_and_named(filled, members, kind):
    filled.members("newsletter", members)
    found = stop(filled)
    assert found.kind == ("empty_model" if kind == "empty_model" else kind)
    assert "200" in found.says


def test_a_change_of_many_fields_is_stopped(filled):
    filled.warehouse.execute("update profiles.mailchimp_profiles set first_name = 'Everybody' where customer_id < 'c000100'")
    assert stop(filled).kind == "stop_if_changed"


def test_fewer_than_fifty_people_are_never_stopped(filled):
    filled.members("newsletter", range(151))
    assert filled.plan(approval=None).stops == ()


def test_a_fall_of_consent_is_stopped_and_who_said_no_is_taken_off_all_the_same(filled, esp):
    esp.writes()
    for number in range(60):
        filled.decide(number, "deny", "withdrawn")
    plan = filled.plan(approval=None)
    assert [found.kind for found in plan.stops] == ["stop_if_removed"]
    assert not sync.sync(filled.context, plan).ok
    assert esp.writes() == {"leave": 1}
    assert len(esp.tag("NEWSLETTER")) == 140


def test_consent_that_vanishes_from_people_not_yet_there_is_stopped(filled):
    filled.members("newsletter", range(290))
    assert filled.sync().ok
    filled.warehouse.execute("update marts.consent_status set decision = 'deny', reason = 'no_proof' where mailbox >= 'person2'")
    kinds = {found.kind for found in filled.plan(approval=None).stops}
    assert kinds <= {"stop_if_removed", "consent_fell"}
    assert kinds


def test_another_segment_goes_on_while_one_is_stopped(filled, esp):
    filled.segment("vip", range(10))
    assert filled.sync().ok
    filled.members("newsletter", range(100))
    filled.members("vip", range(11))
    result = sync.sync(filled.context, filled.plan(approval=None))
    assert not result.ok
    assert len(esp.tag("VIP")) == 11
    assert len(esp.tag("NEWSLETTER")) == 200


def test_a_pause_of_a_segment_holds_it_and_no_other_and_never_a_no(filled, esp):
    filled.segment("vip", range(10))
    assert filled.sync().ok
    folder = filled.folder / "models" / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seg_vip.sql").write_text("select 1")
    controls.pause(filled.settings, "seg_vip", "a meeting", filled.clock.now())
    filled.members("vip", range(5, 12))
    filled.members("newsletter", range(201))
    filled.decide(7, "deny", "withdrawn")
    plan = filled.plan()
    assert "is paused" in plan.held_back["seg_vip"]
    sync.sync(filled.context, plan)
    assert len(esp.tag("VIP")) == 9
    assert len(esp.tag("NEWSLETTER")) == 200
    controls.resume(filled.settings, "seg_vip", filled.clock.now())
    assert filled.sync().ok
    assert len(esp.tag("VIP")) == 6


def test_a_pause_set_while_a_sync_runs_is_obeyed_before_the_next_batch(world, esp, monkeypatch):
    world.people(range(1200))
    world.segment("newsletter", range(1200))
    plan = world.plan()
    world.limits["connections"] = 1
    asked = iter([None, None, "mailchimp is paused", "mailchimp is paused"])
    monkeypatch.setattr("mailhouse.sync.apply.paused", lambda *_: next(asked))
    result = sync.sync(world.context, plan)
    assert "is paused" in str(result.destinations[0].error)
    assert len(esp.tag("NEWSLETTER")) == len(world.delivered("NEWSLETTER")) == 1000


def test_removals_go_out_also_when_the_inbox_cannot_be_read(filled, esp, monkeypatch):
    from mailhouse.errors import StateUnreadable
    from tests.python.sync.decided import DecidedLook

    def unreadable(self, moment):
        raise StateUnreadable("inbox.db: cannot be read; restore it")

    filled.members("newsletter", range(10, 205))
    plan = filled.plan()
    monkeypatch.setattr(DecidedLook, "withdrawn_since", unreadable)
    result = sync.sync(filled.context, plan)
    assert "inbox.db" in str(result.destinations[0].error)
    assert len(esp.tag("NEWSLETTER")) == 190
