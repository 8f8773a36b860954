"""What nobody could tell when it happened: a no of long ago while consent was stale, and a removal whose answer was lost."""

from datetime import timedelta

import pytest

from mailhouse import sync
from mailhouse.crash_points import CrashPoints
from mailhouse.destinations import Call, Change
from mailhouse.sync.journal import Journal
from tests.python.sync.decided import DecidedLook


def test_a_no_of_days_ago_is_heeded_however_old_the_decisions_are(world, monkeypatch):
    world.people(range(20))
    world.segment("newsletter", range(20), mode="upsert")
    assert world.sync().ok
    said_at = world.clock.now() + timedelta(hours=1)
    monkeypatch.setattr(
        DecidedLook, "withdrawn_since", lambda _, moment: {"person3@example.test"} if moment <= said_at else set()
    )
    # nothing is built for three days
    world.clock.sleep(timedelta(days=3).total_seconds())
    before = world.esp.tag("NEWSLETTER")
    result = world.sync()
    assert not result.ok
    (gone,) = before - world.esp.tag("NEWSLETTER")
    assert world.esp.member(gone)["email_address"] == "person3@example.test"


@pytest.mark.parametrize("arrived", [True, False])
def test_a_removal_whose_answer_was_lost_is_read_back_although_nobody_owes_it_any_more(world, arrived):
    world.people(range(20))
    world.segment("newsletter", range(20), mode="upsert")
    assert world.sync().ok
    row = world.warehouse.execute(
        "select container, document_key, customer_id, address, mailbox, vendor_id from reverse_sync.delivered"
        " where mailbox = 'person3@example.test'"
    ).fetchall()[0]
    container, key, customer, address, mailbox, vendor_id = row
    change = Change(
        "mailchimp", container, key, customer, address, mailbox, "{}", "", False, remove=("NEWSLETTER",), vendor_id=vendor_id
    )
    dead = Journal(world.warehouse, "a run that died", (), CrashPoints())
    dead.sending(Call("leave", container, "NEWSLETTER", (change,)), world.clock.now())
    if arrived:
        with world.esp.store.transaction() as state:
            state.execute("delete from tag_member where member_id = ?", (key,))
    recovered = sync.recover(world.context)
    assert (recovered.calls, recovered.problems) == (1, ())
    assert world.count("in_flight") == 0
    assert (key in world.delivered("NEWSLETTER")) is not arrived
