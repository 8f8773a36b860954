"""Tables of any SQL database that SQLAlchemy knows, read in chunks of Arrow by dlt's sql_database."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dlt
import sqlalchemy
from dlt.extract import DltResource
from dlt.sources.sql_database.helpers import TableLoader

from ingestion.fields import Fields
from ingestion.own_tables.mapping import Entry
from ingestion.own_tables.rows import Taking, plain, table_rows
from ingestion.own_tables.shapes import SHAPES, TABLES
from ingestion.quarantine import QUARANTINE, Quarantine
from ingestion.source import BATCH_ROWS, Landing
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.settings import Connection

LAG_SECONDS = 300


class DatabaseUnreachable(MailhouseError):
    """A database does not let itself be read."""


class _AsText(sqlalchemy.types.TypeDecorator):
    """Whatever a cell holds, as text: then each cell is judged by what we take it for, and a chunk is one Arrow table."""

    impl = sqlalchemy.types.NullType
    cache_ok = True

    def process_result_value(self, value: Any, _: Any) -> str | None:
        if isinstance(value, bytes):
            return value.hex()
        taken = plain(value)
        return None if taken is None else str(taken)


class TableMissing(ConfigurationError):
    """A table or column that tables.yml names is not in the database."""


def engine_of(connection: Connection) -> sqlalchemy.Engine:
    """The database of a connection: its url, with the secret `password` put in. Raises ConfigurationError."""
    try:
        url = sqlalchemy.make_url(connection.url)
        if "password" in connection.secret_names:
            url = url.set(password=connection.secret("password"))
        return sqlalchemy.create_engine(url)
    except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
        raise ConfigurationError(
            f"connection {connection.id}: its url is no database that can be opened here; write it as SQLAlchemy does, and"
            " install the driver that it names"
        ) from error


@dlt.source(name="database")
def database(landing: Landing, entries: Sequence[Entry]) -> Iterator[DltResource]:
    """The tables that tables.yml names of one database; with a cursor only what is newer than last time."""
    quarantine = Quarantine(landing.connection.id, landing.clock)

    def pages() -> Iterator[tuple[Fields, Sequence[dict[str, Any]]]]:
        engine = engine_of(landing.connection)
        try:
            for entry in entries:
                for rows in _rows(engine, entry, Taking(entry, landing, quarantine), landing.lag(LAG_SECONDS)):
                    yield SHAPES[entry.kind], rows
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise DatabaseUnreachable(
                f"connection {landing.connection.id}: the database cannot be read ({type(error).__name__}); see its url, its"
                " password and what its user may read"
            ) from error
        finally:
            engine.dispose()
        if aside := quarantine.taken():
            yield QUARANTINE, aside
        quarantine.tell("raw_database")

    first, *others = TABLES
    yield landing.resource_of(first, others, pages)


def probe(connection: Connection) -> int:
    """How many tables there are; raises what landing would raise."""
    engine = engine_of(connection)
    try:
        return len(sqlalchemy.inspect(engine).get_table_names())
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise DatabaseUnreachable(f"connection {connection.id}: the database does not answer ({type(error).__name__})") from error
    finally:
        engine.dispose()


def _rows(engine: sqlalchemy.Engine, entry: Entry, taking: Taking, lag: int) -> Iterator[list[dict[str, Any]]]:
    """Our rows of one table in chunks; moves the table's cursor when all of it has been given out."""
    schema, _, name = entry.table.rpartition(".")
    try:
        table = sqlalchemy.Table(
            name,
            sqlalchemy.MetaData(),
            schema=schema or None,
            autoload_with=engine,
            listeners=[("column_reflect", _as_it_stands)] if engine.dialect.name == "sqlite" else [],
        )
    except sqlalchemy.exc.NoSuchTableError as error:
        raise TableMissing(f"tables.yml, {entry.name}: the database has no table {entry.table}; correct `table`") from error
    for column in entry.wanted:
        if column not in table.columns:
            raise TableMissing(f"tables.yml, {entry.name}: {entry.table} has no column {column}; correct it")
    taking.begin()
    cursor = _Position(entry)
    latest = cursor.value
    loader = TableLoader(
        engine,
        "pyarrow",
        table,
        {},
        chunk_size=BATCH_ROWS,
        query_adapter_callback=lambda _, found: _query(found, entry, latest, lag),
    )
    position = 1
    for chunk in loader.load_rows():
        yield taking.taken(table_rows(chunk, position), entry.table)
        position += chunk.num_rows
        if entry.cursor:
            cursor.see(chunk.column(entry.cursor))
    cursor.reach()


def _as_it_stands(inspector: Any, table: Any, column: dict[str, Any]) -> None:
    """SQLite keeps in a column whatever it was given; one value that is not of the declared type would stop the whole table."""
    column["type"] = _AsText()


def _query(table: sqlalchemy.Table, entry: Entry, latest: str | int | None, lag: int) -> Any:
    query = sqlalchemy.select(*(table.columns[column] for column in entry.wanted))
    if entry.cursor:
        moving = table.columns[entry.cursor]
        query = query.order_by(moving)
        if latest is not None:
            # the newest is read again: another row of the same moment may have come after it
            query = query.where(moving >= _since(moving, latest, lag))
    return query


def _since(column: sqlalchemy.Column, value: str | int, lag: int) -> Any:
    """From where to read: of a time a little earlier, for rows that were written then and committed after we read."""
    if isinstance(value, str) and isinstance(column.type, sqlalchemy.DateTime):
        return datetime.fromisoformat(value) - timedelta(seconds=lag)
    if isinstance(value, str) and isinstance(column.type, sqlalchemy.Date):
        return date.fromisoformat(value)
    return value


class _Position:
    """How far a table has been read by its cursor column, kept in dlt's state with the rows."""

    def __init__(self, entry: Entry) -> None:
        self._name = entry.name
        # another column or another mapping: everything is read once more
        said = f"{entry.table} {entry.cursor} {sorted(entry.columns.items())} {SHAPES[entry.kind].digest}"
        if (self._kept.get(entry.name) or {}).get("of") != said:
            self._kept[entry.name] = {"of": said, "value": None}
        self._latest: Any = None

    @property
    def _kept(self) -> dict[str, Any]:
        return dlt.current.resource_state(TABLES[0].table).setdefault("read_until", {})

    @property
    def value(self) -> str | int | None:
        return self._kept[self._name]["value"]

    def see(self, column: Any) -> None:
        values = [value for value in column.to_pylist() if value is not None]
        if values:
            self._latest = max([*values, *([] if self._latest is None else [self._latest])], key=_in_order)

    def reach(self) -> None:
        if self._latest is not None:
            latest = self._latest
            self._kept[self._name]["value"] = latest if isinstance(latest, int | str) else latest.isoformat()


def _in_order(value: Any) -> tuple[int, Any]:
    """Numbers by their value, also when they come as text; all else as it compares itself."""
    is_number = isinstance(value, int) or (isinstance(value, str) and value.lstrip("-").isdigit())
    return (0, int(value)) if is_number else (1, value)
