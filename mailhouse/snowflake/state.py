"""The sync's state on Snowflake: what is in its tables there and in the log of changes is what counts.

The work directory has a copy, on which everything is worked out. A change is in the log before it is committed to the copy; at
the end of a run the tables there are brought up to the log. So a machine that is lost loses nothing, and another one begins
with the tables and the log.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from mailhouse.errors import SyncRefused
from mailhouse.snowflake.change_log import TABLES_AT, ChangeLog, by_table
from mailhouse.snowflake.recording import Change
from mailhouse.snowflake.session import STATE_SCHEMA, Session, listed
from mailhouse.sync import state
from mailhouse.sync.state import KEYS, MIGRATIONS, SCHEMA

# which entry of the log the copy here has come to: in the copy, so that it is committed with what it is about
HERE = "warehouse.kept_in_snowflake"
POSITION = f"{HERE}.position"
MAKE_POSITION = f"""
create schema if not exists {HERE};
create table if not exists {POSITION} (account varchar not null, number bigint not null)
"""
TYPES = {
    "BIGINT": "number(19, 0)",
    "INTEGER": "number(19, 0)",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "timestamp_ltz",
}


class KeptState:
    """The state of one database, over a connection to the copy in the work directory and a session there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, session: Session, account: str) -> None:
        self._connection, self._session = connection, session
        # a copy of another account's state is no copy of this one's
        self._account = f"{account}/{session.database}".lower()
        self._log = ChangeLog(session)
        connection.execute(MAKE_POSITION)

    def bring(self) -> None:
        """Make both sides the same: what is newer there comes here; where nothing was kept there yet, ours goes there.

        Raises SyncRefused when both sides have a state and neither comes from the other, or when one is of a newer Mailhouse.
        """
        state.migrate(self._connection)
        self._session.prepare()
        self._log.prepare()
        said = self._session.rows(f"select number, state_version from {self._there(TABLES_AT)}")
        if not said:
            self._begin()
            return
        number, version = (int(value) for value in said[0])
        here = self._position()
        if version > len(MIGRATIONS):
            raise SyncRefused(f"{self._there(STATE_SCHEMA)}: written by a newer Mailhouse; update this one")
        self._log.forget_unfinished()
        newest = max(number, self._log.newest())
        if here is None and self._has_run():
            raise SyncRefused(
                f"{SCHEMA}: the work directory has synced without this database, which has a state of its own;"
                " take a work directory that is new, or the one that goes with it"
            )
        if here is not None and here > newest:
            raise SyncRefused(
                f"{self._there(STATE_SCHEMA)}: is at entry {newest}, and this work directory has seen {here};"
                " bring back the database's own state (`undrop`, `at (timestamp => …)`)"
            )
        if here is None or here < number:
            self._fetch(number, version)
        for after, changes in self._log.read(self._position() or 0):
            self._replay(after, changes)
        if version < len(MIGRATIONS):
            self._write_all()
        else:
            self.settle()

    def keep(self, changes: Sequence[Change]) -> None:
        """Write a transaction into the log, and how far the copy has then come, for the caller to commit."""
        position = self._position()
        if position is None:
            raise SyncRefused(f"{SCHEMA}: not yet held against the state in Snowflake; run `mailhouse run`")
        self._stand_at(self._log.append(changes, position))

    def settle(self) -> None:
        """Bring the tables there up to where the copy here has come; all of it or nothing."""
        newest = self._position() or 0
        ((at,),) = self._session.rows(f"select number from {self._there(TABLES_AT)}")
        transactions = [changes for number, changes in self._log.read(int(at)) if number <= newest]
        if not transactions:
            return
        changed = by_table(transactions)
        for table, changes in changed.items():
            self._stage(table, changes)
        with self._session.transaction():
            for table, changes in changed.items():
                self._merge(table, changes)
            self._session.run(f"update {self._there(TABLES_AT)} set number = %s", [newest])
            self._log.forget(newest)

    def _begin(self) -> None:
        """Nothing is kept there yet: the state of the work directory, were it empty, is the first."""
        self._connection.execute(f"delete from {POSITION}")
        self._stand_at(0)
        self._log.forget(self._log.newest())
        self._write_all()

    def _write_all(self) -> None:
        position = self._position() or 0
        for table in KEYS:
            name = self._there(f"{STATE_SCHEMA}.{table}")
            self._session.run(f"create or replace table {name} ({self._columns(table)})")
            self._session.add(
                _plain(self._connection.execute(f"select * from {SCHEMA}.{table}").to_arrow_table()), f"{STATE_SCHEMA}.{table}"
            )
        with self._session.transaction():
            self._session.run(f"delete from {self._there(TABLES_AT)}")
            self._session.run(f"insert into {self._there(TABLES_AT)} values (%s, %s)", [position, len(MIGRATIONS)])
            self._log.forget(position)

    def _fetch(self, number: int, version: int) -> None:
        """Put the tables from there in the place of the copy."""
        self._connection.execute(f"drop schema if exists {SCHEMA} cascade")
        state.migrate(self._connection, version)
        self._connection.execute("begin transaction")
        try:
            for table in KEYS:
                name = self._there(f"{STATE_SCHEMA}.{table}")
                for rows in self._session.batches(f"select * from {name}"):
                    self._insert(f"insert into {SCHEMA}.{table} by name select * from given", rows)
            self._stand_at(number)
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise
        state.migrate(self._connection)

    def _replay(self, number: int, changes: Iterable[Change]) -> None:
        self._connection.execute("begin transaction")
        try:
            for change in changes:
                if KEYS[change.table] and not change.is_gone:
                    self._insert(_taken_out(change), change.rows)
                self._insert(_put_in(change) if not change.is_gone else _taken_out(change), change.rows)
            self._stand_at(number)
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise

    def _stage(self, table: str, changes: Sequence[Change]) -> None:
        """Put what has become of the touched rows of a table beside it."""
        columns = self._connection.execute(f"select * from {SCHEMA}.{table} limit 0").to_arrow_table().column_names
        keys = KEYS[table]
        if keys:
            touched = pa.concat_tables([_plain(change.rows).select(keys) for change in changes])
            self._connection.register("touched", touched)
            rows = self._connection.execute(
                f"select * from {SCHEMA}.{table} semi join touched using ({listed(keys)})"
            ).to_arrow_table()
            self._connection.unregister("touched")
            self._make(table, "keys", keys, touched.group_by(list(keys)).aggregate([]))
        elif any(change.is_gone for change in changes):
            # what has no key is taken out whole, and put in as it is now
            rows = self._connection.execute(f"select * from {SCHEMA}.{table}").to_arrow_table()
        else:
            rows = pa.concat_tables([change.rows for change in changes])
        self._make(table, "rows", columns, _plain(rows))

    def _merge(self, table: str, changes: Sequence[Change]) -> None:
        name = self._there(f"{STATE_SCHEMA}.{table}")
        if keys := KEYS[table]:
            same = " and ".join(f"old.{key} = touched.{key}" for key in keys)
            self._session.run(f"delete from {name} as old using {self._beside(table, 'keys')} as touched where {same}")
        elif any(change.is_gone for change in changes):
            self._session.run(f"delete from {name}")
        columns = listed(self._connection.execute(f"select * from {SCHEMA}.{table} limit 0").to_arrow_table().column_names)
        self._session.run(f"insert into {name} ({columns}) select {columns} from {self._beside(table, 'rows')}")

    def _make(self, table: str, what: str, columns: Sequence[str], rows: pa.Table) -> None:
        beside = self._beside(table, what)
        self._session.run(f"create or replace temporary table {beside} ({self._columns(table, columns)})")
        self._session.add(rows, beside.split(".", 1)[1])

    def _columns(self, table: str, only: Sequence[str] | None = None) -> str:
        described = self._connection.execute(f"describe {SCHEMA}.{table}").fetchall()
        return ", ".join(f"{name} {TYPES.get(kind, 'varchar')}" for name, kind, *_ in described if only is None or name in only)

    def _insert(self, statement: str, rows: pa.Table) -> None:
        self._connection.register("given", rows)
        try:
            self._connection.execute(statement)
        finally:
            self._connection.unregister("given")

    def _position(self) -> int | None:
        found = self._connection.execute(f"select number from {POSITION} where account = ?", [self._account]).fetchall()
        return found[0][0] if found else None

    def _stand_at(self, number: int) -> None:
        self._connection.execute(f"delete from {POSITION}")
        self._connection.execute(f"insert into {POSITION} values (?, ?)", [self._account, number])

    def _has_run(self) -> bool:
        return bool(self._connection.execute(f"select count(*) from {SCHEMA}.runs").fetchall()[0][0])

    def _there(self, name: str) -> str:
        return f"{self._session.database}.{name}"

    def _beside(self, table: str, what: str) -> str:
        return self._there(f"{STATE_SCHEMA}.{table}_{what}_arriving")


def _taken_out(change: Change) -> str:
    """The statement that takes the rows `given` out of the copy."""
    same = " and ".join(f"old.{key} is not distinct from given.{key}" for key in KEYS[change.table] or change.rows.column_names)
    return f"delete from {SCHEMA}.{change.table} as old using given where {same}"


def _put_in(change: Change) -> str:
    return f"insert into {SCHEMA}.{change.table} by name select * from given"


def _plain(rows: pa.Table) -> pa.Table:
    """The rows with JSON as text, which is how it is kept there."""
    fields = [field.with_type(pa.string()) if isinstance(field.type, pa.BaseExtensionType) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))
