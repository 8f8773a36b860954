"""Fetches what dbt built in Snowflake into the work directory's warehouse, under the names that it has there."""

from collections.abc import Mapping
from typing import Any

import duckdb

from mailhouse.errors import ConfigurationError
from mailhouse.snowflake.fetching import make_table
from mailhouse.snowflake.session import Session
from mailhouse.sync.identifiers import quoted
from mailhouse.warehouse import DATABASE

WHOLE_FOLDERS = ("profiles", "segments")
EXPOSURE = "mailhouse"


def wanted(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Schema and name of every table that Mailhouse reads: seeds, profiles, segments, and what the exposure names.

    Raises ConfigurationError when the project has lost the exposure.
    """
    named = {one["name"]: one["depends_on"]["nodes"] for one in manifest["exposures"].values()}
    if EXPOSURE not in named:
        raise ConfigurationError(f"models/_exposures.yml: no exposure `{EXPOSURE}`, which says what is fetched from Snowflake")
    return sorted(
        (node["schema"], node["alias"])
        for unique_id, node in manifest["nodes"].items()
        if node["config"]["enabled"]
        and (
            unique_id in named[EXPOSURE]
            or node["resource_type"] == "seed"
            or (node["resource_type"] == "model" and node["fqn"][1] in WHOLE_FOLDERS)
        )
    )


def fetch(connection: duckdb.DuckDBPyConnection, session: Session, manifest: Mapping[str, Any]) -> int:
    """Replace the tables here by what is there, all at once; how many rows. What is not there any more goes here too."""
    rows = 0
    tables = wanted(manifest)
    there = {schema: session.tables(schema) for schema in sorted({schema for schema, _ in tables})}
    connection.execute("begin transaction")
    try:
        for schema, name in tables:
            here = f"{DATABASE}.{quoted(schema)}.{quoted(name)}"
            connection.execute(f"create schema if not exists {DATABASE}.{quoted(schema)}")
            connection.execute(f"drop table if exists {here}")
            if name in there[schema]:
                rows += make_table(connection, here, session, f"select * from {session.database}.{schema}.{name}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return rows
