"""A warehouse in memory with made-up people, and a run's surroundings: everything that a plan reads, and no dbt project."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from mailhouse import sync
from mailhouse.bench.look import AllowedLook
from mailhouse.clock import VendorClock
from mailhouse.settings import Connection, Settings
from mailhouse.sync import state
from mailhouse.warehouse import DATABASE, in_memory

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
AUDIENCE, TAG, PURPOSE, SEGMENT = "Customers", "Readers", "newsletter", "seg_readers"
# the same five values under each ESP's names
FIELDS = {
    "mailchimp": {"first_name": "FNAME", "last_name": "LNAME", "country": "COUNTRY", "spend": "SPEND", "last_order": "LASTORDER"},
    "klaviyo": {
        "first_name": "first_name",
        "last_name": "last_name",
        "country": "location.country",
        "spend": "Spend",
        "last_order": "Last order",
    },
}
# everything lives in memory here, also what the file on disk would hold
MEMORY_LIMIT = "4GB"

_PEOPLE = """
    create table profiles.people as
    select
        'c' || lpad(number::varchar, 9, '0') as customer_id,
        'person' || number || '@example.com' as email,
        'person' || number || '@example.com' as mailbox,
        'First' || (number % 5000) as first_name,
        'Last' || (number % 20000) as last_name,
        'DE' as country,
        (number % 700)::decimal(18, 2) as spend,
        date '2026-01-01' + (number % 90)::integer as last_order
    from range($people) as numbers(number)
"""
_CONSENT = f"""
    create table marts.consent_status as
    select
        mailbox, 'email' as channel, '{PURPOSE}' as purpose, 'default' as brand, 'allow' as decision,
        'double_opt_in' as reason, 'entry-' || customer_id as event_id, timestamptz '{NOW.isoformat()}' as decided_at
    from profiles.people
"""


@contextmanager
def made_up(people: int, connections: Mapping[str, Connection]) -> Iterator[sync.Context]:
    """So many people who all may be written to and are in one segment, which goes to each of these connections."""
    with TemporaryDirectory(prefix="mailhouse-bench-") as made, in_memory([DATABASE]) as warehouse:
        folder = Path(made)
        warehouse.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        warehouse.execute("set temp_directory = '" + str(folder / "spill").replace("'", "''") + "'")
        _fill(warehouse, people)
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps(_manifest(connections)), encoding="utf-8")
        state.migrate(warehouse)
        # the day stands still, so that consent does not grow old; what waits, waits in earnest
        clock = VendorClock(lambda: NOW)
        yield sync.Context(Settings(folder, folder, connections), clock, warehouse, manifest, last_look=AllowedLook)


def _fill(warehouse: duckdb.DuckDBPyConnection, people: int) -> None:
    warehouse.execute(f"use {DATABASE}")
    for schema in ("profiles", "segments", "marts"):
        warehouse.execute(f"create schema {schema}")
    warehouse.execute(_PEOPLE, {"people": people})
    warehouse.execute(_CONSENT)
    warehouse.execute("create table marts.consent_events (event_id varchar, received_at timestamptz)")
    warehouse.execute(f"create table segments.{SEGMENT} as select customer_id from profiles.people")
    for vendor in FIELDS:
        warehouse.execute(f"create view profiles.{vendor}_profiles as select * from profiles.people")


def change_everybody(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Give each person another first name."""
    warehouse.execute("update profiles.people set first_name = 'Other' || first_name")


def _manifest(connections: Mapping[str, Connection]) -> dict[str, Any]:
    columns = ["customer_id", "email", "mailbox", *FIELDS["mailchimp"]]
    models = [_model("consent_status", "marts", {}, []), _model("consent_events", "marts", {}, [])]
    audiences = []
    for name, connection in connections.items():
        profile = {"destination": name, "key": "email", "fields": FIELDS[connection.vendor]}
        models.append(_model(f"{connection.vendor}_profiles", "profiles", {"profile_of": profile}, columns))
        tag = {"tag": TAG} if connection.vendor == "mailchimp" else {}
        audiences.append({"destination": name, "audience": AUDIENCE, "purpose": PURPOSE, **tag})
    models.append(_model(SEGMENT, "segments", {"reverse_sync": audiences}, ["customer_id"]))
    return {"nodes": {model["name"]: model for model in models}}


def _model(name: str, schema: str, meta: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "database": DATABASE,
        "config": {"meta": dict(meta)},
        "columns": {column: {} for column in columns},
    }
