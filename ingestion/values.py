"""Vendors' JSON values as Arrow columns of a declared type: whole columns at once, one by one only to find a culprit."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import pyarrow as pa

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 4),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "json": pa.string(),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS = re.compile(r"-?\d{9,15}")
WORDS = {"true": True, "false": False}


def convert(values: Sequence[Any], kind: str) -> pa.Array:
    """The column of `kind`; null and, for all but text, the empty string mean null.

    Raises ValueError, TypeError, OverflowError or an Arrow error when one value does not fit.
    """
    if kind == "timestamp" and (fast := _timestamps_at_once(values)) is not None:
        return fast
    if kind == "text" and all(value is None or type(value) is str for value in values):
        return pa.array(values, pa.string())
    one = CONVERTERS[kind]
    return pa.array([None if value is None else one(value) for value in values], ARROW_TYPES[kind])


def misfit(values: Sequence[Any], kind: str) -> int | None:
    """The place of the first value that is not of `kind`, or None when each alone fits."""
    for index, value in enumerate(values):
        try:
            convert([value], kind)
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            return index
    return None


def _timestamps_at_once(values: Sequence[Any]) -> pa.Array | None:
    """All values as Arrow reads ISO 8601 with a zone, or None when one is written otherwise."""
    if not all(value is None or type(value) is str for value in values):
        return None
    try:
        return pa.array([value or None for value in values], pa.string()).cast(ARROW_TYPES["timestamp"])
    except (pa.ArrowException, UnicodeEncodeError):
        return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise TypeError("not a text")


def _integer(value: Any) -> int | None:
    if value == "":
        return None
    if isinstance(value, bool):
        raise TypeError("not an integer")
    if isinstance(value, int):
        return value
    number = _number(value)
    if number is None or number != number.to_integral_value():
        raise ValueError("not an integer")
    return int(number)


def _decimal(value: Any) -> Decimal | None:
    number = _number(value)
    if number is None:
        return None
    quantised = number.quantize(Decimal("0.0001"))
    if quantised != number:
        raise ValueError("more than four decimals")
    return quantised


def _number(value: Any) -> Decimal | None:
    if value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError("not a number")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError("not a number of this world")
    return number


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if value == "":
        return None
    if isinstance(value, str) and value.lower() in WORDS:
        return WORDS[value.lower()]
    raise ValueError("neither true nor false")


def _timestamp(value: Any) -> datetime | None:
    if value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return EPOCH + timedelta(milliseconds=value)
    if not isinstance(value, str):
        raise TypeError("not a time")
    if MILLISECONDS.fullmatch(value):
        return EPOCH + timedelta(milliseconds=int(value))
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _date(value: Any) -> date | None:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    moment = _timestamp(value)
    return None if moment is None else moment.date()


def _json(value: Any) -> str:
    return orjson.dumps(value, default=_plain_number).decode()


def _plain_number(value: Any) -> Any:
    """A decimal as the JSON number it was, or as text when a float cannot hold it."""
    if isinstance(value, Decimal):
        as_float = float(value)
        return as_float if Decimal(str(as_float)) == value else str(value)
    raise TypeError("not JSON")


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
    "json": _json,
}
