"""What the warehouse holds of one connection: counts, and which ids the vendor no longer has."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from ingestion.fields import Fields, fields
from mailhouse.landing_place import LandingPlace
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


def loaded_rows(place: LandingPlace, schema: str, table: str, load_ids: Iterable[str], connection_id: str | None = None) -> int:
    """Rows of a raw table (of one connection) that the given loads wrote."""
    loads, within = list(load_ids), [] if connection_id is None else [connection_id]
    if not loads:
        return 0
    counted = (
        f"select count(*) from {place.relation(schema, table)} where _dlt_load_id in ({', '.join('?' for _ in loads)})"
        f"{' and connection_id = ?' if within else ''}"
    )
    return int(place.rows(counted, [*loads, *within])[0][0])


class Known:
    """The raw tables of one connection, where they are; `db` is the work directory's warehouse."""

    def __init__(self, db: duckdb.DuckDBPyConnection, place: LandingPlace, connection: Connection) -> None:
        self._db = db
        self._place = place
        self._id = connection.id
        self._schema = f"raw_{connection.vendor}"

    def counts(self) -> dict[str, int]:
        """Rows of this connection in each raw table."""
        tables = sorted(table for table in self._place.tables(self._schema) if not table.startswith("_dlt"))
        return {
            table: self._one(f"select count(*) from {self._name(table)} where connection_id = ?", self._id) for table in tables
        }

    def loaded(self, table: str, load_ids: Iterable[str]) -> int:
        """Rows of this connection that the given loads wrote."""
        return loaded_rows(self._place, self._schema, table, load_ids, self._id)

    def present(self, table: str, parent_column: str | None = None, parent: str = "") -> int:
        """Records of a table (under one parent) that have not been noticed as removed."""
        within = [parent] if parent_column else []
        return self._one(f"select count(*) {self._present(table, parent_column)}", self._id, table, parent, *within)

    def missing(self, table: str, ids: pa.Array, parent_column: str | None = None, parent: str = "") -> list[str]:
        """Ids present here that are not among the vendor's `ids`."""
        with self._place.ids(ids) as vendor_ids:
            found = self._place.rows(
                f"select record.id {self._present(table, parent_column)} and not exists"
                f" (select 1 from {vendor_ids} as theirs where theirs.id = record.id) order by record.id",
                [self._id, table, parent, *([parent] if parent_column else [])],
            )
        return [row[0] for row in found]

    def forget_removal(self, table: str, ids: pa.Array, parent: str = "") -> int:
        """Take back the removal of records that the vendor has again; how many."""
        with self._place.ids(ids) as vendor_ids:
            return self._place.run(
                f"delete from {self._name('removed')} where connection_id = ? and resource = ? and parent_id = ?"
                f" and id in (select id from {vendor_ids})",
                [self._id, table, parent],
            )

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
        within = f" and record.{parent_column} = ?" if parent_column else ""
        return (
            f"from {self._name(table)} as record where record.connection_id = ? and not exists ("
            f"select 1 from {self._name('removed')} as gone where gone.connection_id = record.connection_id"
            f" and gone.resource = ? and gone.parent_id = ? and gone.id = record.id){within}"
        )

    def _name(self, table: str) -> str:
        return self._place.relation(self._schema, table)

    def _one(self, query: str, *values: object) -> int:
        return int(self._place.rows(query, values)[0][0])
