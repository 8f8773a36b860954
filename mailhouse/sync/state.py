"""The sync's own tables, schema `reverse_sync`: made and changed by numbered, transactional migrations."""

from collections.abc import Mapping

import duckdb

from mailhouse.errors import SyncRefused

SCHEMA = "warehouse.reverse_sync"

_FIRST = """
create table {schema}.runs (
    run_id varchar not null primary key,
    started_at timestamptz not null,
    finished_at timestamptz,
    planned json not null,
    calls_planned integer not null,
    calls_made json,
    accepted integer,
    rejected integer,
    outcome varchar not null
);
create table {schema}.delivered (
    destination varchar not null,
    audience varchar not null,
    document_key varchar not null,
    customer_id varchar not null,
    address varchar not null,
    mailbox varchar not null,
    fields json not null,
    memberships json not null,
    row_hash varchar not null,
    acknowledged_at timestamptz not null,
    run_id varchar not null,
    primary key (destination, audience, document_key)
);
create table {schema}.in_flight (
    call_id varchar not null,
    run_id varchar not null,
    sent_at timestamptz not null,
    reference varchar,
    destination varchar not null,
    audience varchar not null,
    document_key varchar not null,
    customer_id varchar not null,
    address varchar not null,
    mailbox varchar not null,
    action varchar not null,
    tag varchar not null
);
create table {schema}.attempts (
    destination varchar not null,
    audience varchar not null,
    document_key varchar not null,
    action varchar not null,
    tag varchar not null,
    customer_id varchar not null,
    row_hash varchar not null,
    code varchar not null,
    reason varchar not null,
    attempts integer not null,
    first_tried_at timestamptz not null,
    last_tried_at timestamptz not null,
    next_try_at timestamptz not null,
    run_id varchar not null,
    primary key (destination, audience, document_key, action, tag)
);
create table {schema}.receipts (
    run_id varchar not null,
    destination varchar not null,
    audience varchar not null,
    tag varchar not null,
    checked_at timestamptz not null,
    desired integer not null,
    delivered integer not null,
    actual integer not null,
    reported integer not null,
    is_settled boolean not null,
    is_equal boolean not null,
    differences json not null,
    primary key (run_id, destination, audience, tag)
);
"""

# Containers and memberships instead of one vendor's lists and tags; the ESP's own ids; what a call carried, so that a
# later run can settle it; every acknowledged change, so that it can be explained and taken back; decisions with validity.
_PLACES_AND_HISTORY = """
alter table {schema}.delivered rename column audience to container;
alter table {schema}.delivered add column vendor_id varchar default '';
alter table {schema}.delivered add column seen json default '[]';
alter table {schema}.delivered add column fields_seen boolean default false;
alter table {schema}.delivered add column origin varchar default 'sent';
alter table {schema}.in_flight rename column audience to container;
alter table {schema}.in_flight rename column tag to membership;
alter table {schema}.in_flight add column call_action varchar default '';
alter table {schema}.in_flight add column call_membership varchar default '';
alter table {schema}.in_flight add column fields json default '{{}}';
alter table {schema}.in_flight add column vendor_id varchar default '';
alter table {schema}.attempts rename column audience to container;
alter table {schema}.attempts rename column tag to membership;
alter table {schema}.receipts rename column audience to container;
alter table {schema}.receipts rename column tag to membership;
alter table {schema}.runs add column kind varchar default 'sync';
alter table {schema}.runs add column plan_digest varchar;
create table {schema}.deliveries (
    run_id varchar not null,
    acknowledged_at timestamptz not null,
    destination varchar not null,
    container varchar not null,
    document_key varchar not null,
    customer_id varchar not null,
    address varchar not null,
    mailbox varchar not null,
    fields_before json,
    fields_after json not null,
    memberships_before json not null,
    memberships_after json not null,
    permitted_by varchar
);
create table {schema}.approvals (
    run_id varchar not null,
    approved_at timestamptz not null,
    approved_by varchar not null,
    reason varchar not null,
    segment varchar not null,
    stopped_by varchar not null
);
create table {schema}.holdouts (
    destination varchar not null,
    container varchar not null,
    membership varchar not null,
    customer_id varchar not null,
    mailbox varchar not null,
    assigned_at timestamptz not null,
    primary key (destination, container, membership, customer_id)
);
create table {schema}.send_decisions (
    segment varchar not null,
    destination varchar not null,
    container varchar not null,
    membership varchar not null,
    customer_id varchar not null,
    document_key varchar,
    decision varchar not null,
    reason varchar not null,
    ledger_event_id varchar,
    valid_from timestamptz not null,
    valid_to timestamptz,
    run_id varchar not null
);
"""
# The highest token of each lease that has ever written here: whoever comes with a lower one was overtaken.
_FENCING = """
create table {schema}.fencing (
    name varchar not null primary key,
    token bigint not null
);
"""
# Which system was told of which refusal, and what it answered. A row is written before anything is sent and stays owed until
# the system has acknowledged it. `record_updated_at` is how new the record was that showed that the system could still mail:
# only a newer one that shows it again makes the refusal owed anew. `holds_until` is up to when the system's own flag, which
# has no date, is known to be the one that was set for us; null where the system dates its refusals.
_WITHDRAWALS = """
create table {schema}.withdrawals (
    connection_id varchar not null,
    container varchar not null,
    address varchar not null,
    event_id varchar not null,
    mailbox varchar not null,
    record_id varchar not null,
    record_updated_at timestamptz,
    refused_at timestamptz,
    status varchar not null,
    code varchar not null,
    reason varchar not null,
    attempts integer not null,
    owed_since timestamptz not null,
    told_at timestamptz,
    acknowledged_at timestamptz,
    next_try_at timestamptz,
    holds_until timestamptz,
    ended_at timestamptz,
    run_id varchar not null,
    primary key (connection_id, container, address, event_id)
);
"""
# What a call on its way rests on, so that whoever settles it later writes down the same as its own run would have.
_GROUNDS = """
alter table {schema}.in_flight add column row_hash varchar default '';
alter table {schema}.in_flight add column permitted_by varchar default '';
"""
MIGRATIONS = (_FIRST, _PLACES_AND_HISTORY, _FENCING, _WITHDRAWALS, _GROUNDS)
# What a row of each table is known by; nothing where rows are only ever added.
KEYS: Mapping[str, tuple[str, ...]] = {
    "runs": ("run_id",),
    "delivered": ("destination", "container", "document_key"),
    "in_flight": ("call_id", "destination", "container", "document_key", "action", "membership"),
    "attempts": ("destination", "container", "document_key", "action", "membership"),
    "receipts": ("run_id", "destination", "container", "membership"),
    "deliveries": (),
    "approvals": (),
    "holdouts": ("destination", "container", "membership", "customer_id"),
    "send_decisions": ("segment", "destination", "container", "membership", "customer_id", "run_id"),
    "fencing": ("name",),
    "withdrawals": ("connection_id", "container", "address", "event_id"),
}
TABLES = tuple(KEYS)


