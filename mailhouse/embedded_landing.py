"""Landing into the warehouse of the work directory."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

log = logging.getLogger("mailhouse.ingestion")

FRUGAL_LIMITS = ("64MB", "256MB")  # what a load may take before it is given the warehouse's whole memory
# dlt would keep a gigabyte of changes in the log, and what is not yet in the file stays in memory
STATEMENTS = ["set global checkpoint_threshold = '16MB'"]


def destination(warehouse: duckdb.DuckDBPyConnection | str, main_schema: str | None = None) -> Destination:
    """dlt's destination: an open connection, or the path of a file for who only asks what it is capable of.

    main_schema: where dlt's own sessions begin, when the connection's database is not the warehouse.
    """
    local_config = {"schema": main_schema} if main_schema else None
    return dlt.destinations.duckdb(DuckDbCredentials(warehouse, statements=STATEMENTS, local_config=local_config))


class EmbeddedPlace:
    """The raw tables behind an open connection to the warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, main_schema: str | None) -> None:
        self._connection = connection
        self._main_schema = main_schema

    @property
    def destination(self) -> Destination:
        return destination(self._connection, self._main_schema)

    def load(self, schema: str, run: Callable[[], object]) -> None:
        for limit in (*FRUGAL_LIMITS, None):
            try:
                with self._memory(limit):
                    run()
            except PipelineStepFailed as failed:
                if limit is None or "Out of Memory Error" not in str(failed):
                    raise
                # the package stays pending and its transaction was rolled back: the same load goes on with more memory
                log.info("%s: %s are too little for this load, trying with more", schema, limit)
                continue
            return

    def relation(self, schema: str, table: str) -> str:
        return f'"{schema}"."{table}"'

    def tables(self, schema: str) -> set[str]:
        listed = "select table_name from information_schema.tables where table_catalog = current_database() and table_schema = ?"
        return {name for (name,) in self.rows(listed, [schema])}

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, list(values)).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return int(self.rows(statement, values)[0][0])

    @contextmanager
    def ids(self, ids: pa.Array) -> Iterator[str]:
        self._connection.register("vendor_ids", pa.table({"id": ids.cast(pa.string())}))
        try:
            yield "vendor_ids"
        finally:
            self._connection.unregister("vendor_ids")

    @contextmanager
    def _memory(self, limit: str | None) -> Iterator[None]:
        """DuckDB kept to `limit` and one thread, so that a large merge spills to disk; None leaves the warehouse's own limit."""
        names = ("memory_limit", "threads", "preserve_insertion_order")
        before = [str(self.rows(f"select current_setting('{name}')")[0][0]) for name in names]
        wanted = [limit, "1", "false"] if limit is not None else before
        try:
            for name, value in zip(names, wanted, strict=True):
                self._connection.execute(f"set global {name} = '{value}'")
            yield
        finally:
            for name, value in zip(names, before, strict=True):
                self._connection.execute(f"set global {name} = '{value}'")
