"""A session on the account's database, in UTC: the only place that speaks to Snowflake, save dbt and dlt."""

import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import snowflake.connector
from dbt.adapters.snowflake.connections import SnowflakeCredentials
from snowflake.connector import SnowflakeConnection
from snowflake.connector.constants import FIELD_ID_TO_NAME
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.errors import Error as SnowflakeError

from mailhouse.build_target import BuildTarget
from mailhouse.snowflake.refusals import absent, refused
from mailhouse.sync.identifiers import quoted

# schema and stage for what is on its way into a table
STATE_SCHEMA = "reverse_sync"
STAGE = f"{STATE_SCHEMA}.arriving"
SECONDS_TO_GET_IN = 60
NOT_OF_CREDENTIALS = ("type", "threads", "session_parameters")
# what Snowflake calls the type of an answer's column -> how it is kept here; of a number its digits decide
KINDS = {
    "TEXT": pa.string(),
    "BOOLEAN": pa.bool_(),
    "REAL": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
    "TIMESTAMP_LTZ": pa.timestamp("us", tz="UTC"),
    "TIMESTAMP_TZ": pa.timestamp("us", tz="UTC"),
    "VARIANT": pa.string(),
    "OBJECT": pa.string(),
    "ARRAY": pa.string(),
}


class Session:
    """Statements are Snowflake's own. Whatever is refused raises SnowflakeRefused, one line with no value of a row."""

    def __init__(self, connection: SnowflakeConnection, target: Mapping[str, Any]) -> None:
        self._connection = connection
        self._target = target

    @property
    def database(self) -> str:
        return str(self._target["database"])

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement with `%s` for each value; gives back how many rows it touched."""
        return self._cursor(statement, values).rowcount or 0

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small answer."""
        return self._cursor(query, values).fetchall()

    def batches(self, query: str, values: Sequence[Any] = ()) -> Iterator[pa.Table]:
        """An answer of any size, piece by piece; the names of the columns in lower case, the types as `KINDS` says.

        There is at least one piece, without rows when the answer has none.
        """
        cursor = self._cursor(query, values)
        wanted = pa.schema([(column.name.lower(), _kind(column)) for column in cursor.description])
        given = False
        for batch in cursor.get_result_batches() or ():
            if batch.rowcount:
                given = True
                arrived = batch.to_arrow(self._connection, force_microsecond_precision=True)
                yield arrived.rename_columns(wanted.names).cast(wanted)
        if not given:
            yield wanted.empty_table()

    def add(self, rows: pa.Table, name: str) -> int:
        """Add rows to a table (`schema.table`), whose columns have the same names, as staged Parquet; how many."""
        if not rows.num_rows:
            return 0
        with tempfile.TemporaryDirectory(prefix="arriving-") as folder:
            path = Path(folder) / f"{uuid.uuid4().hex}.parquet"
            pq.write_table(rows, path)
            self.run(f"put 'file://{path.as_posix()}' @{self.database}.{STAGE}")
        self.run(
            f"copy into {self.database}.{name} from @{self.database}.{STAGE}/{path.name}"
            " file_format = (type = parquet use_logical_type = true) match_by_column_name = case_insensitive purge = true"
        )
        return rows.num_rows

    def present(self) -> None:
        """Returns when the database and the warehouse are there for this role. Raises SnowflakeRefused."""
        for kind in ("database", "warehouse"):
            name = str(self._target.get(kind))
            seen = self._cursor(f"show {kind}s like '{name}'", ())
            column = [one.name.lower() for one in seen.description].index("name")
            if name.lower() not in {row[column].lower() for row in seen.fetchall()}:
                raise absent(kind, name, self._target)

    def prepare(self) -> None:
        """Make the schema and the stage that everything here rests on."""
        self.run(f"create schema if not exists {self.database}.{STATE_SCHEMA}")
        self.run(f"create stage if not exists {self.database}.{STAGE}")

    def tables(self, schema: str) -> set[str]:
        """The names, in lower case, of the tables and views of a schema; none when there is no such schema."""
        both = " union ".join(
            f"select table_name from {self.database}.information_schema.{kind} where table_schema = %s"
            for kind in ("tables", "views")
        )
        return {name.lower() for (name,) in self.rows(both, [schema.upper()] * 2)}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing. A statement that makes a table would end it, and has no place inside."""
        self.run("begin")
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        self.run("commit")

    def _cursor(self, statement: str, values: Sequence[Any]) -> SnowflakeCursor:
        try:
            return self._connection.cursor().execute(statement, tuple(values) or None)
        except SnowflakeError as error:
            raise refused(error, self._target) from error


def sign_in(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the connector is told, who signs in and where, of what a target says (rendered)."""
    credentials = SnowflakeCredentials.from_dict({key: said[key] for key in said if key not in NOT_OF_CREDENTIALS})
    parameters = {**said.get("session_parameters", {}), "QUERY_TAG": '{"app": "mailhouse"}', "TIMEZONE": "UTC"}
    return {
        **credentials.auth_args(),
        **{key: said.get(key) for key in ("account", "database", "schema", "role", "warehouse")},
        "session_parameters": {**parameters, "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
        "login_timeout": SECONDS_TO_GET_IN,
        "application": "mailhouse",
    }


@contextmanager
def open_session(target: BuildTarget) -> Iterator[Session]:
    """Connect as dbt does with the same target. Raises SnowflakeRefused, ConfigurationError."""
    said = target.rendered()
    try:
        connection = snowflake.connector.connect(**sign_in(said))
    except SnowflakeError as error:
        raise refused(error, said) from error
    with closing(connection):
        yield Session(connection, said)


def _kind(column: Any) -> pa.DataType:
    name = FIELD_ID_TO_NAME[column.type_code]
    if name != "FIXED":
        return KINDS[name]
    if column.scale:
        return pa.decimal128(column.precision, column.scale)
    # an id or a count is declared with 38 digits, and never has them
    return pa.int64()


def listed(names: Iterable[str]) -> str:
    """Names of columns as SQL lists them; they are lower case here and upper case there, so none is quoted."""
    return ", ".join(name for name in names if quoted(name))
