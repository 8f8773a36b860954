"""The events of one file: a JSON document a line, or one document; each an event, a list of them, or a batch as it is posted."""

import zlib
from collections.abc import Iterator
from gzip import BadGzipFile
from typing import Any

import orjson

from ingestion.quarantine import Quarantine, Unfit
from ingestion.segment.events import Event, row_of
from ingestion.storage import Found, Storage

MOST_BYTES = 64 * 1024 * 1024  # of a file that is one document, and of a line


class Reading:
    """How the files of one connection are read: `max_event` and `max_batch` are bytes; what is over goes to quarantine."""

    def __init__(self, storage: Storage, quarantine: Quarantine, max_event: int, max_batch: int) -> None:
        self._storage, self._quarantine = storage, quarantine
        self._max_event, self._max_batch = max_event, max_batch

    def rows(self, file: Found) -> Iterator[dict[str, Any]]:
        """The file's events that can be taken, in its order; positions count its events from 1."""
        position = 0
        for document, size in self._documents(file):
            if document is None:
                position += 1
                self._quarantine.add(file.name, position, "no JSON")
                continue
            batch, events = self._events(document)
            if batch is not None and size > self._max_batch:
                position += 1
                self._quarantine.add(file.name, position, f"batch of more than {self._max_batch:,} bytes")
                continue
            for event in events:
                position += 1
                try:
                    yield row_of(event, batch=batch, file=file.name, max_bytes=self._max_event)
                except Unfit as reason:
                    self._quarantine.add(file.name, position, str(reason))

    def _events(self, document: Any) -> tuple[Event | None, list[Any]]:
        if isinstance(document, dict) and isinstance(document.get("batch"), list):
            return document, document["batch"]
        return None, document if isinstance(document, list) else [document]

    def _documents(self, file: Found) -> Iterator[tuple[Any, int]]:
        """Each document with its size in bytes; None for one that is no JSON. A file that breaks off keeps what came before."""
        try:
            with self._storage.opened(file) as content:
                first = content.readline(MOST_BYTES)
                while first and not first.strip():
                    first = content.readline(MOST_BYTES)
                if first and (_parsed(first) is None):
                    # not a document a line: then perhaps all of it is one
                    rest = content.read(MOST_BYTES)
                    whole = _parsed(first + rest)
                    if whole is not None:
                        yield whole, len(first) + len(rest)
                        return
                    lines = [first, *rest.splitlines()]
                    yield from ((_parsed(line), len(line)) for line in lines if line.strip())
                    return
                if first:
                    yield _parsed(first), len(first)
                while line := content.readline(MOST_BYTES):
                    if line.strip():
                        yield _parsed(line), len(line)
        except (BadGzipFile, EOFError, zlib.error):
            self._quarantine.add(file.name, 0, "the file breaks off: it is no whole gzip")


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
