"""Plan back to the state before a run: what it added leaves, what it took away returns, through the consent wall."""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from mailhouse.controls import pause
from mailhouse.destinations import Call, Change, rules_of
from mailhouse.sync.apply import SyncResult, apply
from mailhouse.sync.context import Context
from mailhouse.sync.plan import AudiencePlan, Plan, make_plan
from mailhouse.takeover.history import RunOfRecord, Touched, find_run, touched_by
from mailhouse.takeover.journal import AdoptionJournal
from mailhouse.takeover.wall import Wall

Place = tuple[str, str, str]

_DELIVERED = """
    select destination, container, unnest(from_json(memberships, '["VARCHAR"]')) as membership, document_key
    from sync_delivered
"""


@dataclass(frozen=True)
class RevertPlan(Plan):
    """A plan made of the log instead of the segments; `reverts` is the run whose changes it takes back."""

    reverts: str = ""

    def segments_of(self, destination: str, call: Call) -> frozenset[str]:  # noqa: ARG002
        """None: the segments are paused so that the next sync does not do it again, and that must not hold the revert."""
        return frozenset()

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"reverts": self.reverts}


@dataclass(frozen=True)
class Revert:
    """What going back to before a run takes; all figures are documents.

    `later`: run -> documents that it changed afterwards, which are left to it. `strangers` did not exist for us before: they
    lose what we added and stay. `fields_left`: reason -> documents whose fields are not put back. `withheld`: field ->
    documents in which it stays out because its purpose is gone. `forgotten` of an adoption are no longer counted as ours;
    nothing is sent for them. `segments` are to be paused.
    """

    run: RunOfRecord
    plan: RevertPlan
    later: Mapping[str, int]
    strangers: int
    fields_left: Mapping[str, int]
    withheld: Mapping[str, int]
    forgotten: tuple[Touched, ...]
    segments: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return self.plan.is_empty and not self.forgotten


@dataclass
class _Notes:
    strangers: int = 0
    fields_left: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    refused: dict[Place, Counter[str]] = field(default_factory=dict)


def plan_back(context: Context, run_id: str) -> Revert:
    """Work out how to undo a run; reads the warehouse only.

    Only the latest change of a document can be taken back: what a later run changed stays with it.
    Raises ConfigurationError when there is no such run, SyncRefused.
    """
    run = find_run(context.warehouse, run_id)
    base = make_plan(context)
    touched = touched_by(context.warehouse, run)
    later = Counter(one.changed_later_by for one in touched if one.changed_later_by)
    latest = [one for one in touched if not one.changed_later_by]
    adopted = run.kind == "adopt"
    notes = _Notes()
    changes: list[Change] = []
    if not adopted:
        wall = Wall(context, base)
        changes = [change for one in latest if (change := _change(one, wall, notes))]
    plan = _plan(context, base, run, changes, notes)
    concerned = {(change.destination, change.container, change.key) for change in changes}
    places = {
        (one.destination, one.container, membership)
        for one in latest
        if (one.destination, one.container, one.document_key) in concerned
        for membership in one.memberships_before | one.memberships_after
    }
    segments = {
        audience.segment
        for audience in plan.targets.audiences
        if (audience.destination, audience.container, audience.membership) in places
    }
    return Revert(
        run=run,
        plan=plan,
        later=dict(sorted(later.items())),
        strangers=notes.strangers,
        fields_left=dict(sorted(notes.fields_left.items())),
        withheld=dict(sorted(notes.withheld.items())),
        forgotten=tuple(latest) if adopted else (),
        segments=tuple(sorted(segments)),
    )


def carry_out(context: Context, revert: Revert, now: datetime) -> SyncResult | None:
    """Pause the segments concerned and apply the plan, as a run of kind `revert`; None when there was nothing to send.

    An adoption is only forgotten. `now` is the moment of the pauses.
    """
    if revert.forgotten:
        AdoptionJournal(context.warehouse, uuid.uuid4().hex, context.leases).forget(revert.run, revert.forgotten, now)
    if revert.plan.is_empty:
        return None
    for segment in revert.segments:
        pause(context.settings, segment, f"run {revert.run.run_id[:8]} was reverted", now)
    return apply(context, revert.plan, kind="revert")


