"""What an account holds now, read once and laid beside what the project wants there; writes neither there nor to our state."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from mailhouse.contact_points import normalise_email
from mailhouse.destinations import Record, Rules, rules_for
from mailhouse.errors import ConfigurationError, SyncRefused
from mailhouse.settings import Connection
from mailhouse.sync import state
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.consent import consent_state, exists
from mailhouse.sync.context import Context
from mailhouse.sync.desired import create_desired
from mailhouse.sync.targets import Audience, Targets

_RECORDS = pa.schema(
    [(name, pa.string()) for name in ("container", "document_key", "vendor_id", "address", "mailbox", "status", "fields")]
    + [("is_mailable", pa.bool_()), ("is_billed", pa.bool_())]
)
_MEMBERSHIPS = pa.schema([(name, pa.string()) for name in ("container", "document_key", "membership")])


@dataclass(frozen=True)
class Account:
    """One account as it was found: the records of each container, and what joining a membership of ours would start.

    `automations`: (container, membership) -> names of automations.
    """

    destination: str
    records: Mapping[str, Sequence[Record]]
    automations: Mapping[tuple[str, str], tuple[str, ...]]


def connection_of(context: Context, destination: str) -> tuple[Connection, Rules]:
    """The connection of that name and its ESP's rules. Raises ConfigurationError when it is not one we write to."""
    connections = context.settings.connections
    connection = connections.get(destination)
    rules = rules_for(connection.vendor) if connection else None
    if connection is None or rules is None:
        known = ", ".join(sorted(name for name, one in connections.items() if rules_for(one.vendor))) or "none"
        raise ConfigurationError(f"{destination}: not a destination of connections.yml; there are {known}")
    return connection, rules


def create_wanted(context: Context, destination: str) -> Targets:
    """Make the plan's own temporary tables (`sync_wanted`, `sync_decisions`, …) as if nothing were held back.

    Raises SyncRefused when consent cannot be relied on or a segment of the destination is not built: half a truth would show
    people as gone who are not.
    """
    targets = read_audiences(context.manifest, context.settings.connections)
    if destination not in targets.profiles:
        raise ConfigurationError(f"{destination}: the project has no model {destination}_profiles with `profile_of`; add it")
    consent = consent_state(context.warehouse, targets, context.clock.now(), context.consent_max_age)
    if not consent.usable:
        raise SyncRefused(f"{destination}: nothing can be compared: {consent.trouble}")
    for audience in of_destination(targets, destination):
        if not exists(context.warehouse, audience.relation):
            raise SyncRefused(f"{audience.segment}: it is not built; run `mailhouse run`")
    state.readable(context.warehouse)
    everything = frozenset(audience.segment for audience in targets.audiences)
    create_desired(context.warehouse, targets, context.settings.connections, consent, {}, everything)
    return targets


def of_destination(targets: Targets, destination: str) -> list[Audience]:
    """The audiences that feed one destination."""
    return [audience for audience in targets.audiences if audience.destination == destination]


def read_account(context: Context, targets: Targets, destination: str, containers: Iterable[str] | None = None) -> Account:
    """Read the named containers, or every one of the account, with the memberships and fields that are ours.

    Raises ConfigurationError when a container that a segment feeds is not there, VendorUnreachable, CredentialsRejected.
    """
    connection, rules = connection_of(context, destination)
    fed: dict[str, set[str]] = {}
    for audience in of_destination(targets, destination):
        fed.setdefault(audience.container, set()).add(audience.membership)
    fields = [field.name for field in targets.profiles[destination].fields]

    async def read() -> Account:
        async with rules.connect(connection, context.clock) as account:
            named = sorted({*await account.containers(), *fed} if containers is None else set(containers))
            ours = {container: sorted(fed.get(container, ())) for container in named}
            records = {container: await account.records(container, ours[container], fields) for container in named}
            automations = {
                (container, membership): names
                for container in named
                if ours[container]
                for membership, names in (await account.automations(container, ours[container])).items()
            }
            return Account(destination, records, automations)

    return asyncio.run(read())


def create_there(warehouse: duckdb.DuckDBPyConnection, account: Account, rules: Rules) -> None:
    """Make `takeover_records`, one row a record, and `takeover_memberships`, one row a record and membership of ours."""
    records: list[tuple] = []
    memberships: list[tuple[str, str, str]] = []
    for container, held in account.records.items():
        for one in held:
            known = (container, one.key, one.vendor_id, one.address, normalise_email(one.address).wide, one.status, one.fields)
            records.append((*known, one.status in rules.mailable, one.status in rules.billed))
            memberships += [(container, one.key, membership) for membership in sorted(one.memberships)]
    create_temporary(warehouse, "takeover_records", _RECORDS, records)
    create_temporary(warehouse, "takeover_memberships", _MEMBERSHIPS, memberships)


def create_temporary(warehouse: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: Sequence[tuple]) -> None:
    """Make a temporary table of these rows."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    given = pa.table([pa.array(values, kind.type) for values, kind in zip(columns, schema, strict=True)], schema=schema)
    warehouse.register("takeover_given", given)
    try:
        warehouse.execute(f"create or replace temp table {name} as select * from takeover_given")
    finally:
        warehouse.unregister("takeover_given")
