"""The receipt: after a sync, what should be, what was acknowledged and what the ESP itself reports."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from mailhouse.destinations import Settled, rules_for
from mailhouse.errors import MailhouseError
from mailhouse.sync.apply import SyncResult
from mailhouse.sync.context import Context
from mailhouse.sync.difference import dumps
from mailhouse.sync.state import SCHEMA

# more keys than this say nothing more; the figures beside them are of all
LISTED = 1000
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Receipt:
    """One membership compared; figures are documents, differences are document keys.

    `owed` should be there and is not acknowledged; `overdue` is acknowledged and should not be; `missing` is acknowledged and
    the ESP does not list it; `foreign` the ESP lists and we never delivered (left alone). `reported` is what its statistics say.
    """

    destination: str
    audience: str
    tag: str
    desired: int
    delivered: int
    actual: int
    reported: int
    settled: bool
    owed: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.destination}: {self.audience} / {self.tag}" if self.tag else f"{self.destination}: {self.audience}"

    @property
    def ok(self) -> bool:
        """Whether desired = delivered = actual, member by member."""
        return not (self.owed or self.overdue or self.missing or self.foreign)


def take_receipts(context: Context, result: SyncResult) -> list[Receipt]:
    """Read every membership of the plan back, once its statistics have settled, compare and keep the comparison.

    A destination that could not be read raises what it raised, after the others were read and kept.
    """
    wanted, delivered = _by_place(_wanted(result)), _by_place(_delivered(context))
    places: dict[str, list[Place]] = defaultdict(list)
    for one in result.plan.audiences:
        place = (one.destination, one.audience, one.tag)
        if one.mode != "shadow" and (one.segments or place in delivered):
            places[one.destination].append(place)
    receipts: list[Receipt] = []
    trouble: MailhouseError | None = None
    for destination, theirs in places.items():
        try:
            actual = asyncio.run(_actual(context, destination, theirs))
        except MailhouseError as error:
            trouble = trouble or error
            continue
        receipts += [_compare(place, wanted[place], delivered[place], actual[place]) for place in theirs]
    _keep(context, result.run_id, receipts)
    if trouble:
        raise trouble
    return receipts


def _wanted(result: SyncResult) -> list[tuple[str, str, str, str]]:
    columns = ("destination", "audience", "tag", "document_key")
    return list(zip(*(result.plan.wanted[name].to_pylist() for name in columns), strict=True))


def _delivered(context: Context) -> list[tuple[str, str, str, str]]:
    return context.warehouse.execute(
        f"select destination, audience, unnest(from_json(memberships, '[\"VARCHAR\"]')), document_key from {SCHEMA}.delivered"
    ).fetchall()


def _by_place(rows: list[tuple[str, str, str, str]]) -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = defaultdict(set)
    for *place, key in rows:
        found[tuple(place)].add(key)
    return found


async def _actual(context: Context, destination: str, places: list[Place]) -> dict[Place, Settled]:
    connection = context.settings.connections.get(destination)
    rules = rules_for(connection.vendor) if connection else None
    if connection is None or rules is None:
        return {place: Settled(frozenset(), 0, False) for place in places}
    async with rules.connect(connection, context.clock) as account:
        read = await asyncio.gather(*(account.actual(audience, tag) for _, audience, tag in places))
    return dict(zip(places, read, strict=True))


def _compare(place: Place, desired: set[str], delivered: set[str], actual: Settled) -> Receipt:
    return Receipt(
        *place,
        desired=len(desired),
        delivered=len(delivered),
        actual=len(actual.keys),
        reported=actual.reported,
        settled=actual.settled,
        owed=tuple(sorted(desired - delivered)),
        overdue=tuple(sorted(delivered - desired)),
        missing=tuple(sorted(delivered - actual.keys)),
        foreign=tuple(sorted(actual.keys - delivered)),
    )


def _keep(context: Context, run_id: str, receipts: list[Receipt]) -> None:
    now = context.clock.now()
    context.warehouse.execute("begin transaction")
    try:
        for one in receipts:
            kinds = ("owed", "overdue", "missing", "foreign")
            differences = {kind: list(getattr(one, kind)[:LISTED]) for kind in kinds if getattr(one, kind)}
            context.warehouse.execute(
                f"insert or replace into {SCHEMA}.receipts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(run_id, one.destination, one.audience, one.tag, now),
                    *(one.desired, one.delivered, one.actual, one.reported, one.settled, one.ok, dumps(differences)),
                ],
            )
    except BaseException:
        context.warehouse.execute("rollback")
        raise
    context.warehouse.execute("commit")