def _change(touched: Touched, wall: Wall, notes: _Notes) -> Change | None:
    """What takes one document back, None when nothing of it may or need be."""
    removed = touched.memberships_after - touched.memberships_before
    returning: set[str] = set()
    needs: set[str] = set()
    reasons: list[str] = []
    for membership in sorted(touched.memberships_before):
        reason = wall.refusal(touched, membership)
        if reason is None:
            needs |= wall.allowed(touched, membership)
            returning |= {membership} - touched.memberships_after
        else:
            reasons.append(reason)
            if membership not in touched.memberships_after:
                place = (touched.destination, touched.container, membership)
                notes.refused.setdefault(place, Counter())[reason] += 1
    is_stranger = touched.fields_before is None
    notes.strangers += is_stranger
    is_changed = not is_stranger and json.loads(touched.fields_before) != json.loads(touched.fields_after)
    # fields rest on what the person is in: nothing else permits a write
    if is_changed and not needs:
        notes.fields_left[reasons[0] if reasons else "in_no_audience"] += 1
    wanted = touched.fields_before if is_changed else touched.fields_after
    sent, purposes, withheld = wall.fields(touched, wanted)
    is_written = is_changed and bool(needs) and not _is_within(sent, json.loads(touched.fields_after))
    if not (removed or returning or is_written):
        return None
    if is_written or returning:
        notes.withheld.update(withheld)
        needs |= purposes
    person = wall.person(touched)
    # as it was written then, to the letter, where nothing has to stay out
    text = json.dumps(sent, separators=(",", ":"), ensure_ascii=False) if withheld else wanted
    return Change(
        destination=touched.destination,
        container=touched.container,
        key=touched.document_key,
        customer_id=person.customer_id if person else touched.customer_id,
        address=person.address if person else touched.address,
        mailbox=person.mailbox if person else touched.mailbox,
        fields=text,
        row_hash=hashlib.md5(f"revert\n{touched.address}\n{text}".encode(), usedforsecurity=False).hexdigest(),
        write=is_written,
        add=tuple(sorted(returning)),
        remove=tuple(sorted(removed)),
        needs=tuple(sorted(needs)) if is_written or returning else (),
        vendor_id=touched.vendor_id,
    )


def _is_within(sent: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    return all(name in there and there[name] == value for name, value in sent.items())


def _plan(context: Context, base: Plan, run: RunOfRecord, changes: list[Change], notes: _Notes) -> RevertPlan:
    by_destination: dict[str, list[Change]] = {}
    for change in changes:
        by_destination.setdefault(change.destination, []).append(change)
    calls = {}
    for destination, owed in by_destination.items():
        connection = context.settings.connections.get(destination)
        rules = rules_of(connection) if connection else None
        calls[destination] = tuple(rules.calls(owed)) if rules else ()
    delivered = {tuple(row) for row in context.warehouse.execute(_DELIVERED).fetchall()}
    gone = {(one.destination, one.container, membership, one.key) for one in changes for membership in one.remove}
    back = {(one.destination, one.container, membership, one.key) for one in changes for membership in one.add}
    given = {one.name: getattr(base, one.name) for one in fields(Plan)}
    plan = RevertPlan(**given, reverts=run.run_id)
    return replace(
        plan,
        audiences=_audiences(base, changes, delivered, notes),
        changes={destination: tuple(owed) for destination, owed in by_destination.items()},
        calls=calls,
        held_back={},
        wanted=_wanted((delivered - gone) | back),
        # a revert decides nobody's membership anew
        decisions=base.decisions.slice(0, 0),
        is_complete=False,
        new_contacts={},
        stops=(),
    )


def _wanted(rows: set[tuple[str, ...]]) -> pa.Table:
    names = ("destination", "container", "membership", "document_key")
    columns = list(zip(*sorted(rows), strict=True)) if rows else [()] * len(names)
    return pa.table([pa.array(values, pa.string()) for values in columns], names=list(names))


def _audiences(base: Plan, changes: list[Change], delivered: set[tuple], notes: _Notes) -> tuple[AudiencePlan, ...]:
    """What each membership concerned is about to see."""
    before: Counter[Place] = Counter(place[:3] for place in delivered)
    adds: Counter[Place] = Counter((one.destination, one.container, each) for one in changes for each in one.add)
    removals: Counter[Place] = Counter((one.destination, one.container, each) for one in changes for each in one.remove)
    written = {(one.destination, one.container, one.key): one for one in changes if one.write}
    updates: Counter[Place] = Counter(
        (destination, container, membership)
        for destination, container, membership, key in delivered
        if (one := written.get((destination, container, key))) and membership not in one.remove
    )
    feeding: dict[Place, list[str]] = {}
    modes: dict[Place, str] = {}
    for audience in base.targets.audiences:
        place = (audience.destination, audience.container, audience.membership)
        feeding.setdefault(place, []).append(audience.segment)
        modes[place] = audience.mode
    return tuple(
        AudiencePlan(
            *place,
            segments=tuple(sorted(feeding.get(place, ()))),
            mode=modes.get(place, "mirror"),
            before=before[place],
            adds=adds[place],
            updates=updates[place],
            removals=removals[place],
            unchanged=before[place] - removals[place] - updates[place],
            refused=dict(sorted(notes.refused.get(place, Counter()).items())),
        )
        for place in sorted({*adds, *removals, *updates, *notes.refused})
    )
