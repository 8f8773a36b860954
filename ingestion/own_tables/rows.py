"""A row of somebody's table as rows of our shape, and its identity even when it cannot be taken."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from ingestion.own_tables.mapping import Entry
from ingestion.own_tables.shapes import SHAPES
from ingestion.quarantine import Quarantine, Unfit
from ingestion.segment.events import without_addresses, without_query
from ingestion.source import Landing

Row = dict[str, Any]
# what an enrichment says beside its values
ABOUT = ("id", "origin", "contact_id", "email", "updated_at")
# as people write a yes and a no in tables
GRANTS, WITHDRAWALS = {"grant", "true", "1", "yes", "y", "subscribed"}, {"withdraw", "false", "0", "no", "n", "unsubscribed"}


class Taking:
    """Takes the rows of one entry; what cannot be taken is set aside, and is no deletion."""

    def __init__(self, entry: Entry, landing: Landing, quarantine: Quarantine) -> None:
        self._entry, self._landing, self._quarantine = entry, landing, quarantine

    def taken(self, placed: Iterable[tuple[int, Mapping[str, Any]]], origin: str) -> list[Row]:
        """Our rows; `placed` are positions and rows of theirs, `origin` says to people where they stand."""
        made: list[tuple[int, Row]] = []
        for position, theirs in placed:
            try:
                identifier = self._identifier(theirs)
                if self._entry.whole:
                    self._landing.present(self._entry.kind, self._entry.name, self._ids(identifier))
                made += [(position, ours) for ours in self._of(theirs, identifier)]
            except Unfit as reason:
                self._quarantine.add(origin, position, str(reason))
        return self._quarantine.fitting(SHAPES[self._entry.kind], made, origin)

    def begin(self) -> None:
        """The table is about to be read; one that is read as a whole may hold nothing."""
        if self._entry.whole:
            self._landing.present(self._entry.kind, self._entry.name, [])

    def _identifier(self, theirs: Mapping[str, Any]) -> str:
        parts = [plain(theirs.get(column)) for column in self._entry.key]
        if any(part is None or part == "" for part in parts):
            raise Unfit(f"key {'/'.join(self._entry.key)} is missing")
        return f"{self._entry.name}:{'/'.join(str(part) for part in parts)}"

    def _ids(self, identifier: str) -> list[str]:
        if self._entry.kind != "enrichment":
            return [identifier]
        named = [name for name in {**self._entry.columns, **self._entry.values} if name not in ABOUT]
        return [f"{identifier}:{name}" for name in named]

    def _of(self, theirs: Mapping[str, Any], identifier: str) -> Iterator[Row]:
        entry = self._entry
        ours: Row = {**entry.values}
        for name, column in entry.columns.items():
            if column not in theirs:
                raise Unfit(f"there is no column {column}")
            ours[name] = plain(theirs[column])
        for name, target in entry.points_to.items():
            ours[name] = None if ours.get(name) in (None, "") else f"{target}:{ours[name]}"
        ours |= {"id": identifier, "origin": entry.name}
        if entry.kind == "enrichment":
            yield from _each_value(ours)
            return
        if entry.kind == "consent_acts":
            ours["act"] = _act(ours.get("act"))
        if entry.kind == "events":
            _complete_event(ours)
        for needed in ("ordered_at",) if entry.kind == "orders" else ("occurred_at",) if entry.kind == "events" else ():
            if ours.get(needed) in (None, ""):
                raise Unfit(f"{needed} is missing")
        yield ours


def _complete_event(ours: Row) -> None:
    ours["unnamed_id"] = None if ours.get("contact_id") else ours.get("visitor_id")
    ours["type"] = ours.get("type") or "track"
    if ours["type"] not in ("track", "page", "screen"):
        raise Unfit("type is none of track, page, screen")
    if isinstance(ours.get("properties"), str):
        try:
            ours["properties"] = orjson.loads(ours["properties"])
        except orjson.JSONDecodeError as error:
            raise Unfit("properties is no JSON object") from error
    if ours.get("properties") is not None and not isinstance(ours["properties"], Mapping):
        raise Unfit("properties is no JSON object")
    ours["properties"] = without_addresses(ours.get("properties"))
    for name in ("page_url", "page_path"):
        ours[name] = without_query(ours.get(name))


def _each_value(ours: Row) -> Iterator[Row]:
    """One row for each value that the table knows more of a person."""
    about = {name: ours.pop(name, None) for name in ABOUT}
    for name, value in ours.items():
        text = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        yield {**about, "id": f"{about['id']}:{name}", "name": name, "value": text}


def _act(word: Any) -> str:
    told = str(word).strip().lower()
    if told in GRANTS:
        return "grant"
    if told in WITHDRAWALS:
        return "withdraw"
    raise Unfit("act is neither a yes nor a no")


def plain(value: Any) -> Any:
    """A value of a database or file as JSON would have it; a float of money keeps the four decimals that we keep."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float):
        number = Decimal(repr(value)) if value == value and abs(value) != float("inf") else None
        if number is None:
            return None
        return int(number) if number == number.to_integral_value() else number.quantize(Decimal("0.0001"))
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value() and abs(value) < 10**15:
        return int(value)
    if isinstance(value, bytes | memoryview):
        raise Unfit("a column holds bytes")
    if isinstance(value, str):
        return value.strip()
    return value


def table_rows(table: pa.Table, start: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of an Arrow table with their positions, the first being `start`."""
    yield from enumerate(table.to_pylist(), start=start)
