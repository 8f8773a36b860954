"""Compares a model on DuckDB with the same model on the stand-in, row by row.

Rounding: text, numbers of a fixed scale, dates, times (to the microsecond) and yes or no must be equal exactly; floating point
numbers to SIGNIFICANT digits, because a sum of them depends on the order in which an engine adds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
from snowflake.connector import SnowflakeConnection

from tests.python.parity.server import DATABASE

SIGNIFICANT = 9
LAYERS = ("marts", "profiles", "segments")
# Models that are not compared, and why.
LEFT_OUT: Mapping[str, str] = {}
# Columns that are not, and why.
APART: Mapping[tuple[str, str], str] = {
    ("sync_health", "last_run_id"): "every run of the engine has an id of its own",
}
COLUMNS = """
select column_name from information_schema.columns
where table_catalog = current_database() and table_schema = ? and table_name = ? order by ordinal_position
"""


@dataclass(frozen=True)
class Compared:
    """One model on both engines. `columns` are those whose values differ."""

    model: str
    rows_here: int
    rows_there: int
    only_here: Sequence[tuple[Any, ...]]
    only_there: Sequence[tuple[Any, ...]]
    columns: Sequence[str]

    @property
    def differences(self) -> int:
        """How many rows have no equal on the other side."""
        return len(self.only_here) + len(self.only_there)


def models(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Schema and name of every mart, profile model and segment, in the order of the road."""
    found = [(node["schema"], node["name"]) for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return sorted(((schema, name) for schema, name in found if schema in LAYERS), key=lambda one: (LAYERS.index(one[0]), one[1]))


def compare(here: duckdb.DuckDBPyConnection, there: SnowflakeConnection, schema: str, model: str) -> Compared:
    names = [name for (name,) in here.execute(COLUMNS, [schema, model]).fetchall() if (model, name) not in APART]
    listed = ", ".join(names)
    rows_here = _counted(here.execute(f"select {listed} from {schema}.{model}").fetchall())
    rows_there = _counted(there.cursor().execute(f"select {listed} from {DATABASE}.{schema}.{model}").fetchall())
    only_here, only_there = list((rows_here - rows_there).elements()), list((rows_there - rows_here).elements())
    differing = [name for place, name in enumerate(names) if _column(only_here, place) != _column(only_there, place)]
    return Compared(model, rows_here.total(), rows_there.total(), only_here, only_there, differing)


def _counted(rows: Sequence[Sequence[Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(comparable(value) for value in row) for row in rows)


def _column(rows: Sequence[Sequence[Any]], place: int) -> Counter[Any]:
    return Counter(row[place] for row in rows)


def comparable(value: Any) -> Any:
    """A value in the form in which both engines' must be equal."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT}g}")
    if isinstance(value, int | Decimal):
        return Decimal(value).normalize()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
