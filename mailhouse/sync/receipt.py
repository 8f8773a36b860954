"""The receipt: what should be, what was acknowledged and what the ESP itself lists; each difference with its author."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailhouse.destinations import Destination, Record, Rules, Settled, rules_for
from mailhouse.errors import MailhouseError
from mailhouse.sync import drift, state
from mailhouse.sync.context import Context
from mailhouse.sync.difference import dumps
from mailhouse.sync.drift import Known
from mailhouse.sync.journal import Journal
from mailhouse.sync.plan import Plan
from mailhouse.sync.state import SCHEMA
from mailhouse.sync.targets import place_name

# more keys than this say nothing more; the figures beside them are of all
LISTED = 1000
KINDS = ("owed", "refused", "overdue", "ours", "vendor", "removed_there", "added_there", "changed_there")
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Receipt:
    """One membership compared; figures are documents, differences are document keys.

    `owed` should be there and is not acknowledged; `refused` is owed too, but the ESP said no to it and that is recorded.
    `overdue` is acknowledged and should not be. `ours` was acknowledged and never seen there: the next plan sends it again.
    `vendor` are records that the ESP itself no longer mails (cleaned, unsubscribed, gone): the next landing takes that into the
    ledger. `removed_there`, `added_there` and `changed_there` (fields) are the marketer's doing, and left alone.
    `reported` is what the ESP's statistics say.
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
    ours: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()
    removed_there: tuple[str, ...] = ()
    added_there: tuple[str, ...] = ()
    changed_there: tuple[str, ...] = ()

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
        return not (self.owed or self.overdue or self.ours)


def take_receipts(context: Context, plan: Plan, run_id: str, *, with_fields: bool = False) -> list[Receipt]:
    """Read every membership of the plan back, once its statistics have settled; compare, heal what is ours, keep the comparison.

    with_fields: read every record whole and compare its fields too, as `mailhouse reconcile` does.
    A destination that could not be read raises what it raised, after the others were read and kept.
    """
    wanted = _by_place(zip(*(plan.wanted[name].to_pylist() for name in _WANTED), strict=True))
    known = drift.known(context.warehouse)
    refused = _refused(context)
    places: dict[str, list[Place]] = defaultdict(list)
    for one in plan.audiences:
        place = (one.destination, one.container, one.membership)
        if one.mode != "shadow" and (one.segments or any(place[2] in doc.memberships for doc in known.of(*place[:2]).values())):
            places[one.destination].append(place)
    receipts: list[Receipt] = []
    trouble: MailhouseError | None = None
    journal = Journal(context.warehouse, run_id, context.leases)
    for destination, theirs in places.items():
        try:
            found = asyncio.run(_read(context, destination, theirs, known, with_fields))
        except MailhouseError as error:
            trouble = trouble or error
            continue
        there = [_compare(place, wanted[place], known, refused[place[:2]], found) for place in theirs]
        receipts += there
        drift.write_down(journal, known, found, there)
    _keep(context, run_id, receipts)
    if trouble:
        raise trouble
    return receipts


def reconcile(context: Context, plan: Plan) -> tuple[str, list[Receipt]]:
    """Read everything back, fields included, and send nothing; gives back the id it is kept under, and the receipts."""
    state.migrate(context.warehouse)
    journal = Journal(context.warehouse, uuid.uuid4().hex, context.leases)
    journal.begin_run(context.clock.now(), dumps(plan.calls_by()), 0, kind="reconcile")
    outcome = "failed"
    try:
        receipts = take_receipts(context, plan, journal.run_id, with_fields=True)
        outcome = "ok" if all(one.ok for one in receipts) else "differences that are ours; see the receipts"
    finally:
        journal.end_run(context.clock.now(), "{}", 0, 0, outcome)
    return journal.run_id, receipts


_WANTED = ("destination", "container", "membership", "document_key")


@dataclass(frozen=True)
class Found:
    """What was read back of one destination: each membership, and the records that were looked at, by container and key."""

    rules: Rules | None
    settled: Mapping[Place, Settled]
    records: Mapping[str, Mapping[str, Record]]


async def _read(context: Context, destination: str, places: list[Place], known: Known, with_fields: bool) -> Found:
    connection = context.settings.connections.get(destination)
    rules = rules_for(connection.vendor) if connection else None
    if connection is None or rules is None:
        return Found(None, {place: Settled(frozenset(), 0, False) for place in places}, {})
    async with rules.connect(connection, context.clock) as account:
        read = await asyncio.gather(*(account.actual(container, membership) for _, container, membership in places))
        settled = dict(zip(places, read, strict=True))
        # who is gone from a membership is looked at as a record: whether the ESP still mails it says who did that
        gone = {place[1] for place in places if any(key not in settled[place].keys for key in known.members(*place))}
        containers = {place[1] for place in places} if with_fields else gone
        records = {container: await _records(account, container, places, known) for container in sorted(containers)}
    return Found(rules, settled, records)


async def _records(account: Destination, container: str, places: list[Place], known: Known) -> dict[str, Record]:
    memberships = [membership for _, there, membership in places if there == container]
    fields = sorted({name for document in known.of(account.name, container).values() for name in document.fields})
    return {record.key: record for record in await account.records(container, memberships, fields)}


def _compare(place: Place, desired: set[str], known: Known, refused: set[str], found: Found) -> Receipt:
    _, container, membership = place
    members, actual = known.members(*place), found.settled[place]
    owed = desired - members.keys()
    authors = drift.authors(membership, members, actual.keys, found.records.get(container), found.rules)
    return Receipt(
        *place,
        desired=len(desired),
        delivered=len(members),
        actual=len(actual.keys),
        reported=actual.reported,
        settled=actual.settled,
        owed=tuple(sorted(owed - refused)),
        refused=tuple(sorted(owed & refused)),
        overdue=tuple(sorted(members.keys() - desired)),
        added_there=tuple(sorted(actual.keys - members.keys())),
        **{kind: tuple(sorted(keys)) for kind, keys in authors.items()},
    )


def _refused(context: Context) -> dict[tuple[str, str], set[str]]:
    rows = context.warehouse.execute(
        f"select destination, container, document_key from {SCHEMA}.attempts where action in ('write', 'join')"
    ).fetchall()
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for destination, container, key in rows:
        found[destination, container].add(key)
    return found


def _by_place(rows: Iterable[tuple[str, str, str, str]]) -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = defaultdict(set)
    for *place, key in rows:
        found[tuple(place)].add(key)
    return found


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
