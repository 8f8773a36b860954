"""What callers did to the vendors' state, told by the state itself: the oracle of tests about lost and doubled writes.

An effect is a change of state or a message set off. A write that leaves everything as it was has none, and neither have
the days that pass (the people of the company act there, not the caller).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

import orjson

from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.ticks import Ticks

# times that a vendor moves whenever it is written to: a change of nothing else is none
TIMES = frozenset({"last_changed", "updated", "updated_at", "updatedAt", "lastmodifieddate", "last_updated"})
OWN = frozenset(
    {"klaviyo.job", "klaviyo.import_error", "sendgrid.job", "sendgrid.file"}
)  # a vendor's bookkeeping about the calls themselves
SUPPRESSIONS = ("suppression", "list_suppressions")
COLUMNS = ("seq", "vendor", "request", "call", "at", "tick", "effect", "kind", "subject", "address", "container", "detail")

# (effect, before, after)
Change = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that is at work; as the store's watcher it writes down what the request changes."""

    effects: "Effects"
    vendor: str
    request: str
    call: str
    starts: bool = True  # whether automations take note

    @property
    def store(self) -> Store:
        return self.effects.store

    def put(self, connection: Connection, kind: str, before: Mapping[tuple[str, str], Row], rows: list[Row]) -> None:
        """Rows of a kind were put, in place of those before (by id and parent)."""
        if kind in OWN:
            return
        found = [
            (effect, kind, row.id, row.email, row.parent, old, new)
            for row in rows
            for effect, old, new in changes(kind, before.get((row.id, row.parent)), row)
        ]
        self._write(connection, found)
        react = self.effects.put.get(kind)
        if react is not None:
            react(self, before, rows)

    def deleted(self, connection: Connection, kind: str, rows: Iterable[Row]) -> None:
        """Rows are gone."""
        if kind not in OWN:
            self._write(connection, [("deleted", kind, row.id, row.email, row.parent, row.body, None) for row in rows])

    def tied(self, connection: Connection, kind: str, container: str, members: Mapping[str, str], *, joined: bool) -> None:
        """Members (id to address) joined or left something: a tag, given as `list/segment`, or a list."""
        effect = "joined" if joined else "left"
        self._write(connection, [(effect, kind, member, address, container, None, None) for member, address in members.items()])
        react = self.effects.joined.get(kind)
        if joined and self.starts and react is not None:
            react(self, container, members)

    def note(self, effect: str, kind: str, subject: str, address: str, container: str = "", after: Any = None) -> None:
        """Something that is no row's change, such as a confirmation mail."""
        with self.store.transaction() as connection:
            self._write(connection, [(effect, kind, subject, address, container, None, after)])

    def enter(self, automation: str, members: Mapping[str, str]) -> None:
        """Members (id to address) start an automation of this vendor; who has been through it does not start again."""
        at = stamp(self.store.now())
        with self.store.transaction() as connection:
            fresh = []
            for member, address in members.items():
                values = (self.vendor, automation, member, address, at, self.request)
                if connection.execute("insert or ignore into automation_entry values (?, ?, ?, ?, ?, ?)", values).rowcount:
                    fresh.append(("entered", f"{self.vendor}.automation", member, address, automation, None, None))
            self._write(connection, fresh)

    def _write(self, connection: Connection, found: list[tuple[str, str, str, str, str, Any, Any]]) -> None:
        if not found:
            return
        at, tick = stamp(self.store.now()), self.effects.ticks.now()
        connection.executemany(
            f"insert into effect ({', '.join(COLUMNS[1:])}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (self.vendor, self.request, self.call, at, tick, effect, kind, subject, address, container, _detail(old, new))
                for effect, kind, subject, address, container, old, new in found
            ),
        )


PutReaction = Callable[[Cause, Mapping[tuple[str, str], Row], list[Row]], None]
JoinReaction = Callable[[Cause, str, Mapping[str, str]], None]


class Effects:
    """The log of one sandbox. It is in the state's file, written with the change itself."""

    def __init__(self, store: Store, ticks: Ticks) -> None:
        self.store, self.ticks = store, ticks
        # what a vendor does by itself when rows of a kind are put, or when somebody joins something of a kind
        self.put: dict[str, PutReaction] = {}
        self.joined: dict[str, JoinReaction] = {}

    def cause(self, vendor: str, request: str, call: str) -> Cause:
        return Cause(self, vendor, request, call)

    def clear(self) -> None:
        """Forgets the log; who has been through which automation is state, and stays."""
        with self.store.transaction() as connection:
            connection.execute("delete from effect")

    def as_json(self, vendor: str = "", after: int = 0, limit: int = 1_000_000) -> dict[str, Any]:
        """`{"effects": [{seq, vendor, request, call, at, tick, effect, kind, subject, address, container, before, after}]}`."""
        statement = f"select {', '.join(COLUMNS)} from effect where seq > ? and ? in ('', vendor) order by seq limit ?"
        found = []
        for row in self.store.query(statement, (after, vendor, limit)):
            effect = dict(zip(COLUMNS, row, strict=True))
            found.append(effect | orjson.loads(effect.pop("detail")))
        return {"effects": found}

    def entries(self) -> dict[str, Any]:
        """`{"entries": [{vendor, automation, subject, address, at, request}]}`: who started which automation."""
        names = ("vendor", "automation", "subject", "address", "at", "request")
        statement = f"select {', '.join(names)} from automation_entry order by at, vendor, automation, subject"
        return {"entries": [dict(zip(names, row, strict=True)) for row in self.store.query(statement, ())]}


def changes(kind: str, old: Row | None, new: Row) -> list[Change]:
    """The effects of putting a row over another."""
    if old is None:
        return [("created", None, new.body)]
    before, after = dict(old.body), dict(new.body)
    found: list[Change] = []
    if kind == "klaviyo.profile":
        found += _marketing(before.pop("marketing", {}), after.pop("marketing", {}))
    if kind == "mailchimp.member" and before.get("status") != after.get("status"):
        found.append(("consent", before.pop("status", None), after.pop("status", None)))
    names = [name for name in before.keys() | after.keys() if name not in TIMES and before.get(name) != after.get(name)]
    if old.deleted != new.deleted:
        before["deleted"], after["deleted"] = old.deleted, new.deleted
        names.append("deleted")
    if names:
        names.sort()
        found.append(("changed", {name: before.get(name) for name in names}, {name: after.get(name) for name in names}))
    return found


def _marketing(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Consent and suppressions apart: the one is the person's word, the others forbid whatever it says."""
    found: list[Change] = []
    apart = (*SUPPRESSIONS, *TIMES)
    was, is_now = ({key: value for key, value in side.items() if key not in apart} for side in (before, after))
    if was != is_now:
        found.append(("consent", was, is_now))
    for name in SUPPRESSIONS:
        old, new = before.get(name, []), after.get(name, [])
        found += [("suppressed", None, one) for one in new if one not in old]
        found += [("unsuppressed", one, None) for one in old if one not in new]
    return found


def _detail(before: Any, after: Any) -> str:
    return orjson.dumps({"before": before, "after": after}).decode()
