"""The inbox: takes acts of consent at any time, also while a run holds the warehouse, and never loses or changes one.

A small SQLite file of its own. An act that `record` returned for is on disk; triggers refuse every update and delete.
"""

import sqlite3
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mailhouse.clock import Clock
from mailhouse.consent.acts import ACTS, EVERY, PROOFS, REASONS, ConsentAct, ReceivedAct
from mailhouse.contact_points import normalise_email
from mailhouse.errors import ActRefused, StateUnreadable
from mailhouse.sqlite import alone, opened

TABLE = """
create table if not exists consent_acts (
    seq integer primary key autoincrement,
    event_id text not null unique,
    act text not null check (act in ('withdraw', 'grant', 'block')),
    address text not null check (trim(address) <> ''),
    channel text not null, purpose text not null, brand text not null, source text not null, reason text not null,
    occurred_at text, received_at text not null,
    proof text, evidence text, recorded_by text not null,
    check (act <> 'grant' or proof is not null)
)
"""
ACTS_STAY = (
    "create trigger if not exists acts_stay before delete on consent_acts"
    " begin select raise(abort, 'acts of consent are never deleted'); end"
)
REST = (
    "create index if not exists consent_acts_by_time on consent_acts (received_at)",
    "create table if not exists inbox (only_one integer primary key check (only_one = 1), inbox_id text not null)",
    "create trigger if not exists acts_stay_as_they_are before update on consent_acts"
    " begin select raise(abort, 'acts of consent are never changed'); end",
    ACTS_STAY,
)
IDENTIFY = "insert into inbox select 1, ? where not exists (select 1 from inbox)"
COLUMNS = (
    *("event_id", "act", "address", "channel", "purpose", "brand", "source", "reason", "occurred_at", "received_at"),
    *("proof", "evidence", "recorded_by"),
)
INSERT = (
    f"insert into consent_acts ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))}) on conflict (event_id) do nothing"
)
READ = f"select seq, {', '.join(COLUMNS)} from consent_acts where seq > ? order by seq"


class Inbox:
    """The acts in one file. Every method opens it anew, so an inbox may be used from any thread and process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def record(self, acts: Sequence[ConsentAct], clock: Clock) -> list[ReceivedAct]:
        """Take acts, all or none; returns when they are on disk. One whose `event_id` is known already is not taken again.

        A withdrawal or block is always taken. Raises ActRefused for a grant without proof or for every purpose, and for an
        act of no known kind or without an address; StateUnreadable when the file cannot be written.
        """
        checked = [_checked(act) for act in acts]
        with self._made() as file, alone(file):
            # the time is taken by the only writer, so that later acts never carry an earlier one
            now = clock.now().astimezone(UTC)
            received = [ReceivedAct(act, now) for act in checked]
            file.executemany(INSERT, [_row(one) for one in received])
        return received

    def take_over(self, other: "Inbox") -> int:
        """Add the acts of another inbox that this one does not have, with their own times; how many. Raises StateUnreadable."""
        with other._there() as file:
            rows = [row[1:] for row in file.execute(READ, [0])]
        with self._made() as file, alone(file):
            before = file.total_changes
            file.executemany(INSERT, rows)
            return file.total_changes - before

    def acts(self, after: int = 0) -> list[ReceivedAct]:
        """The acts in the order in which they were taken, from the one after number `after`.

        Raises StateUnreadable when the file is not there or cannot be read: then nobody knows who said no.
        """
        with self._there() as file:
            inbox_id = _identity(file)
            return [_received(row, inbox_id) for row in file.execute(READ, [after])]

    def withdrawn_since(self, moment: datetime) -> set[str]:
        """The mailboxes (wide form) that a withdrawal or block taken at or after `moment` names. Raises as `acts` does."""
        with self._there() as file:
            rows = file.execute(
                "select distinct address from consent_acts where act <> 'grant' and received_at >= ?", [_stamp(moment)]
            ).fetchall()
        return {wide for (address,) in rows if (wide := normalise_email(address).wide)}

    def forget(self, mailboxes: Collection[str]) -> int:
        """Delete the acts about these mailboxes (wide form), bytes and all: the only deletion, when a person is erased.

        How many there were. Raises StateUnreadable.
        """
        if not self.exists:
            return 0
        with self._made() as file:
            file.execute("pragma secure_delete = on")
            with alone(file):
                rows = file.execute("select seq, address from consent_acts").fetchall()
                gone = [[seq] for seq, address in rows if normalise_email(address).wide in mailboxes]
                file.execute("drop trigger acts_stay")
                file.executemany("delete from consent_acts where seq = ?", gone)
                file.execute(ACTS_STAY)
        return len(gone)

    def create(self) -> None:
        """Make the file where it is not there yet. Raises StateUnreadable."""
        with self._made():
            pass

    @contextmanager
    def _made(self) -> Iterator[sqlite3.Connection]:
        with opened(self.path, TABLE) as file:
            for statement in REST:
                file.execute(statement)
            file.execute(IDENTIFY, [uuid.uuid4().hex])
            yield file

    @contextmanager
    def _there(self) -> Iterator[sqlite3.Connection]:
        # a reader makes nothing: an empty new file would say that nobody ever refused
        if not self.exists:
            raise StateUnreadable(f"{self.path}: not there, so nobody knows who said no; `mailhouse run` makes a new one")
        with opened(self.path, "pragma query_only = on") as file:
            yield file


def _checked(act: ConsentAct) -> ConsentAct:
    if act.act not in ACTS:
        raise ActRefused(f"an act is one of {', '.join(ACTS)}, not {act.act!r}")
    if not act.address.strip():
        raise ActRefused(f"a {act.act} without an address says nothing; name the address")
    if act.act == "grant":
        if act.proof not in PROOFS:
            raise ActRefused(f"a grant needs its proof ({' or '.join(PROOFS)}); without one nobody may be written to")
        if EVERY in (act.purpose, act.channel, act.brand):
            raise ActRefused("a grant is for one purpose, channel and brand; name them")
    return replace(act, event_id=act.event_id or uuid.uuid4().hex, reason=act.reason or REASONS[act.act])


def _identity(file: sqlite3.Connection) -> str:
    return file.execute("select inbox_id from inbox").fetchone()[0]


def _stamp(moment: datetime) -> str:
    """UTC to the microsecond, always as long, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _row(one: ReceivedAct) -> list[str | None]:
    values: dict[str, str | None] = {name: getattr(one.act, name) for name in COLUMNS if name != "received_at"}
    values["occurred_at"] = _stamp(one.act.occurred_at) if one.act.occurred_at else None
    values["received_at"] = _stamp(one.received_at)
    return [values[name] for name in COLUMNS]


def _received(row: tuple[int | str | None, ...], inbox_id: str) -> ReceivedAct:
    values = dict(zip(COLUMNS, row[1:], strict=True))
    received_at = datetime.fromisoformat(str(values.pop("received_at")))
    occurred_at = values.pop("occurred_at")
    said = datetime.fromisoformat(str(occurred_at)) if occurred_at else None
    return ReceivedAct(ConsentAct(**values, occurred_at=said), received_at, inbox_id, int(row[0] or 0))
