"""HubSpot's search: filters, groups and sorts of a request as conditions on the store."""

import re
from datetime import UTC, datetime
from typing import Any

from mailhouse.sandbox.store import stamp

COMPARISONS = {"EQ": "=", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}


class Refused(Exception):
    """Carries the 400 that a search deserves."""


def _column(name: str) -> str:
    if name in ("lastmodifieddate", "hs_lastmodifieddate"):
        return "updated_at"
    if name == "createdate":
        return "created_at"
    if name == "hs_object_id":
        return "num"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Refused(f"property '{name}' does not exist")
    return f"json_extract(body, '$.properties.{name}')"


def _value(column: str, value: Any) -> str | int:
    """Times come as epoch milliseconds or as ISO 8601."""
    if value is None:
        raise Refused("a filter has no value")
    if column == "num":
        return int(value)
    if column not in ("updated_at", "created_at"):
        return str(value)
    text = str(value)
    return stamp(datetime.fromtimestamp(int(text) / 1000, UTC) if text.lstrip("-").isdigit() else text)


def conditions(groups: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """Groups are alternatives, the filters of one group must all hold; at most five groups of six filters."""
    if len(groups) > 5 or any(len(group.get("filters", [])) > 6 for group in groups):
        raise Refused("at most 5 filterGroups of 6 filters")
    alternatives, values = [], []
    for group in groups:
        terms = []
        for item in group.get("filters", []):
            term, more = _condition(item)
            terms.append(term)
            values += more
        alternatives.append("(" + " and ".join(terms or ["1"]) + ")")
    return " or ".join(alternatives) or "1", values


def _condition(item: dict[str, Any]) -> tuple[str, list[Any]]:
    column, operator = _column(item.get("propertyName", "")), item.get("operator")
    if operator in COMPARISONS:
        return f"{column} {COMPARISONS[operator]} ?", [_value(column, item.get("value"))]
    if operator == "BETWEEN":
        return f"{column} between ? and ?", [_value(column, item.get("value")), _value(column, item.get("highValue"))]
    if operator == "IN":
        given = [_value(column, value) for value in item.get("values") or []]
        return f"{column} in ({', '.join('?' * len(given))})", given
    if operator == "HAS_PROPERTY":
        return f"{column} is not null", []
    if operator == "NOT_HAS_PROPERTY":
        return f"{column} is null", []
    raise Refused(f"operator {operator!r} is not supported")


def ordering(sorts: list[Any]) -> str:
    """At most one sort; without one the oldest contact comes first."""
    if len(sorts) > 1:
        raise Refused("only one sort is supported")
    if not sorts:
        return "created_at, num"
    first = sorts[0]
    if isinstance(first, str):
        name, way = first.lstrip("-"), "desc" if first.startswith("-") else "asc"
    else:
        name, way = first.get("propertyName", ""), "desc" if first.get("direction", "ASCENDING") == "DESCENDING" else "asc"
    return f"{_column(name)} {way}, num {way}"
