"""A connection to the work directory's warehouse that tells what it changes of the sync's state, before it is committed."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse.sync.state import KEYS

WRITES = re.compile(
    r"\s*(?P<verb>insert\s+(?:or\s+\w+\s+)?into|update|delete\s+from|truncate|merge\s+into)"
    r"\s+(?:warehouse\.)?reverse_sync\.(?P<table>\w+)",
    re.IGNORECASE,
)
BEGINS, COMMITS, ROLLS_BACK = (re.compile(rf"\s*{word}\b", re.IGNORECASE) for word in ("begin", "commit", "rollback"))


@dataclass(frozen=True)
class Change:
    """Rows of one table of the state as one statement left them, or (`is_gone`) as they were before it took them out."""

    table: str
    is_gone: bool
    rows: pa.Table


class Recording:
    """A DuckDB connection as everybody knows it. `keep` is given the changes of each transaction, and raises to prevent it.

    keep: it may write to the connection itself, inside the same transaction.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, keep: Callable[[Sequence[Change]], None]) -> None:
        self._connection = connection
        self._keep = keep
        self._changes: list[Change] = []
        self._is_open = False

    def execute(self, statement: str, values: Any = None) -> duckdb.DuckDBPyConnection:
        """As DuckDB's own; of a statement that changes the state nothing but its being done can be learnt."""
        if match := WRITES.match(statement):
            if match["table"] in KEYS:
                return self._write(match["table"], match["verb"].lower(), statement, values)
        elif BEGINS.match(statement):
            self._is_open = True
        elif COMMITS.match(statement):
            return self._commit()
        elif ROLLS_BACK.match(statement):
            self._changes, self._is_open = [], False
        return self._connection.execute(statement) if values is None else self._connection.execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Any]) -> "Recording":
        """As DuckDB's own."""
        if WRITES.match(statement):
            for row in values:
                self.execute(statement, row)
        else:
            self._connection.executemany(statement, list(values))
        return self

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A second connection, which does not write to the state."""
        return self._connection.cursor()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _write(self, table: str, verb: str, statement: str, values: Any) -> duckdb.DuckDBPyConnection:
        if verb.startswith(("truncate", "merge")) or re.search(r"\breturning\b", statement, re.IGNORECASE):
            raise NotImplementedError(f"{verb} on reverse_sync.{table}: say it as an insert, update or delete, without returning")
        if not self._is_open:
            self.execute("begin transaction")
            try:
                self._write(table, verb, statement, values)
            except BaseException:
                self.execute("rollback")
                raise
            return self.execute("commit")
        arrived = self._connection.execute(f"{statement.rstrip().rstrip(';')} returning *", values or [])
        self._changes.append(Change(table, verb.startswith("delete"), arrived.to_arrow_table()))
        return self._connection

    def _commit(self) -> duckdb.DuckDBPyConnection:
        changes = [change for change in self._changes if change.rows.num_rows]
        try:
            if changes:
                self._keep(changes)
        except BaseException:
            self.execute("rollback")
            raise
        self._changes, self._is_open = [], False
        return self._connection.execute("commit")
