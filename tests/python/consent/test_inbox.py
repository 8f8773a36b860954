"""The inbox takes acts from many at once, keeps what it said it took, and lets nobody change one."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from mailhouse.clock import FixedClock
from mailhouse.consent import ConsentAct, Inbox, land_inbox
from mailhouse.errors import ActRefused, StateUnreadable
from mailhouse.settings import Settings

RECORDER = Path(__file__).with_name("recorder.py")
ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox.db")


def clock(**later: float) -> FixedClock:
    return FixedClock(NOW + timedelta(**later))


def withdrawal(address: str, **more: object) -> ConsentAct:
    return ConsentAct("withdraw", address, "phone", **more)  # type: ignore[arg-type]


def test_an_act_comes_back_as_it_was_said(inbox: Inbox) -> None:
    said = ConsentAct(
        *("grant", "Ann@Mail.example", "form"),
        purpose="marketing_email",
        proof="double_opt_in",
        evidence="form 12",
        reason="asked for it",
        recorded_by="me",
        event_id="one",
        occurred_at=datetime(2026, 4, 1, 14, 30, tzinfo=timezone(timedelta(hours=2))),
    )
    inbox.record([said], clock())
    (kept,) = inbox.acts()
    assert (kept.act, kept.received_at, kept.seq) == (said, NOW, 1)
    assert kept.act.occurred_at == datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
    assert "Ann" not in repr(kept)


def test_the_same_act_is_taken_once_and_an_act_without_an_id_gets_one(inbox: Inbox) -> None:
    inbox.record([withdrawal("a@mail.example", event_id="same"), withdrawal("b@mail.example")], clock())
    inbox.record([withdrawal("other@mail.example", event_id="same"), withdrawal("b@mail.example")], clock(hours=1))
    ids = [one.act.event_id for one in inbox.acts()]
    assert ids[0] == "same" and len(set(ids)) == len(ids) == 3
    assert inbox.acts()[0].act.address == "a@mail.example"


def test_only_what_came_after_is_read_again(inbox: Inbox) -> None:
    inbox.record([withdrawal("a@mail.example")], clock())
    (first,) = inbox.acts()
    assert inbox.acts(after=first.seq) == []
    inbox.record([withdrawal("b@mail.example")], clock())
    assert [one.act.address for one in inbox.acts(after=first.seq)] == ["b@mail.example"]


@pytest.mark.parametrize(
    "grant",
    [
        {},
        {"proof": "somebody said so"},
        {"proof": "double_opt_in", "purpose": "*"},
        {"proof": "double_opt_in", "channel": "*"},
        {"proof": "double_opt_in", "brand": "*"},
    ],
)
def test_a_grant_without_proof_or_for_everything_is_refused_and_nothing_with_it_is_taken(inbox: Inbox, grant: dict) -> None:
    refused = ConsentAct("grant", "a@mail.example", "form", **{"purpose": "marketing_email", **grant})
    with pytest.raises(ActRefused) as told:
        inbox.record([withdrawal("b@mail.example"), refused], clock())
    assert "mail.example" not in str(told.value)
    assert not inbox.exists


@pytest.mark.parametrize("act", [ConsentAct("withdraw", " \t", "phone"), ConsentAct("forget", "a@mail.example", "phone")])  # type: ignore[arg-type]
def test_an_act_that_says_nothing_is_refused(inbox: Inbox, act: ConsentAct) -> None:
    with pytest.raises(ActRefused):
        inbox.record([act], clock())


@pytest.mark.parametrize("said", [{"purpose": "a typo"}, {"channel": "fax"}, {"reason": "a new word"}, {"proof": "none"}])
def test_a_refusal_is_always_taken(inbox: Inbox, said: dict) -> None:
    inbox.record([withdrawal("no address at all", **said)], clock())
    assert len(inbox.acts()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update consent_acts set act = 'grant', proof = 'double_opt_in'",
        "update consent_acts set occurred_at = null",
        "delete from consent_acts",
        "insert or replace into consent_acts select * replace from consent_acts",
        "insert into consent_acts (event_id, act, address, channel, purpose, brand, source, reason, received_at, recorded_by)"
        " select 'x', 'grant', address, channel, 'p', brand, source, reason, received_at, '' from consent_acts",
    ],
)
def test_no_act_can_be_changed_deleted_or_granted_past_the_door(inbox: Inbox, statement: str) -> None:
    inbox.record([withdrawal("a@mail.example")], clock())
    before = inbox.acts()
    with sqlite3.connect(inbox.path) as file, pytest.raises(sqlite3.Error):
        file.execute(statement)
    assert inbox.acts() == before


def test_a_reader_makes_no_empty_inbox_where_one_should_be(inbox: Inbox) -> None:
    with pytest.raises(StateUnreadable):
        inbox.acts()
    with pytest.raises(StateUnreadable):
        inbox.withdrawn_since(NOW)
    assert not inbox.exists


def record_in_a_process(inbox: Inbox, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(RECORDER), str(inbox.path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_many_processes_write_at_once(inbox: Inbox) -> None:
    writers = [record_in_a_process(inbox, name, 40) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    acts = inbox.acts()
    assert {one.act.event_id for one in acts} == {f"{name}-{number}" for name in "abc" for number in range(40)}
    assert [one.seq for one in acts] == list(range(1, 121))
    assert len({one.inbox_id for one in acts}) == 1


def test_what_was_taken_survives_a_kill(inbox: Inbox) -> None:
    taken = set()
    for turn in range(2):
        writer = record_in_a_process(inbox, f"t{turn}.", 1_000_000)
        told = [writer.stdout.readline().strip() for _ in range(20 * turn + 1)]  # type: ignore[union-attr]
        writer.kill()
        told += writer.communicate()[0].split("\n")[:-1]
        taken |= {event_id.strip() for event_id in told if event_id}
        kept = {one.act.event_id for one in inbox.acts()}
        assert taken <= kept
        # at most the one that it was at when it was killed was kept and not told
        assert len(kept - taken) <= turn + 1
    inbox.record([withdrawal("after@mail.example")], clock())


def test_landing_merges_and_an_inbox_made_anew_hides_nothing(tmp_path: Path) -> None:
    settings = Settings(ROOT, tmp_path, {})
    inbox = Inbox(settings.inbox_path)
    with duckdb.connect() as warehouse:
        assert land_inbox(warehouse, settings) == 0 and inbox.exists
        inbox.record([withdrawal("a@mail.example", event_id="one"), withdrawal("b@mail.example", event_id="two")], clock())
        assert [land_inbox(warehouse, settings), land_inbox(warehouse, settings)] == [2, 0]
        settings.inbox_path.unlink()
        inbox.record([withdrawal("b@mail.example", event_id="two"), withdrawal("c@mail.example", event_id="three")], clock())
        assert land_inbox(warehouse, settings) == 1
        rows = warehouse.execute("select event_id, received_at from raw_inbox.consent_acts order by all").fetchall()
    assert [event_id for event_id, _ in rows] == ["one", "three", "two"]
    assert {received_at for _, received_at in rows} == {NOW}
