"""Copies the tables that dbt reads, and does not make, from a DuckDB warehouse to the stand-in, as staged Parquet."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from snowflake.connector.cursor import SnowflakeCursor

from tests.python.parity.server import DATABASE, StandIn

# What dlt's Snowflake destination makes of the types that ingestion declares.
TYPES = {"TIMESTAMP WITH TIME ZONE": "timestamp_ltz", "TIMESTAMP": "timestamp_ntz", "BIGINT": "number(19, 0)", "DOUBLE": "float"}
COLUMNS = """
select column_name, data_type from information_schema.columns
where table_catalog = current_database() and table_schema = ? and table_name = ? order by ordinal_position
"""
STAGE = f"{DATABASE}.landing.arrived"


# Sources that Mailhouse itself writes: on the stand-in it does so there, and nothing is copied.
OUR_OWN = ("raw_contact_points", "raw_inbox", "raw_privacy", "reverse_sync")


def landed(source: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Schema and name of every table that vendors' records have landed in."""
    named = {(node["schema"], node["identifier"]) for node in manifest["sources"].values() if node["schema"] not in OUR_OWN}
    return sorted(one for one in named if source.execute(COLUMNS, list(one)).fetchall())


def copy_sources(
    source: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], standin: StandIn, folder: Path
) -> dict[str, int]:
    """Replace each of these tables on the stand-in by the one in the warehouse `source`; gives back its rows by name.

    folder: where the Parquet files are put meanwhile.
    """
    copied = {}
    with standin.session(database=DATABASE) as target:
        cursor = target.cursor()
        cursor.execute(f"create schema if not exists {DATABASE}.landing")
        cursor.execute(f"create stage if not exists {STAGE}")
        for schema, table in landed(source, manifest):
            columns = source.execute(COLUMNS, [schema, table]).fetchall()
            cursor.execute(f"create schema if not exists {DATABASE}.{schema}")
            _create(cursor, f"{DATABASE}.{schema}.{table}", columns)
            path = folder / f"{schema}.{table}.parquet"
            source.execute(f"copy {schema}.{table} to '{path}' (format parquet)")
            copied[f"{schema}.{table}"] = _load(cursor, path, f"{DATABASE}.{schema}.{table}")
    return copied


def _create(cursor: SnowflakeCursor, name: str, columns: Iterable[tuple[str, str]]) -> None:
    listed = ", ".join(f"{column} {TYPES.get(kind, kind.lower())}" for column, kind in columns)
    cursor.execute(f"create or replace table {name} ({listed})")


def _load(cursor: SnowflakeCursor, path: Path, name: str) -> int:
    cursor.execute(f"put file://{path} @{STAGE} overwrite = true")
    cursor.execute(
        f"copy into {name} from @{STAGE}/{path.name} file_format = (type = parquet) match_by_column_name = case_insensitive"
    )
    return cursor.execute(f"select count(*) from {name}").fetchall()[0][0]
