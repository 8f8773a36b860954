"""The rows of one file as dictionaries, in chunks: CSV by its header, JSON lines, Parquet."""

import csv
import io
import zlib
from collections.abc import Iterator
from gzip import BadGzipFile
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as parquet

from ingestion.own_tables.mapping import Entry
from ingestion.quarantine import Quarantine
from ingestion.source import BATCH_ROWS
from ingestion.storage import GZIP, Found, Storage
from mailhouse.errors import ConfigurationError

Row = dict[str, Any]


class FormatUnknown(ConfigurationError):
    """A file's name says of no format that can be read."""


def read(storage: Storage, file: Found, entry: Entry, quarantine: Quarantine) -> Iterator[list[Row]]:
    """The file's rows; a row that cannot be read at all is one without columns. Raises FormatUnknown.

    A file that breaks off keeps what came before; that it did is set aside as its position 0.
    """
    suffix = file.name.removesuffix(GZIP).rpartition(".")[2].lower()
    readers = {"csv": _csv, "tsv": _csv, "jsonl": _lines, "ndjson": _lines, "parquet": _parquet}
    if suffix not in readers:
        raise FormatUnknown(f"tables.yml, {entry.name}: {file.name} is none of {', '.join(readers)}; narrow `table`")
    delimiter = "\t" if suffix == "tsv" else entry.delimiter
    try:
        with storage.opened(file) as content:
            yield from readers[suffix](content, delimiter)
    except (BadGzipFile, EOFError, zlib.error, UnicodeDecodeError, csv.Error, pa.ArrowException):
        quarantine.add(file.name, 0, f"the file is no whole {suffix}")


def _csv(content: Any, delimiter: str) -> Iterator[list[Row]]:
    rows = csv.DictReader(io.TextIOWrapper(content, encoding="utf-8-sig", newline=""), delimiter=delimiter, strict=True)
    plain = ({} if None in row or None in row.values() else _without_blanks(row) for row in rows)
    yield from _chunks(plain)


def _without_blanks(row: Row) -> Row:
    """An empty cell says nothing."""
    return {name.strip(): value if value.strip() else None for name, value in row.items()}


def _lines(content: Any, delimiter: str) -> Iterator[list[Row]]:
    yield from _chunks(_object(line) for line in content if line.strip())


def _object(line: bytes) -> Row:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _parquet(content: Any, delimiter: str) -> Iterator[list[Row]]:
    for batch in parquet.ParquetFile(content).iter_batches(batch_size=BATCH_ROWS):
        yield batch.to_pylist()


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, BATCH_ROWS)):
        yield chunk
