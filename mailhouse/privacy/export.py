"""Everything that is held of a person, with where it comes from: one JSON document and one CSV file a table."""

import csv
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import duckdb

from mailhouse.consent.acts import raw_rows
from mailhouse.consent.inbox import Inbox
from mailhouse.contact_points import normalise_email
from mailhouse.platforms import platform_of
from mailhouse.privacy.closure import Closure, people, record_name, resolve
from mailhouse.privacy.held import Held, held
from mailhouse.query import FORMULA_STARTS
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

INBOX = "inbox.db"


@dataclass(frozen=True)
class Part:
    """The person's rows of one table: where they come from, their columns, and what an erasure would do with them."""

    relation: str
    source: str
    on_erasure: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def as_dict(self) -> Mapping[str, Any]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"table": self.relation, "source": self.source, "on_erasure": self.on_erasure, "rows": rows}


@dataclass(frozen=True)
class Export:
    """What is held of one person, as it was at `made_at` (UTC)."""

    closure: Closure
    made_at: datetime
    parts: Sequence[Part]

    @property
    def is_empty(self) -> bool:
        return not self.parts

    def as_json(self) -> str:
        closure = self.closure
        document = {
            "made_at": self.made_at.isoformat(),
            "addresses": sorted(closure.mailboxes),
            "records": sorted(record_name(*record) for record in closure.records),
            "customer_ids": sorted(closure.customers),
            "held": [part.as_dict() for part in self.parts],
        }
        return json.dumps(document, indent=2, default=str, ensure_ascii=False)


def export(settings: Settings, address: str, now: datetime) -> Export:
    """What is held of the person who has the address: by the published copy, and by the inbox as it is now.

    Raises ConfigurationError for what is no address or several people's, WarehouseMissing, ElsewhereKept, StateUnreadable.
    """
    platform_of(settings).require_raw("mailhouse export")
    with Warehouse(settings).read() as connection:
        closure = resolve(connection, settings.published_target / "manifest.json", address)
        with people(connection, closure):
            parts = [part for one in held(connection) if (part := _part(connection, one)).rows]
    if inbox := _of_inbox(settings, closure):
        parts.append(inbox)
    return Export(closure, now, parts)


def write_export(made: Export, folder: Path) -> list[Path]:
    """Write `export.json`, and a CSV for each table; only their owner may read them. Gives back where they are."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = folder / "export.json"
    with _private(document) as out:
        out.write(made.as_json() + "\n")
    written = [document]
    for part in made.parts:
        path = folder / f"{re.sub('[^a-z0-9_]+', '_', part.relation.lower())}.csv"
        with _private(path) as out:
            writer = csv.writer(out)
            writer.writerow(["source", *part.columns])
            writer.writerows([[part.source, *(_cell(value) for value in row)] for row in part.rows])
        written.append(path)
    return written


def _part(connection: duckdb.DuckDBPyConnection, one: Held) -> Part:
    answer = connection.execute(f"select held.* from {one.relation} as held where {one.where} order by all")
    columns = [column[0] for column in answer.description or ()]
    return Part(one.relation, one.source, one.action, columns, answer.fetchall())


def _of_inbox(settings: Settings, closure: Closure) -> Part | None:
    """What the inbox has taken; acts that have landed are in the warehouse as well."""
    inbox = Inbox(settings.inbox_path)
    if not inbox.exists:
        return None
    acts = [one for one in inbox.acts() if normalise_email(one.act.address).wide in closure.mailboxes]
    table = raw_rows(acts)
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return Part(INBOX, "inbox", "delete", table.column_names, rows) if rows else None


def _cell(value: Any) -> Any:
    """As it is; text that a spreadsheet would run as a formula is disarmed."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _private(path: Path) -> TextIO:
    """The file, empty, which only its owner may read from the first byte on."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