def migrate(connection: duckdb.DuckDBPyConnection, newest: int | None = None) -> int:
    """Bring the state to the newest version, each step in one transaction; returns the version.

    newest: another one, of an earlier Mailhouse. Raises SyncRefused when the state was written by a newer Mailhouse.
    """
    connection.execute(f"create schema if not exists {SCHEMA}")
    versions = f"{SCHEMA}.schema_version (version integer primary key, applied_at timestamptz)"
    connection.execute(f"create table if not exists {versions}")
    found = version(connection)
    if found > len(MIGRATIONS):
        raise SyncRefused(f"{SCHEMA}: written by a newer Mailhouse (state {found}, known {len(MIGRATIONS)}); update this one")
    last = len(MIGRATIONS) if newest is None else newest
    for number in range(found + 1, last + 1):
        connection.execute("begin transaction")
        try:
            connection.execute(MIGRATIONS[number - 1].format(schema=SCHEMA))
            connection.execute(f"insert into {SCHEMA}.schema_version values (?, now())", [number])
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
    return last


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """Up to which migration the state has come, 0 where there is none."""
    there = "select 1 from duckdb_tables() where schema_name = 'reverse_sync' and table_name = 'schema_version'"
    if not connection.execute(there).fetchall():
        return 0
    return connection.execute(f"select coalesce(max(version), 0) from {SCHEMA}.schema_version").fetchall()[0][0]


def readable(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the plan each table it reads as `sync_<table>`: the state, or an empty one when there is none yet.

    Raises SyncRefused for a state of an earlier Mailhouse: read as it is, everybody would look new.
    """
    rows = connection.execute(
        "select table_name from information_schema.tables where table_catalog = 'warehouse' and table_schema = 'reverse_sync'"
    ).fetchall()
    there = {name for (name,) in rows}
    if there and not (there.issuperset(TABLES) and version(connection) == len(MIGRATIONS)):
        raise SyncRefused(f"{SCHEMA}: written by another version of Mailhouse; run `mailhouse run`, which brings it up to date")
    source = SCHEMA if there else _blank(connection)
    for table in ("delivered", "in_flight", "attempts", "holdouts", "send_decisions"):
        connection.execute(f"create or replace temp view sync_{table} as select * from {source}.{table}")


def _blank(connection: duckdb.DuckDBPyConnection) -> str:
    """An empty state in memory, for a connection that may not make a real one."""
    connection.execute("attach if not exists ':memory:' as no_state_yet")
    connection.execute("drop schema if exists no_state_yet.reverse_sync cascade")
    connection.execute("create schema no_state_yet.reverse_sync")
    for migration in MIGRATIONS:
        connection.execute(migration.format(schema="no_state_yet.reverse_sync"))
    return "no_state_yet.reverse_sync"
