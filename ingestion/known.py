"""What the warehouse holds of one connection: counts, and which ids the vendor no longer has."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from ingestion.fields import Fields, fields
from mailhouse.settings import Connection

REMOVED = Fields(
    table="removed",
    key=("resource", "parent_id", "id"),
    fields=fields(resource="text", parent_id="text", id="text", noticed_at="timestamp"),
    latest="noticed_at",
    asked_by_name=True,
)
SEARCHES = """
create schema if not exists quality;
create table if not exists quality.removal_searches (connection_id varchar primary key, searched_at timestamptz not null)
"""


class Known:
    """The raw tables of one connection, read over an open connection to the warehouse."""

    def __init__(self, db: duckdb.DuckDBPyConnection, connection: Connection) -> None:
        self._db = db
        self._id = connection.id
        self._schema = f"raw_{connection.vendor}"

    def counts(self) -> dict[str, int]:
        """Rows of this connection in each raw table."""
        return {table: self._one(f"select count(*) from {self._name(table)} where connection_id = ?") for table in self._tables()}

    def loaded(self, table: str, load_ids: Iterable[str]) -> int:
        """Rows of this connection that the given loads wrote."""
        return self._one(
            f"select count(*) from {self._name(table)} where connection_id = ? and list_contains(?, _dlt_load_id)", list(load_ids)
        )

    def present(self, table: str, parent_column: str | None = None, parent: str = "") -> int:
        """Records of a table (under one parent) that have not been noticed as removed."""
        within = [parent] if parent_column else []
        return self._one(f"select count(*) {self._present(table, parent_column)}", table, parent, *within)

    def missing(self, table: str, ids: pa.Array, parent_column: str | None = None, parent: str = "") -> list[str]:
        """Ids present here that are not among the vendor's `ids`."""
        with self._vendor_ids(ids):
            found = self._db.execute(
                f"select record.id {self._present(table, parent_column)} and not exists"
                " (select 1 from vendor_ids where vendor_ids.id = record.id) order by record.id",
                [self._id, table, parent, *([parent] if parent_column else [])],
            ).fetchall()
        return [row[0] for row in found]

    def forget_removal(self, table: str, ids: pa.Array, parent: str = "") -> int:
        """Take back the removal of records that the vendor has again; how many."""
        with self._vendor_ids(ids):
            found = self._db.execute(
                f"delete from {self._name('removed')} where connection_id = ? and resource = ? and parent_id = ?"
                " and id in (select id from vendor_ids) returning id",
                [self._id, table, parent],
            ).fetchall()
        return len(found)

    def removals_searched_at(self) -> datetime | None:
        """When the vendor's ids were last held against ours (UTC), for vendors where that is too dear for every landing."""
        self._db.execute(SEARCHES)
        found = self._db.execute(
            "select epoch_us(searched_at) from quality.removal_searches where connection_id = ?", [self._id]
        ).fetchone()
        return None if found is None else datetime.fromtimestamp(found[0] / 1_000_000, UTC)

    def removals_were_searched(self, at: datetime) -> None:
        """Remember that the vendor's ids have just been held against ours."""
        self._db.execute(SEARCHES)
        self._db.execute("insert or replace into quality.removal_searches values (?, ?)", [self._id, at])

    def _present(self, table: str, parent_column: str | None) -> str:
        within = f' and record."{parent_column}" = ?' if parent_column else ""
        return (
            f"from {self._name(table)} as record where record.connection_id = ? and not exists ("
            f"select 1 from {self._name('removed')} as gone where gone.connection_id = record.connection_id"
            f" and gone.resource = ? and gone.parent_id = ? and gone.id = record.id){within}"
        )

    def _vendor_ids(self, ids: pa.Array) -> "_Registered":
        return _Registered(self._db, pa.table({"id": ids.cast(pa.string())}))

    def _tables(self) -> list[str]:
        found = self._db.execute(
            "select table_name from information_schema.tables where table_catalog = current_database() and table_schema = ?"
            " and table_name not like '\\_dlt%' escape '\\' order by table_name",
            [self._schema],
        ).fetchall()
        return [row[0] for row in found]

    def _name(self, table: str) -> str:
        return f'"{self._schema}"."{table}"'

    def _one(self, sql: str, *values: object) -> int:
        return int(self._db.execute(sql, [self._id, *values]).fetchall()[0][0])


class _Registered:
    """The vendor's ids as a view called `vendor_ids` for the length of a `with`."""

    def __init__(self, db: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
        self._db, self._table = db, table

    def __enter__(self) -> None:
        self._db.register("vendor_ids", self._table)

    def __exit__(self, *_: object) -> None:
        self._db.unregister("vendor_ids")
