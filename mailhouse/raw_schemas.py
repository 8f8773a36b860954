"""The raw tables as ingestion lands them, made empty from their exported schemas: for tests and for a first parse."""

from pathlib import Path

import duckdb

from mailhouse import contact_points
from mailhouse.consent import landing
from mailhouse.privacy import replay
from mailhouse.settings import read_yaml
from mailhouse.sync import state

TYPES = {
    "text": "varchar",
    "json": "varchar",
    "integer": "bigint",
    "decimal": "decimal(18, 4)",
    "boolean": "boolean",
    "timestamp": "timestamp with time zone",
    "date": "date",
}


def create_empty(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Make every raw table that is not there yet, from the schemas in `folder`; gives back their names.

    What else dbt reads and no vendor lands is made too: contact points, the inbox, who was erased, the state of the reverse sync.
    """
    names = []
    for path in sorted(folder.glob("*.yml")):
        exported = read_yaml(path)
        connection.execute(f'create schema if not exists "{exported["schema"]}"')
        for table, said in exported["tables"].items():
            columns = {**{name: TYPES[kind] for name, kind in said["columns"].items()}, "_dlt_load_id": "varchar"}
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            name = f'"{exported["schema"]}"."{table}"'
            connection.execute(f"create table if not exists {name} ({listed})")
            names.append(name)
    connection.execute(contact_points.CREATE)
    connection.execute(landing.CREATE)
    connection.execute(replay.CREATE)
    state.migrate(connection)
    return names
