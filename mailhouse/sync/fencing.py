"""Keeps out a run that was overtaken: the warehouse remembers the highest token of each lease that has written to it."""

import duckdb

from mailhouse.errors import LeaseLost
from mailhouse.sync.state import SCHEMA


def fence(connection: duckdb.DuckDBPyConnection, name: str, token: int) -> None:
    """Take this lease's token for the newest, inside the transaction that it is to guard.

    Raises LeaseLost when a later holder of `name` has written here already; the transaction is then rolled back.
    """
    rows = connection.execute(f"select token from {SCHEMA}.fencing where name = ?", [name]).fetchall()
    newest = rows[0][0] if rows else 0
    if token < newest:
        raise LeaseLost(f"{name}: a later run (token {newest}) has written since; this one (token {token}) may no longer write")
    if token > newest:
        connection.execute(f"insert or replace into {SCHEMA}.fencing values (?, ?)", [name, token])
