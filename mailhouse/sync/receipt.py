"""The receipt: after a sync, what should be, what was acknowledged and what the ESP itself reports."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from mailhouse.destinations import Settled, rules_for
from mailhouse.errors import MailhouseError
from mailhouse.sync.apply import SyncResult
from mailhouse.sync.audiences import place_name
from mailhouse.sync.context import Context
from mailhouse.sync.difference import dumps
from mailhouse.sync.state import SCHEMA

# more keys than this say nothing more; the figures beside them are of all
LISTED = 1000
KINDS = ("owed", "refused", "overdue", "missing", "drifted", "foreign")
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Receipt:
    """One membership compared; figures are documents, differences are document keys.

    `owed` should be there and is not acknowledged; `refused` is owed too, but the ESP said no to it and that is recorded.
    `overdue` is acknowledged and should not be. `missing` was acknowledged in this run and the ESP does not list it; `drifted`
    was acknowledged earlier and is not listed any more; `foreign` the ESP lists and we never delivered; these two were done
    there by somebody else and are left alone. `reported` is what the ESP's statistics say.
    """

    destination: str
    container: str
    membership: str
    desired: int
    delivered: int
    actual: int
    reported: int
    settled: bool
    owed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return place_name(self.destination, self.container, self.membership)

    @property
    def differences(self) -> dict[str, tuple[str, ...]]:
        """Kind of difference -> document keys, without the kinds that have none."""
        return {kind: keys for kind in KINDS if (keys := getattr(self, kind))}

    @property
    def equal(self) -> bool:
        """Whether desired = delivered = actual, member by member."""
        return not self.differences

    @property
    def ok(self) -> bool:
        """Whether nothing is left that is ours: what the ESP refused, or somebody changed there, is shown and is not."""
        return not (self.owed or self.overdue or self.missing)


def take_receipts(context: Context, result: SyncResult) -> list[Receipt]:
    """Read every membership of the plan back, once its statistics have settled, compare and keep the comparison.

    A destination that could not be read raises what it raised, after the others were read and kept.
    """
    wanted, delivered = _by_place(_wanted(result)), _by_place(_delivered(context))
    fresh, refused = _acknowledged_in(context, result.run_id), _refused(context)
    places: dict[str, list[Place]] = defaultdict(list)
    for one in result.plan.audiences:
        place = (one.destination, one.container, one.membership)
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
        for place in theirs:
            document = place[:2]
            known = (wanted[place], delivered[place], fresh[document], refused[document])
            receipts.append(_compare(place, *known, actual[place]))
    _keep(context, result.run_id, receipts)
    if trouble:
        raise trouble
    return receipts


def _wanted(result: SyncResult) -> list[tuple[str, str, str, str]]:
    columns = ("destination", "container", "membership", "document_key")
    return list(zip(*(result.plan.wanted[name].to_pylist() for name in columns), strict=True))


def _delivered(context: Context) -> list[tuple[str, str, str, str]]:
    return context.warehouse.execute(
        f"select destination, container, unnest(from_json(memberships, '[\"VARCHAR\"]')), document_key from {SCHEMA}.delivered"
    ).fetchall()


def _acknowledged_in(context: Context, run_id: str) -> dict[tuple[str, str], set[str]]:
    rows = context.warehouse.execute(
        f"select destination, container, document_key from {SCHEMA}.delivered where run_id = ?", [run_id]
    ).fetchall()
    return _by_document(rows)


def _refused(context: Context) -> dict[tuple[str, str], set[str]]:
    rows = context.warehouse.execute(
        f"select destination, container, document_key from {SCHEMA}.attempts where action = 'write'"
    ).fetchall()
    return _by_document(rows)


def _by_document(rows: list[tuple[str, str, str]]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for destination, container, key in rows:
        found[destination, container].add(key)
    return found


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
        read = await asyncio.gather(*(account.actual(container, membership) for _, container, membership in places))
    return dict(zip(places, read, strict=True))


def _compare(
    place: Place, desired: set[str], delivered: set[str], fresh: set[str], refused: set[str], actual: Settled
) -> Receipt:
    owed, gone = desired - delivered, delivered - actual.keys
    return Receipt(
        *place,
        desired=len(desired),
        delivered=len(delivered),
        actual=len(actual.keys),
        reported=actual.reported,
        settled=actual.settled,
        owed=tuple(sorted(owed - refused)),
        refused=tuple(sorted(owed & refused)),
        overdue=tuple(sorted(delivered - desired)),
        missing=tuple(sorted(gone & fresh)),
        drifted=tuple(sorted(gone - fresh)),
        foreign=tuple(sorted(actual.keys - delivered)),
    )


def _keep(context: Context, run_id: str, receipts: list[Receipt]) -> None:
    now = context.clock.now()
    context.warehouse.execute("begin transaction")
    try:
        for one in receipts:
            differences = {kind: list(keys[:LISTED]) for kind, keys in one.differences.items()}
            context.warehouse.execute(
                f"insert or replace into {SCHEMA}.receipts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(run_id, one.destination, one.container, one.membership, now),
                    *(one.desired, one.delivered, one.actual, one.reported, one.settled, one.equal, dumps(differences)),
                ],
            )
    except BaseException:
        context.warehouse.execute("rollback")
        raise
    context.warehouse.execute("commit")
