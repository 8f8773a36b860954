"""Adopt what is in an audience already: from then on it counts as delivered, and the next plan is the difference to it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailhouse.destinations import Rules
from mailhouse.errors import ConfigurationError
from mailhouse.sync import state
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.context import Context
from mailhouse.sync.targets import Audience, place_name
from mailhouse.takeover.account import connection_of, create_there, create_wanted, read_account
from mailhouse.takeover.findings import differing
from mailhouse.takeover.journal import Adopted, AdoptionJournal

# who is in the membership there, whether we want them there, and since when they are ours
_THERE = """
    with wanted as (
        select container, membership, document_key from sync_wanted where destination = $destination
        union
        -- an audience that only inserts wants nobody who is there already: adopted they are ours, and left as they are
        select container, membership, document_key from sync_decisions
        where destination = $destination and reason = 'already_there'
    ),
    delivered as (
        select container, document_key, unnest(from_json(memberships, '["VARCHAR"]')) as membership
        from sync_delivered
        where destination = $destination
    )
    select
        there.container, there.membership, there.document_key,
        wanted.document_key is not null as is_wanted,
        delivered.document_key is not null as is_ours,
        coalesce(people.customer_id, '') as customer_id,
        coalesce(people.address, records.address) as address,
        coalesce(people.mailbox, records.mailbox, lower(records.address)) as mailbox,
        people.fields as our_fields,
        records.fields as their_fields,
        records.vendor_id
    from takeover_memberships as there
    inner join takeover_records as records using (container, document_key)
    left join wanted using (container, membership, document_key)
    left join delivered using (container, membership, document_key)
    left join sync_people as people
        on people.destination = $destination and people.document_key = there.document_key and people.is_picked
    order by there.container, there.membership, there.document_key
"""
_MISSING = """
    select wanted.container, wanted.membership, count(*)
    from sync_wanted as wanted
    anti join takeover_memberships as there
        on wanted.container = there.container and wanted.membership = there.membership
        and wanted.document_key = there.document_key
    where wanted.destination = $destination
    group by wanted.container, wanted.membership
"""


@dataclass(frozen=True)
class Found:
    """One membership as it was found; all figures are records.

    `wanted_there` are wanted and there, `differing` of them hold other fields than ours, `ours` are known as delivered already,
    `unwanted` are there and not wanted, `missing` are wanted and not there.
    """

    destination: str
    container: str
    membership: str
    segments: tuple[str, ...]
    wanted_there: int
    differing: int
    ours: int
    unwanted: int
    missing: int

    @property
    def name(self) -> str:
        return place_name(self.destination, self.container, self.membership)


@dataclass(frozen=True)
class Adoption:
    """What adopting would record; nothing is recorded yet. `everybody`: also those who are there and not wanted."""

    found: tuple[Found, ...]
    records: tuple[Adopted, ...]
    everybody: bool


def look(context: Context, name: str, everybody: bool = False) -> Adoption:
    """Read an audience (`destination: container / membership`, or its segment's name) as it is there; writes nothing.

    Raises ConfigurationError when no audience is called that, SyncRefused, VendorUnreachable.
    """
    targets = read_audiences(context.manifest, context.settings.connections)
    chosen = [audience for audience in targets.audiences if name in (audience.name, audience.segment)]
    if not chosen:
        known = ", ".join(sorted({audience.name for audience in targets.audiences})) or "none"
        raise ConfigurationError(f"{name}: neither an audience nor a segment that feeds one; there are {known}")
    found: list[Found] = []
    records: list[Adopted] = []
    for destination in sorted({audience.destination for audience in chosen}):
        theirs = [audience for audience in chosen if audience.destination == destination]
        there, adopted = _look(context, destination, theirs, everybody)
        found += there
        records += adopted
    return Adoption(tuple(found), tuple(records), everybody)


def record(context: Context, adoption: Adoption) -> tuple[str, int]:
    """Write an adoption down; the run's id, and how many records became ours. The account is not touched."""
    state.migrate(context.warehouse)
    journal = AdoptionJournal(context.warehouse, uuid.uuid4().hex, context.leases)
    about: dict[str, Any] = {
        "everybody": adoption.everybody,
        "audiences": [
            {"audience": one.name, "wanted_there": one.wanted_there, "unwanted": one.unwanted, "missing": one.missing}
            for one in adoption.found
        ],
    }
    count = journal.adopt(adoption.records, about, context.clock.now())
    return journal.run_id, count


def _look(context: Context, destination: str, chosen: Sequence[Audience], everybody: bool) -> tuple[list[Found], list[Adopted]]:
    _, rules = connection_of(context, destination)
    targets = create_wanted(context, destination)
    places: dict[tuple[str, str], set[str]] = {}
    for audience in chosen:
        places[audience.container, audience.membership] = set()
    for audience in targets.audiences:
        if audience.destination == destination and (audience.container, audience.membership) in places:
            places[audience.container, audience.membership].add(audience.segment)
    account = read_account(context, targets, destination, {container for container, _ in places})
    create_there(context.warehouse, account, rules)
    asked = {"destination": destination}
    answer = context.warehouse.execute(_THERE, asked)
    names = [column[0] for column in answer.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    missing = {tuple(place): count for *place, count in context.warehouse.execute(_MISSING, asked).fetchall()}
    found: list[Found] = []
    documents: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for place, segments in sorted(places.items()):
        here = [row for row in rows if (row["container"], row["membership"]) == place]
        right = [row for row in here if row["is_wanted"]]
        adopted = here if everybody else right
        found.append(
            Found(
                destination,
                *place,
                segments=tuple(sorted(segments)),
                wanted_there=len(right),
                differing=sum(bool(_differing(row, rules)) for row in right),
                ours=sum(row["is_ours"] for row in here),
                unwanted=len(here) - len(right),
                missing=missing.get(place, 0),
            )
        )
        for row in adopted:
            documents.setdefault((row["container"], row["document_key"]), []).append(row)
    return found, [_adopted(destination, held, rules) for held in documents.values()]


def _differing(row: Mapping[str, Any], rules: Rules) -> list[str]:
    return differing(json.loads(row["our_fields"]), json.loads(row["their_fields"]), rules) if row["our_fields"] else []


def _adopted(destination: str, held: Sequence[Mapping[str, Any]], rules: Rules) -> Adopted:
    """One record with all memberships it was found in. Its fields are said in our form where they are ours, else as they are."""
    row = held[0]
    fields, others = row["our_fields"] or row["their_fields"], _differing(row, rules)
    if others:
        theirs = json.loads(row["their_fields"])
        mixed = json.loads(fields) | {name: theirs.get(name) for name in others}
        fields = json.dumps(mixed, separators=(",", ":"), ensure_ascii=False)
    return Adopted(
        destination=destination,
        container=row["container"],
        document_key=row["document_key"],
        customer_id=row["customer_id"],
        address=row["address"],
        mailbox=row["mailbox"],
        fields=fields,
        vendor_id=row["vendor_id"],
        memberships=tuple(one["membership"] for one in held),
    )
