"""A quiet point: after a run in good weather, desired = delivered = actual, at exactly the least calls."""

import json
from collections import Counter
from typing import TYPE_CHECKING

from mailhouse import sync
from mailhouse.destinations import Call
from tests.python.proof.bounds import Bound, Waiting, bound
from tests.python.proof.effects import Place
from tests.python.proof.engine import SIZES
from tests.python.proof.expected import Expected
from tests.python.proof.invariants import Violation

if TYPE_CHECKING:
    from tests.python.proof.walk import Walk

# whether a record is there already, and ours, decides for these modes; another audience may have brought it about just now
DEPEND_ON_WHAT_IS_THERE = {("write", "KNOWN"), ("write", "ONCE")}
MOST_RUNS = 3


class Quiet:
    """One quiet point of a walk."""

    def __init__(self, walk: "Walk") -> None:
        self.walk, self.engine = walk, walk.engine

    def reached(self) -> None:
        """Sync in good weather and compare everything. Raises Violation."""
        self.engine.recover()
        want = self._synced()
        receipts = self._receipts()
        if any(one.ours for one in receipts.values()) or self._unsure(want):
            self.walk.counts["healed"] += 1
            want = self._synced()
            receipts = self._receipts()
        self._compare(want, receipts)
        self._permits()
        if self.walk.random.random() < 0.3:
            self._nothing_to_do()

    def _unsure(self, want: Expected) -> bool:
        """Whether the fields of some record were never seen as they were sent, and are owed again."""
        delivered = self.engine.delivered()
        return any(document in delivered and delivered[document].fields == "{}" for document in want.documents)

    def _synced(self) -> Expected:
        walk, engine = self.walk, self.engine
        want, before, waiting = walk.expected_now(), engine.delivered(), self._waiting()
        in_doubt = engine.rows("select count(*) from reverse_sync.in_flight")[0][0]
        self.result = walk.run_once(walk.good_weather())
        if self.result is None or not self.result.ok:
            raise Violation(f"a run in good weather ended badly: {self.result and self.result.problems}")
        if not in_doubt:
            self._count_calls(bound(want, before, waiting, SIZES), waiting)
        return want

    def _count_calls(self, limits: Bound, waiting: Waiting) -> None:
        """As many calls are planned as the bound says, and made; save joinings of people whose records were all refused.

        A removal that was refused before is tried again at once, whatever its time, where the person has just said no.
        """
        esps, plan = self.engine.esps.values(), self.result.plan
        planned = Counter((name, call.action) for name, calls in plan.calls.items() for call in calls)
        made = Counter((esp.name, call.action) for esp in esps for _, call in esp.calls if not _urgent(esp.name, call, waiting))
        for kind in planned.keys() | made.keys() | limits.least.keys():
            if not limits.least[kind] <= planned[kind] <= limits.most[kind]:
                raise Violation(f"{kind}: {planned[kind]} calls, the bound is {limits.least[kind]} to {limits.most[kind]}")
            if made[kind] != planned[kind] and not (kind[1] == "join" and made[kind] < planned[kind]):
                raise Violation(f"{kind}: {planned[kind]} calls are planned and {made[kind]} made")
        self.walk.counts["exact numbers of calls"] += 1

    def _waiting(self) -> Waiting:
        """Rows that the ESPs refused, and whose next try is yet to come."""
        found: dict[str, set] = {"write": set(), "join": set(), "leave": set()}
        query = (
            "select destination, container, document_key, action, membership, row_hash, next_try_at from reverse_sync.attempts"
        )
        for *place, action, membership, row_hash, next_try_at in self.engine.rows(query):
            if next_try_at > self.engine.clock.now():
                found[action].add((tuple(place), row_hash if action == "write" else membership))
        return Waiting(found["write"], found["join"], found["leave"])

    def _receipts(self) -> dict[Place, sync.Receipt]:
        with_fields = self.walk.random.random() < 0.3
        taken = self.engine.receipts(self.result, with_fields=with_fields)
        return {(one.destination, one.container, one.membership): one for one in taken}

    def _compare(self, want: Expected, receipts: dict[Place, sync.Receipt]) -> None:
        engine, delivered = self.engine, self.engine.delivered()
        refused = {tuple(row) for row in engine.rows(_REFUSED)}
        for feed in self.walk.company.feeds:
            destination, container, membership = place = feed.place
            esp = engine.esps[destination]
            acknowledged = {
                key for (*at, key), row in delivered.items() if tuple(at) == place[:2] and membership in row.memberships
            }
            actual = esp.members(container, membership)
            for key in want.members[place] ^ acknowledged:
                if (destination, container, key) not in refused:
                    raise Violation(f"{place} {key}: desired and delivered differ, and the ESP refused nothing")
            authors = {key: esp.authors[container, membership, key] for key in acknowledged ^ actual}
            if strange := [key for key, author in authors.items() if author == "ours"]:
                raise Violation(f"{place} {strange[:3]}: delivered and actual differ, and nobody else was there")
            if feed.mode == "shadow":
                continue
            receipt = receipts[place]
            shown = {*receipt.removed_there, *receipt.vendor, *receipt.added_there}
            if shown != acknowledged ^ actual:
                raise Violation(f"{place}: the receipt shows {len(shown)} differences, there are {len(acknowledged ^ actual)}")
            if (receipt.desired, receipt.delivered, receipt.actual) != (
                len(want.members[place]),
                len(acknowledged),
                len(actual),
            ):
                raise Violation(f"{place}: the receipt counts otherwise: {receipt}")
        self._compare_fields(want)

    def _compare_fields(self, want: Expected) -> None:
        delivered = self.engine.delivered()
        refused = {tuple(row) for row in self.engine.rows(_REFUSED)}
        for document, wanted in want.documents.items():
            row = delivered.get(document)
            if document in refused or row is None or wanted.is_inserted_only:
                continue
            if row.fields != wanted.fields or row.address != wanted.address:
                raise Violation(f"{document}: the fields that should be there were not acknowledged")
            esp = self.engine.esps[document[0]]
            kept = esp.records[document[1]].get(document[2])
            if kept is not None and not kept.is_edited and not esp.shows(kept, json.loads(wanted.fields)):
                raise Violation(f"{document}: the fields that were acknowledged are not there")

    def _permits(self) -> None:
        """R10: every acknowledged addition or change names the entries of the ledger that permit it, and they exist."""
        known = {event_id for (event_id,) in self.engine.rows("select event_id from marts.consent_events")}
        for run_id, permitted_by in self.engine.rows(_GROWN):
            entries = _entries(permitted_by)
            if not entries or not entries <= known:
                raise Violation(f"R10: run {run_id} delivered what nothing permits: {permitted_by!r}")
        if self.engine.rows("select 1 from reverse_sync.send_decisions where decision = 'refused' and coalesce(reason, '') = ''"):
            raise Violation("R10: somebody is refused for no reason")
        # what was looked at once need not be looked at again
        self.engine.connection.execute("delete from reverse_sync.deliveries")

    def _nothing_to_do(self) -> None:
        """A run with nothing to do makes no write call."""
        for _ in range(MOST_RUNS):
            plan = self.engine.planned()
            if plan.is_empty:
                self.walk.counts["nothing to do"] += 1
                return
            # whose record is gone there is refused in one membership after the other
            refused = {tuple(row) for row in self.engine.rows(_REFUSED)}
            joined = {
                (call.action, one)
                for calls in plan.calls.values()
                for call in calls
                for c in call.changes
                if (c.destination, c.container, c.key) not in refused
                for one in c.add
            }
            if not joined <= DEPEND_ON_WHAT_IS_THERE:
                raise Violation(f"right after a run in good weather {plan.call_count} calls are owed: {joined}")
            self._synced()
        raise Violation("the plan does not become empty")


def _urgent(destination: str, call: Call, waiting: Waiting) -> bool:
    places = {((destination, call.container, change.key), call.membership) for change in call.changes}
    return call.action == "leave" and places <= waiting.leaves


def _entries(permitted_by: str | None) -> set[str]:
    return set(json.loads(permitted_by or "{}").values())


_REFUSED = "select destination, container, document_key from reverse_sync.attempts"
_GROWN = """
    select run_id, permitted_by from reverse_sync.deliveries
    where fields_before is null or cast(fields_before as varchar) <> cast(fields_after as varchar)
        or len(list_filter(
            from_json(memberships_after, '["VARCHAR"]'),
            lambda one: not list_contains(from_json(memberships_before, '["VARCHAR"]'), one)
        )) > 0
"""
