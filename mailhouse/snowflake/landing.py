"""Landing into Snowflake: dlt signs in as dbt does, and stages Parquet; what has landed is asked over a session."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration import configspec
from dlt.common.destination import Destination
from dlt.destinations.impl.snowflake.configuration import SnowflakeCredentials

from mailhouse.build_target import BuildTarget
from mailhouse.snowflake.session import STATE_SCHEMA, Session, sign_in

# dlt fills in what a statement is about
QUERY_TAG = '{{"app": "mailhouse", "connection": "{pipeline_name}", "table": "{table}", "load": "{load_id}"}}'
IDS = f"{STATE_SCHEMA}.vendor_ids"


@configspec(init=False)
class TargetCredentials(SnowflakeCredentials):
    """dlt's credentials, read from dbt's target only when dlt connects: neither they nor their text hold a secret."""

    def __init__(self, target: BuildTarget) -> None:
        super().__init__()
        said = target.rendered()
        self._target = target
        self.host, self.username = str(said["account"]), said.get("user")
        self.database, self.warehouse, self.role = str(said["database"]), said.get("warehouse"), said.get("role")
        # of who signs in with dlt's own authenticator it would demand the password or the key
        self.authenticator = "as dbt"
        self.resolve()

    def to_connector_params(self) -> dict[str, Any]:
        return {name: value for name, value in sign_in(self._target.rendered()).items() if name != "schema"}


def destination(target: BuildTarget) -> Destination:
    """dlt's destination for the database of a target. Nothing is connected to. Raises ConfigurationError."""
    return dlt.destinations.snowflake(TargetCredentials(target), keep_staged_files=False, query_tag=QUERY_TAG)


class SnowflakePlace:
    """The raw tables of the account's database, over a session."""

    def __init__(self, session: Session, target: BuildTarget) -> None:
        self._session = session
        self._target = target

    @property
    def destination(self) -> Destination:
        return destination(self._target)

    def load(self, schema: str, run: Callable[[], object]) -> None:
        # tables in it are transient as well: of rows that are there for a moment, Snowflake keeps no copies
        self._session.run(f"create transient schema if not exists {self._session.database}.{schema}_staging")
        run()

    def relation(self, schema: str, table: str) -> str:
        # a table's name may be one of SQL's own words, and dlt makes them in upper case
        return f'{self._session.database}."{schema.upper()}"."{table.upper()}"'

    def tables(self, schema: str) -> set[str]:
        return self._session.tables(schema)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._session.rows(query.replace("?", "%s"), values)

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._session.run(statement.replace("?", "%s"), values)

    @contextmanager
    def ids(self, ids: pa.Array) -> Iterator[str]:
        name = f"{self._session.database}.{IDS}"
        self._session.prepare()
        self._session.run(f"create or replace temporary table {name} (id varchar)")
        try:
            self._session.add(pa.table({"id": ids.cast(pa.string())}), IDS)
            yield name
        finally:
            self._session.run(f"drop table if exists {name}")
