"""Tables that are files, CSV, JSON lines or Parquet, in a folder or a bucket."""

from collections.abc import Iterator, Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.files.readers import read
from ingestion.own_tables.mapping import Entry
from ingestion.own_tables.rows import Taking
from ingestion.own_tables.shapes import SHAPES, TABLES
from ingestion.quarantine import QUARANTINE, Quarantine
from ingestion.source import Landing
from ingestion.storage import FilesRead, Storage
from mailhouse.settings import Connection


@dlt.source(name="files")
def files(landing: Landing, storage: Storage, entries: Sequence[Entry]) -> Iterator[DltResource]:
    """The files that tables.yml names of one folder or bucket; one that has been read and has not changed is not read again."""
    quarantine = Quarantine(landing.connection.id, landing.clock)

    def pages() -> Iterator[tuple[Fields, Sequence[dict[str, Any]]]]:
        for entry in entries:
            done = FilesRead(TABLES[0].table, SHAPES[entry.kind], part=entry.name)
            there = storage.found(entry.table)
            unread = done.unread(there)
            if entry.whole and unread:
                # one of several files that are the whole together has changed: all of it is looked at
                unread = there
            taking = Taking(entry, landing, quarantine)
            if unread:
                taking.begin()
            for file in unread:
                position = 1
                for chunk in read(storage, file, entry, quarantine):
                    yield SHAPES[entry.kind], taking.taken(enumerate(chunk, start=position), file.name)
                    position += len(chunk)
                done.finished(file)
        if aside := quarantine.taken():
            yield QUARANTINE, aside
        quarantine.tell("raw_files")

    first, *others = TABLES
    yield landing.resource_of(first, others, pages)


def probe(connection: Connection) -> int:
    """How many files there are; raises what landing would raise."""
    return len(Storage(connection).found("**"))
