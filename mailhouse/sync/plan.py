"""The plan: the difference between what the models say and what the destinations have acknowledged, as a document."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from mailhouse.controls import paused
from mailhouse.destinations import Call, Change, rules_of
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection
from mailhouse.sync import difference, state
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.consent import ConsentState, consent_state, exists
from mailhouse.sync.context import Context
from mailhouse.sync.decisions import decisions_table
from mailhouse.sync.desired import create_desired
from mailhouse.sync.stops import Approval, Stop, find_stops
from mailhouse.sync.targets import Targets, place_name


@dataclass(frozen=True)
class AudiencePlan:
    """What one membership (a list, and its tag) is about to see; all figures are people.

    `waiting` were refused by the ESP before and their time has not come; `kept` are left as they are by a hold, an upsert
    or unreliable consent. In mode shadow nothing of it is sent.
    """

    destination: str
    container: str
    membership: str
    segments: tuple[str, ...]
    mode: str
    before: int
    adds: int
    updates: int
    removals: int
    unchanged: int
    waiting: int = 0
    kept: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    held_back: str | None = None

    @property
    def name(self) -> str:
        return place_name(self.destination, self.container, self.membership)


@dataclass(frozen=True)
class Plan:
    """Everything a sync will do, decided; applying it takes no further look at the segments.

    `calls` are the exact write calls by destination, in their order. `stops` are what the breaker found: held back with their
    segments, or let through by `approval`. `decisions` has one row each person and audience of the selected segments;
    `new_contacts` counts by destination the records it would create, which the ESP may bill. `wanted`
    has one row each membership that should be there afterwards (destination, container, membership, document_key).
    `is_complete`: it is of every segment, not of some.
    """

    made_at: datetime
    targets: Targets
    audiences: tuple[AudiencePlan, ...]
    changes: Mapping[str, tuple[Change, ...]]
    calls: Mapping[str, tuple[Call, ...]]
    field_kinds: Mapping[str, Mapping[str, str]]
    consent: ConsentState
    held_back: Mapping[str, str]
    wanted: pa.Table
    decisions: pa.Table
    is_complete: bool
    new_contacts: Mapping[str, int] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    approval: Approval | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing had to be held back; a plan that is not ok can be applied, and the run still ends non-zero."""
        return self.consent.usable and not self.held_back

    @property
    def call_count(self) -> int:
        """The write calls that applying this takes when nothing goes wrong, one-time set-up of tags and fields apart."""
        return sum(len(calls) for calls in self.calls.values())

    @property
    def is_empty(self) -> bool:
        return self.call_count == 0

    @property
    def digest(self) -> str:
        """A fingerprint of what would be sent: two plans with the same one do the same."""
        seal = hashlib.sha256()
        for destination, calls in sorted(self.calls.items()):
            for call in calls:
                seal.update(f"{destination}\n{call.action}\n{call.container}\n{call.membership}\n".encode())
                for change in call.changes:
                    seal.update(f"{change.key}\n{change.address}\n{change.fields}\n{','.join(change.add)}\n".encode())
        return seal.hexdigest()

    def segments_of(self, destination: str, call: Call) -> frozenset[str]:
        """The segments that feed the memberships a call moves people in; for a document alone, all that feed its container."""
        moved = {call.membership} if call.action == "leave" else {one for change in call.changes for one in change.add}
        return frozenset(
            audience.segment
            for audience in self.targets.audiences
            if audience.destination == destination
            and audience.container == call.container
            and (not moved or audience.membership in moved)
        )

    def calls_by(self) -> dict[str, dict[str, int]]:
        """Destination -> {`write`: batches of documents, `join` and `leave`: of people who enter or leave a membership}."""
        return {
            destination: {action: sum(call.action == action for call in calls) for action in ("write", "join", "leave")}
            for destination, calls in self.calls.items()
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row each membership, for tables on a terminal or a dashboard."""
        return [
            {
                "destination": one.destination,
                "container": one.container,
                "membership": one.membership,
                "segments": ", ".join(one.segments),
                "mode": one.mode,
                "adds": one.adds,
                "updates": one.updates,
                "removals": one.removals,
                "unchanged": one.unchanged,
                "waiting": one.waiting,
                "kept": one.kept,
                "refused": sum(one.refused.values()),
                "reasons": dict(one.refused),
                "held_back": one.held_back,
            }
            for one in self.audiences
        ]

    def refused(self) -> dict[str, int]:
        """Reason -> refusals over all memberships; a person in two segments counts in both."""
        total: dict[str, int] = {}
        for one in self.audiences:
            for reason, people in one.refused.items():
                total[reason] = total.get(reason, 0) + people
        return dict(sorted(total.items()))

    def as_dict(self) -> dict[str, Any]:
        """The plan for machines: ids, keys and figures, no address and no field value."""
        return {
            "made_at": self.made_at.isoformat(),
            "ok": self.ok,
            "consent": {"status": self.consent.status, "trouble": self.consent.trouble},
            "held_back": dict(self.held_back),
            "audiences": self.rows(),
            "refused": self.refused(),
            "calls": {"total": self.call_count, "by_destination": self.calls_by()},
            "changes": [
                {
                    "destination": change.destination,
                    "container": change.container,
                    "document_key": change.key,
                    "customer_id": change.customer_id,
                    "write": change.write,
                    "add": list(change.add),
                    "remove": list(change.remove),
                }
                for changes in self.changes.values()
                for change in changes
            ],
        }


def make_plan(
    context: Context,
    segments: Iterable[str] | None = None,
    held_back: Mapping[str, str] | None = None,
    approval: Approval | None = None,
) -> Plan:
    """Work out what each destination is owed now; reads the warehouse only.

    segments: names of segments, None means all; the others then move nobody. held_back: segment, or destination, -> why it must
    not be sent: nobody joins or leaves through it, save who has said no. approval: lets through what the breaker stops, and
    nothing else.
    Raises ConfigurationError, SyncRefused.
    """
    connections = context.settings.connections
    targets = read_audiences(context.manifest, connections)
    declared = {audience.segment for audience in targets.audiences}
    selected = frozenset(segments or declared)
    if unknown := sorted(selected - declared):
        known = ", ".join(sorted(declared)) or "none"
        raise ConfigurationError(f"{unknown[0]}: no segment with `reverse_sync` is called that; there are {known}")
    held = {segment: reason for segment, reason in (held_back or {}).items() if segment in selected}
    held |= _pauses(context, targets, selected)
    for audience in targets.audiences:
        if audience.segment in selected and audience.segment not in held and not exists(context.warehouse, audience.relation):
            held[audience.segment] = "it is not built; run `mailhouse run`"
    now = context.clock.now()
    consent = consent_state(context.warehouse, targets, now, context.consent_max_age)
    plan = _compute(context, connections, targets, consent, held, selected, everything=not segments, now=now)
    moves = {(one.destination, one.container, one.membership): one for one in plan.audiences}
    chosen = [audience for audience in targets.audiences if audience.segment in selected]
    stops = find_stops(context.warehouse, chosen, moves, held)
    if stops and approval is None:
        stopped = {stop.segment: waits(stop) for stop in stops}
        plan = _compute(context, connections, targets, consent, held | stopped, selected, everything=not segments, now=now)
    return replace(plan, stops=stops, approval=approval)


def _pauses(context: Context, targets: Targets, selected: frozenset[str]) -> dict[str, str]:
    """What an operator has stopped by hand, by the name of the destination or of the segment."""
    stopped: dict[str, str] = {}
    for audience in targets.audiences:
        if audience.segment not in selected:
            continue
        if pause := paused(context.settings, audience.destination, ()):
            stopped[audience.destination] = pause
        elif pause := paused(context.settings, audience.destination, [audience.segment]):
            stopped[audience.segment] = pause
    return stopped


def waits(stop: Stop) -> str:
    """A stop as the reason why its segment is held back."""
    return f"{stop.kind}: {stop.says}; see `mailhouse plan`, then `mailhouse sync --approve REASON`"


def _compute(
    context: Context,
    connections: Mapping[str, Connection],
    targets: Targets,
    consent: ConsentState,
    held: Mapping[str, str],
    selected: frozenset[str],
    *,
    everything: bool,
    now: datetime,
) -> Plan:
    warehouse = context.warehouse
    state.readable(warehouse)
    kinds = create_desired(warehouse, targets, connections, consent, held, selected)
    difference.create_difference(warehouse, consent.status, everything, now)
    changes: dict[str, list[Change]] = {destination: [] for destination in targets.profiles}
    for change in difference.changes(warehouse):
        changes.setdefault(change.destination, []).append(change)
    return Plan(
        made_at=now,
        targets=targets,
        audiences=_audiences(context, targets, held, selected),
        changes={destination: tuple(owed) for destination, owed in changes.items()},
        calls={destination: tuple(_calls(connections, destination, owed)) for destination, owed in changes.items()},
        field_kinds=kinds,
        consent=consent,
        held_back=dict(held),
        wanted=warehouse.execute(
            "select destination, container, membership, document_key from sync_memberships"
            # what is merely left where it is counts only if it is surely there
            " where not is_shadow and change <> 'remove' and (change <> 'kept' or is_sure) order by all"
        ).to_arrow_table(),
        decisions=decisions_table(warehouse),
        new_contacts=difference.new_contacts(warehouse),
        is_complete=everything,
    )


def _calls(connections: Mapping[str, Connection], destination: str, owed: list[Change]) -> list[Call]:
    connection = connections.get(destination)
    rules = rules_of(connection) if connection else None
    # a destination that was taken out of connections.yml still has people of ours, and nobody to speak to
    return rules.calls(owed) if rules else []


def _audiences(context: Context, targets: Targets, held: Mapping[str, str], selected: frozenset[str]) -> tuple[AudiencePlan, ...]:
    counts = {row[:3]: row[3:] for row in difference.membership_counts(context.warehouse)}
    refusals = difference.refusals(context.warehouse)
    feeding: dict[tuple[str, str, str], list[Any]] = {}
    for audience in targets.audiences:
        feeding.setdefault((audience.destination, audience.container, audience.membership), []).append(audience)
    made = []
    for place in sorted(counts.keys() | feeding.keys()):
        feeders = feeding.get(place, [])
        if feeders and not any(audience.segment in selected for audience in feeders):
            continue
        before, adds, updates, removals, unchanged, waiting, kept = counts.get(place, (0,) * 7)
        reasons = [reason for audience in feeders if (reason := audience.held_by(held))]
        made.append(
            AudiencePlan(
                *place,
                segments=tuple(sorted(audience.segment for audience in feeders)),
                mode=feeders[0].mode if feeders else "mirror",
                before=before,
                adds=adds,
                updates=updates,
                removals=removals,
                unchanged=unchanged,
                waiting=waiting,
                kept=kept,
                refused=refusals.get(place, {}),
                held_back=reasons[0] if reasons else None,
            )
        )
    return tuple(made)
