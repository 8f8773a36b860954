"""`reverse_sync.change_log`: every change of the sync's state, in Snowflake before it is committed here.

An entry holds rows of one table; those of one transaction follow each other, and the last of them says so: what a death leaves
of a transaction without its last entry never happened. Entries have numbers without gaps. Each is added by a `merge` on its
number, which Snowflake lets only one writer do at a time: whoever finds its number taken has been overtaken.
"""

import base64
from collections.abc import Iterator, Sequence
from itertools import groupby

import pyarrow as pa

from mailhouse.errors import LeaseLost
from mailhouse.snowflake.recording import Change
from mailhouse.snowflake.session import STATE_SCHEMA, Session

TABLE = f"{STATE_SCHEMA}.change_log"
# up to which entry the tables of the state have come, and of which version they are
TABLES_AT = f"{STATE_SCHEMA}.tables_at"
LONGEST_ENTRY = 250_000  # characters; a statement may have a million
LONGEST_STATEMENT = 500_000
COLUMNS = ("number", "table_name", "is_gone", "is_last", "changed")


class ChangeLog:
    """The log of one database. Its entries are numbered from 1."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = f"{session.database}.{TABLE}"
        self._tables_at = f"{session.database}.{TABLES_AT}"

    def prepare(self) -> None:
        """Make it where it is not."""
        self._session.run(f"create table if not exists {self._tables_at} (number number(19, 0), state_version number(19, 0))")
        self._session.run(
            f"create table if not exists {self._name}"
            " (number number(19, 0), table_name varchar, is_gone boolean, is_last boolean, changed varchar)"
        )

    def newest(self) -> int:
        """The number of the last entry of the last whole transaction, 0 for none."""
        return int(self._session.rows(f"select coalesce(max(number), 0) from {self._name} where is_last")[0][0])

    def append(self, changes: Sequence[Change], after: int) -> int:
        """Add one transaction after the entry `after`; the number of its last entry. Raises LeaseLost, SnowflakeRefused."""
        entries = [(change.table, change.is_gone, text) for change in changes for text in _texts(change.rows)]
        numbered = [
            (number, table, is_gone, number == after + len(entries), text)
            for number, (table, is_gone, text) in enumerate(entries, start=after + 1)
        ]
        for batch in _statements(numbered):
            marks = ", ".join(["(%s, %s, %s, %s, %s)"] * len(batch))
            given = ", ".join(f"column{place} as {name}" for place, name in enumerate(COLUMNS, start=1))
            # what is in the tables already is no longer in the log: its numbers are taken all the same
            free = f"{after} >= (select coalesce(max(number), 0) from {self._tables_at})"
            added = self._session.run(
                f"merge into {self._name} as kept using (select {given} from values {marks} where {free}) as given"
                " on kept.number = given.number"
                f" when not matched then insert ({', '.join(COLUMNS)}) values ({', '.join(f'given.{name}' for name in COLUMNS)})",
                [value for entry in batch for value in entry],
            )
            if added != len(batch):
                raise LeaseLost(f"{self._name}: another run has written since; this one stops here, and may no longer write")
        return after + len(entries)

    def read(self, after: int) -> Iterator[tuple[int, list[Change]]]:
        """Each whole transaction after that number: its last number, and its changes in order."""
        query = f"select {', '.join(COLUMNS)} from {self._name} where number > %s and number <= %s order by number"
        waiting: list[Change] = []
        for batch in self._session.batches(query, [after, self.newest()]):
            for entry in batch.to_pylist():
                waiting.append(Change(entry["table_name"], entry["is_gone"], _rows(entry["changed"])))
                if entry["is_last"]:
                    yield entry["number"], waiting
                    waiting = []

    def forget_unfinished(self) -> None:
        """Take out what a death left of a transaction."""
        self._session.run(f"delete from {self._name} where number > %s", [self.newest()])

    def forget(self, up_to: int) -> None:
        """Take out what is in the tables themselves."""
        self._session.run(f"delete from {self._name} where number <= %s", [up_to])


def by_table(transactions: Sequence[Sequence[Change]]) -> dict[str, list[Change]]:
    """The changes of each table, in order."""
    ordered = sorted((change for changes in transactions for change in changes), key=lambda change: change.table)
    return {table: list(changes) for table, changes in groupby(ordered, key=lambda change: change.table)}


def _texts(rows: pa.Table) -> Iterator[str]:
    """The rows as text, halved until each part fits an entry."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(rows)
    text = base64.b64encode(sink.getvalue()).decode("ascii")
    if len(text) <= LONGEST_ENTRY or rows.num_rows == 1:
        yield text
        return
    half = rows.num_rows // 2
    yield from _texts(rows.slice(0, half))
    yield from _texts(rows.slice(half))


def _rows(text: str) -> pa.Table:
    return pa.ipc.open_stream(base64.b64decode(text)).read_all()


def _statements(entries: Sequence[tuple]) -> Iterator[list[tuple]]:
    batch: list[tuple] = []
    size = 0
    for entry in entries:
        length = len(entry[-1])
        if batch and size + length > LONGEST_STATEMENT:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
