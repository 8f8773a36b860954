"""What both modelled ESPs have in common: records, memberships, who changed them, and how calls travel."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations import Call, Change, Outcome, Record, Settled
from mailhouse.errors import ConfigurationError, CredentialsRejected, VendorUnreachable
from mailhouse.http import Limits, OutcomeUnknown
from tests.python.proof.effects import Author, Effect
from tests.python.proof.faults import Faults
from tests.python.proof.life import Killed, Life

LIMITS = Limits(connections=3)
CALL_SECONDS = 0.4


@dataclass
class Kept:
    """A record as the ESP keeps it; `is_edited`: a marketer changed a field of it by hand."""

    key: str
    address: str
    vendor_id: str
    status: str
    fields: dict[str, Any] = field(default_factory=dict)
    memberships: set[str] = field(default_factory=set)
    is_edited: bool = False


Hook = Callable[[str, Call], None]


def nobody_listens(when: str, call: Call) -> None:
    """A hook that does nothing."""


@dataclass
class Esp:
    """One account, which outlives every process; `effects` are those since they were last taken away.

    `keeps` is its vendor's own rule of whether a value is kept as it was sent, `refusing` the keys whose rows it rejects.
    `calls` are those that came, with their begin, `taken` the rows that were accepted. `hook(when, call)` is told when a call
    arrives and when it was taken.
    """

    name: str
    clock: Clock
    keeps: Callable[[object, object], bool]
    containers_known: tuple[str, ...]
    records: dict[str, dict[str, Kept]] = field(default_factory=dict)
    authors: dict[tuple[str, str, str], Author] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    refusing: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[datetime, Call]] = field(default_factory=list)
    taken: set[tuple[str, ...]] = field(default_factory=set)
    faults: Faults | None = None
    life: Life = field(default_factory=Life)
    hook: Hook = nobody_listens
    by_id: dict[str, Kept] = field(default_factory=dict)
    _ids: int = 0

    def __post_init__(self) -> None:
        self.records = {container: {} for container in self.containers_known}

    def new_id(self) -> str:
        self._ids += 1
        return f"{self.name}-{self._ids}"

    # -- what happens to it, by anybody ---------------------------------------------------------------------------------
    def note(self, kind: Any, author: Author, container: str, membership: str, key: str, began: Any = None) -> None:
        now = self.clock.now()
        self.effects.append(Effect(kind, author, self.name, container, membership, key, began or now, now))

    def create(self, author: Author, container: str, key: str, address: str, status: str, began: Any = None) -> Kept:
        kept = Kept(key, address, self.new_id(), status, is_edited=author == "marketer")
        self.records[container][key] = self.by_id[kept.vendor_id] = kept
        self.note("create", author, container, "", key, began)
        return kept

    def write_fields(self, author: Author, container: str, key: str, fields: Mapping[str, Any], began: Any = None) -> None:
        kept = self.records[container][key]
        changed = {name: value for name, value in fields.items() if kept.fields.get(name) != value}
        kept.is_edited = author == "marketer"
        if changed:
            kept.fields |= changed
            self.note("change", author, container, "", key, began)

    def add(self, author: Author, container: str, membership: str, key: str, began: Any = None) -> None:
        kept = self.records[container][key]
        if membership not in kept.memberships:
            kept.memberships.add(membership)
            self.authors[container, membership, key] = author
            self.note("add", author, container, membership, key, began)

    def remove(self, author: Author, container: str, membership: str, key: str, began: Any = None) -> None:
        kept = self.records[container].get(key)
        if kept and membership in kept.memberships:
            kept.memberships.discard(membership)
            self.authors[container, membership, key] = author
            self.note("remove", author, container, membership, key, began)

    def forget(self, author: Author, container: str, key: str) -> None:
        """The record is gone, and its memberships with it."""
        for membership in sorted(self.records[container][key].memberships):
            self.remove(author, container, membership, key)
        del self.by_id[self.records[container].pop(key).vendor_id]

    def members(self, container: str, membership: str) -> set[str]:
        return {key for key, kept in self.records[container].items() if membership in kept.memberships}

    def shows(self, kept: Kept, fields: Mapping[str, Any]) -> bool:
        """Whether a record has these values, as its vendor keeps them."""
        return all(self.keeps(value, kept.fields.get(name)) for name, value in fields.items())

    def taken_away(self) -> list[Effect]:
        """The effects so far; the log is then empty."""
        effects, self.effects = self.effects, []
        return effects


class Account(ABC):
    """Implements `Destination` as far as the ESPs are alike; `_take` is how each takes a call."""

    def __init__(self, esp: Esp) -> None:
        self.name, self.limits, self.esp = esp.name, LIMITS, esp
        self._sent = 0

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:
        await self._travel()
        if container not in self.esp.records:
            raise ConfigurationError(f"{self.name}: no list called {container!r}")

    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        esp, began = self.esp, self.esp.clock.now()
        esp.life("esp.sending")
        fault = esp.faults.of_call(self.name) if esp.faults else None
        esp.calls.append((began, call))
        self._sent += 1
        await self._travel()
        esp.hook("arrives", call)
        if fault == "throttled":
            raise VendorUnreachable(f"{self.name}: too many calls; run again later")
        if fault == "expired":
            raise CredentialsRejected(f"{self.name}: the key is rejected")
        if fault == "timeout_before":
            raise OutcomeUnknown(f"{self.name}: no answer")
        if fault == "dies_before":
            self._die()
        if fault == "cut_short":
            half = replace(call, changes=call.changes[: max(1, len(call.changes) // 2)])
            self._take(half, began)
            raise OutcomeUnknown(f"{self.name}: connection reset")
        left = self._left_out(call, fault)
        kept = tuple(change for change in call.changes if change.key not in left)
        outcomes = await self._carried(replace(call, changes=kept), began, remember, fault) if kept else []
        esp.hook("taken", call)
        await self._travel()
        if fault in ("timeout_after", "wrong_answer"):
            raise OutcomeUnknown(f"{self.name}: {fault}")
        return outcomes + list(left.values())

    async def _carried(self, call: Call, began: Any, remember: Callable[[str], None], fault: str | None) -> list[Outcome]:
        outcomes = self._take(call, began)
        self._note_taken(call, outcomes)
        if fault in ("dies_after", "dies_midway"):
            self._die()
        return outcomes

    def _note_taken(self, call: Call, outcomes: Sequence[Outcome]) -> None:
        accepted = {outcome.key for outcome in outcomes if outcome.status == "accepted"}
        for one in call.changes:
            if one.key in accepted:
                said = (call.action, call.membership, one.fields, *one.add)
                self.esp.taken.add((self.name, call.container, one.key, *said))

    def _left_out(self, call: Call, fault: str | None) -> dict[str, Outcome]:
        """Rows that a partial fault is about, by key."""
        if fault not in ("partial", "not_now") or self.esp.faults is None:
            return {}
        rows = [call.changes[row].key for row in sorted(self.esp.faults.some(len(call.changes)))]
        if fault == "partial":
            return {key: Outcome(key, "rejected", "odd", "the model refuses this row") for key in rows}
        return {key: Outcome(key, "try_again", "not_now", "not now") for key in rows}

    @abstractmethod
    def _take(self, call: Call, began: Any) -> list[Outcome]:
        """Change the records as the call says; one outcome a row."""

    def _move(self, call: Call, change: Change, began: Any) -> Outcome:
        """Put somebody on a list, or take them off, by the ESP's own id, else by the address."""
        # both ESPs that move people by their own ids keep a document under the key that we give it
        kept = self.esp.by_id.get(change.vendor_id) or self.esp.records[""].get(change.key)
        if kept is None and call.action == "leave":
            return Outcome(change.key, "accepted")
        if kept is None:
            return Outcome(change.key, "rejected", "no_profile", "there is no profile of that address")
        if call.action == "leave":
            self.esp.remove("ours", "", call.membership, kept.key, began)
        else:
            self.esp.add("ours", "", call.membership, kept.key, began)
        return Outcome(change.key, "accepted", vendor_id=kept.vendor_id)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        return await self.settle(call)

    async def settle(self, call: Call) -> list[Outcome]:
        await self._travel()
        if self.esp.faults and self.esp.faults.of_settling(self.name):
            raise VendorUnreachable(f"{self.name}: cannot be read now")
        return [
            Outcome(change.key, "accepted") if self._is_there(call, change) else Outcome(change.key, "try_again", "not_taken")
            for change in call.changes
        ]

    def _is_there(self, call: Call, change: Change) -> bool:
        """Whether a change is in force, as far as a read-back shows."""
        kept = self.esp.records[call.container].get(change.key)
        if call.action == "leave":
            return kept is None or call.membership not in kept.memberships
        joined = kept is not None and all(one in kept.memberships for one in change.add)
        return joined and (call.action == "join" or self._same_fields(kept, change))

    def _same_fields(self, kept: Kept | None, change: Change) -> bool:
        return kept is not None and self.esp.shows(kept, json.loads(change.fields))

    async def actual(self, container: str, membership: str) -> Settled:
        keys = frozenset(self.esp.members(container, membership))
        return Settled(keys, len(keys), True)

    async def containers(self) -> Sequence[str]:
        return self.esp.containers_known

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:
        return [
            Record(
                key=kept.key,
                address=kept.address,
                status=kept.status,
                fields=json.dumps({name: kept.fields.get(name) for name in fields}),
                memberships=frozenset(kept.memberships.intersection(memberships)),
                vendor_id=kept.vendor_id,
            )
            for kept in self.esp.records[container].values()
        ]

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        return {}

    def counts(self) -> Mapping[str, int]:
        return {"calls": self._sent}

    async def _travel(self) -> None:
        """Time passes, and everything else that waits goes on meanwhile; who is dead comes back to nothing."""
        self.esp.life("esp.waits")
        self.esp.clock.sleep(CALL_SECONDS / 2)
        await asyncio.sleep(0)
        self.esp.life("esp.waits")

    def _die(self) -> None:
        self.esp.life.dead = True
        raise Killed(self.name)
