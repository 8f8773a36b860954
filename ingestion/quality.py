"""How the last landing of each connection ended, as a table: what depends on a failed one is held back by name."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from ingestion.landing import Landed

TABLE = "quality.landings"
DEFINITION = f"""
create schema if not exists quality;
create table if not exists {TABLE} (
    connection_id varchar not null, landed_at timestamptz not null, status varchar not null, "rows" bigint not null,
    new_rows bigint not null, changed_rows bigint not null, seconds double not null, error_code varchar, error varchar,
    primary key (connection_id, landed_at)
)
"""


def record(db: duckdb.DuckDBPyConnection, landed: Iterable["Landed"], at: datetime) -> None:
    """Add one row a connection: `complete` or `failed`, at the clock's `at` (UTC)."""
    db.execute(DEFINITION)
    rows = [
        [
            one.connection_id,
            at,
            "complete" if one.is_complete else "failed",
            sum(one.rows.values()),
            sum(one.new.values()),
            sum(one.changed.values()),
            one.seconds,
            one.error_code,
            str(one.error) if one.error else None,
        ]
        for one in landed
    ]
    if rows:
        db.executemany(f"insert or replace into {TABLE} values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def failed_connections(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Connections whose last landing failed, each with the error that stopped it."""
    db.execute(DEFINITION)
    found = db.execute(
        f"select connection_id, coalesce(error, '') from {TABLE}"
        " qualify row_number() over (partition by connection_id order by landed_at desc) = 1 and status = 'failed'"
    ).fetchall()
    return dict(found)
