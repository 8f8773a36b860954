"""Events of the company's website and apps as Segment delivers them: JSON lines or posted batches in a folder or bucket."""

from collections.abc import Iterator, Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.quarantine import QUARANTINE, Quarantine
from ingestion.segment import settings
from ingestion.segment.files import Reading
from ingestion.source import BATCH_ROWS, Landing
from ingestion.storage import FilesRead, Found, Storage
from mailhouse.settings import Connection

TABLES = [settings.EVENTS, QUARANTINE]


@dlt.source(name="segment")
def segment(landing: Landing, storage: Storage) -> Iterator[DltResource]:
    """One source of events; only files that have not been read, or have changed since, are read."""
    own = landing.connection.settings
    quarantine = Quarantine(landing.connection.id, landing.clock)
    reading = Reading(
        storage,
        quarantine,
        int(own.get("max_event_bytes", settings.MAX_EVENT_BYTES)),
        int(own.get("max_batch_bytes", settings.MAX_BATCH_BYTES)),
    )

    def pages() -> Iterator[tuple[Fields, Sequence[dict[str, Any]]]]:
        read = FilesRead(settings.EVENTS.table, settings.EVENTS)
        finished: list[Found] = []
        rows: list[dict[str, Any]] = []
        # many small files make one page: a file counts as read once its last event has been given out
        for file in read.unread(files(storage)):
            for row in reading.rows(file):
                rows.append(row)
                if len(rows) >= BATCH_ROWS:
                    yield settings.EVENTS, rows
                    rows = []
            finished.append(file)
            if not rows:
                _finish(read, finished)
        if rows:
            yield settings.EVENTS, rows
        if aside := quarantine.taken():
            yield QUARANTINE, aside
        _finish(read, finished)
        quarantine.tell("raw_segment")

    yield landing.resource_of(settings.EVENTS, [QUARANTINE], pages)


def files(storage: Storage) -> list[Found]:
    """Every file of the connection that may hold events, by name."""
    return [file for file in storage.found("**") if file.name.lower().endswith(settings.SUFFIXES)]


def probe(connection: Connection) -> int:
    """How many files there are; raises what landing would raise."""
    return len(files(Storage(connection)))


def _finish(read: FilesRead, files: list[Found]) -> None:
    for file in files:
        read.finished(file)
    files.clear()
