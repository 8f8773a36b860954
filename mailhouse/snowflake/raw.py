"""What is done to the raw tables between landing and the build, where they are in Snowflake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse.consent.acts import raw_rows
from mailhouse.consent.inbox import Inbox
from mailhouse.contact_points import RULE_VERSION, ContactColumn, contact_columns, normal_forms
from mailhouse.privacy import replay
from mailhouse.privacy.arrivals import Arrivals
from mailhouse.privacy.places import PLACES, Place
from mailhouse.privacy.tombstones import Tombstones
from mailhouse.settings import Settings, read_yaml
from mailhouse.snowflake.fetching import make_table
from mailhouse.snowflake.session import Session

# what dlt's Snowflake destination makes of the types that ingestion declares
TYPES = {
    "text": "varchar",
    "json": "varchar",
    "integer": "number(19, 0)",
    "decimal": "number(18, 4)",
    "boolean": "boolean",
    "timestamp": "timestamp_ltz",
    "date": "date",
}
NORMALISED = "raw_contact_points.normalised"
INBOX = "raw_inbox.consent_acts"
ERASED = "raw_privacy.erased_values"
OWN_TABLES = {
    NORMALISED: "kind varchar, raw_value varchar, region varchar, narrow varchar, wide varchar, is_valid boolean, reason varchar,"
    " rule_version number(19, 0)",
    INBOX: "connection_id varchar, event_id varchar, inbox_id varchar, seq number(19, 0), act varchar, address varchar,"
    " channel varchar, purpose varchar, brand varchar, source varchar, reason varchar, proof varchar, evidence varchar,"
    " recorded_by varchar, occurred_at timestamp_ltz, received_at timestamp_ltz",
    ERASED: "kind varchar, value varchar, surrogate varchar",
}


def create_empty(session: Session, folder: Path) -> list[str]:
    """Make every raw table that is not there yet, from the schemas in `folder`; gives back the names of those it made.

    A source that has never landed must not keep the models of the others from being built.
    """
    wanted = dict(OWN_TABLES)
    for path in sorted(folder.glob("*.yml")):
        exported = read_yaml(path)
        for table, said in exported["tables"].items():
            columns = {**{name: TYPES[kind] for name, kind in said["columns"].items()}, "_dlt_load_id": "varchar"}
            wanted[f"{exported['schema']}.{table}"] = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    made = []
    for schema in sorted({name.split(".")[0] for name in wanted}):
        there = session.tables(schema)
        if not there:
            session.run(f"create schema if not exists {session.database}.{schema}")
        for name, columns in wanted.items():
            if name.split(".")[0] == schema and name.split(".")[1] not in there:
                session.run(f"create table if not exists {session.database}.{name} ({columns})")
                made.append(name)
    return made


def land_inbox(session: Session, settings: Settings) -> int:
    """As `consent.land_inbox`: acts of the inbox that are not there yet; how many. Raises StateUnreadable."""
    inbox = Inbox(settings.inbox_path)
    inbox.create()
    arrived = raw_rows(Arrivals(settings).acts(inbox.acts()))
    known = pa.concat_tables(session.batches(f"select event_id from {session.database}.{INBOX}"))["event_id"].combine_chunks()
    fresh = arrived.filter(pa.compute.invert(pa.compute.is_in(arrived["event_id"], value_set=known)))
    return session.add(fresh, INBOX)


def normalise(session: Session, manifest: Mapping[str, Any]) -> int:
    """As `contact_points.normalise`: the normal forms of values that have none yet; how many."""
    name = f"{session.database}.{NORMALISED}"
    session.run(f"delete from {name} where rule_version <> %s", [RULE_VERSION])
    there = {schema: session.tables(schema) for schema in {_schema_and_table(one)[0] for one in contact_columns(manifest)}}
    selects = [
        _select(session.database, one)
        for one in contact_columns(manifest)
        if _schema_and_table(one)[1] in there[_schema_and_table(one)[0]]
    ]
    if not selects:
        return 0
    wanted = (
        f"select distinct wanted.kind, wanted.raw_value, wanted.region from ({' union all '.join(selects)}) as wanted"
        f" where wanted.raw_value is not null and not exists (select 1 from {name} as known where known.kind = wanted.kind"
        " and known.raw_value = wanted.raw_value and known.region = wanted.region)"
    )
    return sum(session.add(normal_forms(batch), NORMALISED) for batch in session.batches(wanted))


def mark_erased(connection: duckdb.DuckDBPyConnection, session: Session, settings: Settings) -> int:
    """As `replay.mark`: which raw values belong to somebody who was erased, so that staging leaves them out; how many.

    The rows themselves stay: erasing takes them out where they are. Raises StateUnreadable.
    """
    session.run(f"delete from {session.database}.{ERASED}")
    if not Tombstones(settings).read():
        return 0
    connection.execute("begin transaction")
    try:
        for place in PLACES:
            if not place.where and place.table in session.tables(f"raw_{place.vendor}"):
                _fetch_place(connection, session, place)
        found = replay.mark(connection, settings)
        session.add(connection.execute(f"select * from {ERASED}").to_arrow_table(), ERASED)
    finally:
        connection.execute("rollback")  # what was fetched is people's data, and was only looked at
    return found


def _fetch_place(connection: duckdb.DuckDBPyConnection, session: Session, place: Place) -> None:
    columns = dict.fromkeys(
        ("connection_id", *place.records.values(), *place.emails, *place.several, *place.surrogate, *place.blank)
    )
    connection.execute(f"create schema if not exists raw_{place.vendor}")
    connection.execute(f"drop table if exists {place.relation}")
    query = f"select distinct {', '.join(columns)} from {session.database}.{place.relation}"
    make_table(connection, place.relation, session, query)


def _schema_and_table(column: ContactColumn) -> tuple[str, str]:
    schema, table = column.table.replace('"', "").split(".")
    return schema, table


def _select(database: str, column: ContactColumn) -> str:
    value, table = f"cast(landed.{column.column} as varchar)", f"{database}.{'.'.join(_schema_and_table(column))} as landed"
    region = f"coalesce(upper(landed.{column.region_column}), '')" if column.region_column else "''"
    if column.separator:
        table += f", lateral split_to_table({value}, '{column.separator}') as parts"
        value = "parts.value"
    return f"select '{column.kind}' as kind, {value} as raw_value, {region} as region from {table}"
