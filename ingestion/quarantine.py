"""Rows that cannot be taken: each is set aside with its reason, and the rows around it land all the same.

What is kept says where the row stands and what is wrong with it, never what it holds.
"""

import hashlib
import logging
from collections.abc import Iterable
from typing import Any

from ingestion.fields import Fields, fields
from mailhouse.clock import Clock
from mailhouse.errors import FieldDoesNotFit

log = logging.getLogger("mailhouse.ingestion")
QUARANTINE = Fields(
    table="quarantine",
    key=("id",),
    fields=fields(id="text", origin="text", position="integer", reason="text", quarantined_at="timestamp"),
    latest="quarantined_at",
    asked_by_name=True,
)
Row = dict[str, Any]


class Unfit(ValueError):
    """A row that cannot be taken; the text says why, in words that name nobody."""


class Quarantine:
    """The rows of one connection that one landing sets aside; `origin` is a file or table, `position` counts from 1."""

    def __init__(self, connection_id: str, clock: Clock) -> None:
        self._connection_id = connection_id
        self._clock = clock
        self._rows: list[Row] = []
        self._total = 0

    def add(self, origin: str, position: int, reason: str) -> None:
        """Set one row aside; the same row with the same reason is one entry, however often it is read."""
        name = hashlib.sha256(f"{origin}|{position}|{reason}".encode()).hexdigest()[:32]
        at = self._clock.now().isoformat()
        self._rows.append({"id": name, "origin": origin, "position": position, "reason": reason, "quarantined_at": at})
        self._total += 1

    def taken(self) -> list[Row]:
        """What was set aside since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def tell(self, schema: str) -> None:
        """One line in the log when anything was set aside."""
        if self._total:
            log.warning(
                "connection %s: %d rows could not be taken and were set aside; %s.quarantine says where and why",
                self._connection_id,
                self._total,
                schema,
            )

    def fitting(self, target: Fields, placed: Iterable[tuple[int, Row]], origin: str) -> list[Row]:
        """The rows whose values are of the declared types; the others are set aside. `placed`: position and row."""
        page = list(placed)
        rows = [row for _, row in page]
        if not misfits(target, rows):
            return rows
        taken = []
        for position, row in page:
            if reason := misfits(target, [row]):
                self.add(origin, position, reason)
            else:
                taken.append(row)
        return taken


def misfits(target: Fields, rows: list[Row]) -> str:
    """Why these rows do not fit their table, by the first column that does not; '' when they do."""
    try:
        target.to_arrow(rows, connection_id="")
    except FieldDoesNotFit:
        for one in target.fields:
            try:
                Fields(target.table, (one.name,) if one.name in target.key else (), (one,)).to_arrow(rows, connection_id="")
            except FieldDoesNotFit:
                missing = one.name in target.key and all(row.get(one.path) is None for row in rows)
                return f"{one.name} is missing" if missing else f"{one.name} is no {one.type}"
        return "a value does not fit"
    return ""
