"""dbt-duckdb's plugin of every target: dbt writes what the engine says of an error into its log and its artifacts, so the
values of rows are taken out of it before dbt sees it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.plugins import BasePlugin

from mailhouse.redaction import without_values

HANDLER = DuckDBConnectionManager.exception_handler


@contextmanager
def redacting(manager: DuckDBConnectionManager, sql: str, connection_name: str = "master") -> Iterator[Any]:
    """dbt-duckdb's own handler, given an error that quotes no row."""
    with HANDLER(manager, sql, connection_name):
        try:
            yield
        except duckdb.Error as error:
            raise duckdb.Error(without_values(error)) from None


class Plugin(BasePlugin):
    """Called by dbt-duckdb before it opens anything."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002  the shape that dbt-duckdb calls
        """Put our handler in the place of dbt-duckdb's, once for the process."""
        DuckDBConnectionManager.exception_handler = redacting
