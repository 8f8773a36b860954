"""The breaker: a change so large that it looks like a mistake waits until somebody says that it is meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb

from mailhouse.sync.targets import Audience, place_name

# fewer people than this are never a mistake worth stopping for
FLOOR = 50
# a fall of the share of members who may be written to, by as much as this, is a broken ledger until somebody looked
CONSENT_FALL = 0.2


@dataclass(frozen=True)
class Stop:
    """Why one segment must not move anybody yet. `kind` is the rule, `says` what it saw, in words."""

    segment: str
    place: tuple[str, str, str]
    kind: str
    says: str

    @property
    def name(self) -> str:
        """How people call the audience."""
        return place_name(*self.place)


@dataclass(frozen=True)
class Approval:
    """Somebody's word that the stops of one plan are meant: who, and why."""

    reason: str
    who: str


class Moves(Protocol):
    """The figures of one membership that the rules look at, all of them people."""

    before: int
    adds: int
    updates: int
    removals: int


# per segment and membership: members of the model, of those with consent now, and with consent when last decided
_CONSENT = """
    with now_decided as (
        select
            decisions.segment, decisions.destination, decisions.container, decisions.membership,
            count(*) as members,
            count(*) filter (decisions.reason is null or decisions.reason in ('held_out', 'lower_priority', 'not_yet_in_rollout'))
                as allowed
        from sync_decisions as decisions
        group by all
    ),
    then_decided as (
        select
            segment, destination, container, membership,
            count(*) as members,
            count(*) filter (decision = 'allowed' or reason in ('held_out', 'lower_priority', 'not_yet_in_rollout')) as allowed
        from sync_send_decisions
        where valid_to is null
        group by all
    )
    select
        now_decided.segment, now_decided.destination, now_decided.container, now_decided.membership,
        now_decided.members, now_decided.allowed, coalesce(then_decided.members, 0), coalesce(then_decided.allowed, 0)
    from now_decided
    left join then_decided using (segment, destination, container, membership)
"""


def find_stops(
    connection: duckdb.DuckDBPyConnection,
    audiences: Iterable[Audience],
    moves: Mapping[tuple[str, str, str], Moves],
    held_back: Mapping[str, str],
) -> tuple[Stop, ...]:
    """Every stop of a plan just computed on this connection (`sync_decisions` is there), one a segment and membership at most."""
    rows = connection.execute(_CONSENT).fetchall()
    consent = {(segment, *place): figures for segment, *place, a, b, c, d in rows for figures in [(a, b, c, d)]}
    stops = []
    for audience in audiences:
        place = (audience.destination, audience.container, audience.membership)
        if audience.held_by(held_back) or audience.mode == "shadow" or place not in moves:
            continue
        found = _stop(audience, moves[place], consent.get((audience.segment, *place), (0, 0, 0, 0)))
        if found:
            stops.append(Stop(audience.segment, place, *found))
    return tuple(stops)


def _stop(audience: Audience, moves: Moves, consent: Sequence[int]) -> tuple[str, str] | None:
    members, allowed, members_before, allowed_before = consent
    before = moves.before
    if before == 0:
        # nobody of ours is there yet: whatever else is in that audience has never been looked at
        return ("first_fill", f"{moves.adds:,} people join it for the first time") if moves.adds else None
    if members == 0 and before >= FLOOR:
        return "empty_model", f"the model is empty and {before:,} people would leave"
    limits = (
        ("removed", moves.removals, audience.stop_if_removed),
        ("added", moves.adds, audience.stop_if_added),
        ("changed", moves.updates, audience.stop_if_changed),
    )
    for what, people, limit in limits:
        if people >= FLOOR and people > limit * before:
            return f"stop_if_{what}", f"{people:,} of {before:,} people would be {what}, the limit is {limit:.0%}"
    if members and members_before and allowed_before - allowed >= FLOOR:
        share, share_before = allowed / members, allowed_before / members_before
        if share_before - share > CONSENT_FALL:
            return "consent_fell", f"{share:.0%} of its people may be written to, {share_before:.0%} when last decided"
    return None
