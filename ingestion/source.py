"""What every dlt source here shares: the connection being landed, and resources that turn pages into merged Arrow tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.unlisted import Unlisted
from mailhouse.clock import Clock
from mailhouse.privacy.arrivals import Arrivals
from mailhouse.settings import Connection

PACKAGE_ROWS = 100_000  # rows that are loaded in one piece: what a merge needs in memory grows with them, not with the table
BATCH_ROWS = 5_000  # records turned into Arrow at once: large enough to be cheap, small enough to stay in memory
Record = Mapping[str, Any]

# types are ours and never guessed: a column may be added, none may change its type
CONTRACT = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


@dataclass
class Landing:
    """One connection being landed: where it is read, by which clock, since when, and what it sent that nobody listed.

    `arrivals` drops people who were erased. `whole` are the ids of each table, and part of it, that was read as a whole.
    """

    connection: Connection
    clock: Clock
    progress: Callable[[str, int], None] | None = None
    arrivals: Arrivals | None = None
    unlisted: Unlisted = field(init=False)
    read: dict[str, int] = field(init=False, default_factory=dict)
    whole: dict[tuple[str, str], list[str]] = field(init=False, default_factory=dict)
    _readings: dict[str, Iterator[Any]] = field(init=False, default_factory=dict)
    _in_package: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.unlisted = Unlisted(self.connection.id)

    def begin_package(self) -> None:
        """What is read from here on goes into another package; each reading goes on where the last package ended."""
        self._in_package = 0

    @property
    def package_is_full(self) -> bool:
        """Whether the last package took as much as one may, so that there may be more to read."""
        return self._in_package >= PACKAGE_ROWS

    def present(self, table: str, part: str, ids: Iterable[str]) -> None:
        """These rows are there, of a table (or a part of it) that is being read as a whole."""
        self.whole.setdefault((table, part), []).extend(ids)

    def lag(self, default: int) -> int:
        """Seconds re-read before each cursor; a connection may say otherwise under `settings: {lag_seconds: …}`."""
        return int(self.connection.settings.get("lag_seconds", default))

    def now(self) -> datetime:
        return self.clock.now()

    def resource(self, fields: Fields, pages: Callable[[], Iterable[Sequence[Record]]]) -> DltResource:
        """A resource of one table, merged on its key; the table exists after the first landing even without rows."""

        def tables() -> Iterator[Any]:
            yield from (empty for _, empty in self._empty_once([fields]))
            for page in pages():
                yield self._table(fields, page)

        return dlt.resource(self._in_pieces(fields.table, tables), name=fields.table, **_hints(fields))

    def resource_of(
        self, main: Fields, others: Sequence[Fields], pages: Callable[[], Iterable[tuple[Fields, Sequence[Record]]]]
    ) -> DltResource:
        """A resource whose pages go to several tables (`main` and `others`), each merged on its own key."""

        def tables() -> Iterator[Any]:
            for fields, empty in self._empty_once([main, *others]):
                yield _marked(fields, empty)
            for fields, page in pages():
                yield _marked(fields, self._table(fields, page))

        # no columns here: dlt takes the resource's own hints as the beginning of each table's
        return dlt.resource(self._in_pieces(main.table, tables), name=main.table, write_disposition="merge")

    def _in_pieces(self, name: str, tables: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
        def piece() -> Iterator[Any]:
            if name not in self._readings:
                self._readings[name] = tables()
            while not self.package_is_full:
                try:
                    yield next(self._readings[name])
                except StopIteration:
                    return

        return piece

    def _table(self, fields: Fields, page: Sequence[Record]) -> Any:
        table = fields.to_arrow(page, connection_id=self.connection.id, seen=self.unlisted)
        if self.arrivals is not None:
            # before a package on the disk holds them
            table = self.arrivals.kept(self.connection.vendor, fields.table, table)
        self.read[fields.table] = self.read.get(fields.table, 0) + len(page)
        self._in_package += len(page)
        if self.progress is not None:
            self.progress(fields.table, self.read[fields.table])
        return table

    def _empty_once(self, several: Sequence[Fields]) -> Iterator[tuple[Fields, Any]]:
        known: dict[str, str] = dlt.current.source_state().setdefault("materialised", {})
        for fields in several:
            if known.get(fields.table) != fields.digest:
                known[fields.table] = fields.digest
                yield fields, fields.to_arrow([], connection_id=self.connection.id)


def batches(pages: Iterable[Iterable[Record]], rows: int = BATCH_ROWS) -> Iterator[list[Record]]:
    """The same records in pages of `rows`, so that a vendor's page of 100 does not become a table of 100."""
    batch: list[Record] = []
    for page in pages:
        batch.extend(page)
        if len(batch) >= rows:
            yield batch
            batch = []
    if batch:
        yield batch


def _hints(fields: Fields) -> dict[str, Any]:
    return {
        "table_name": fields.table,
        "write_disposition": "merge",
        "primary_key": fields.primary_key,
        "columns": fields.columns,
        "schema_contract": CONTRACT,
        "file_format": "parquet",
    }


def _marked(fields: Fields, table: Any) -> Any:
    return dlt.mark.with_hints(table, dlt.mark.make_hints(**_hints(fields)), create_table_variant=True)
