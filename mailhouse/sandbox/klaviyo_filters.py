"""Klaviyo's filter language, such as `and(equals(email,"a@b.example"),greater-than(updated,2026-01-01T00:00:00Z))`, as SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailhouse.sandbox.klaviyo_words import Refused, invalid
from mailhouse.sandbox.store import stamp

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<mark>[(),\[\]])|(?P<word>[^\s"'(),\[\]]+))""",
)
COMPARISONS = {"greater-than": ">", "greater-or-equal": ">=", "less-than": "<", "less-or-equal": "<=", "equals": "="}


@dataclass(frozen=True, slots=True)
class Field:
    """What an endpoint can filter by: a SQL expression over `object`, the kind of its value, the operators it knows."""

    sql: str
    kind: str  # text | email | time | number | bool
    operators: tuple[str, ...]


def where_of(text: str | None, fields: Mapping[str, Field]) -> tuple[str, list[Any]]:
    """The condition and its values; `true` without a filter. Raises Refused for what the endpoint does not know."""
    if not text:
        return "true", []
    return _Reader(text, fields).all()


class _Reader:
    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise _bad(f"it cannot be read from character {at + 1}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.at = 0

    def all(self) -> tuple[str, list[Any]]:
        """Conditions side by side must all hold, as within `and(...)`."""
        conditions = [self._condition()]
        while self._taken(","):
            conditions.append(self._condition())
        if self.at < len(self.tokens):
            raise _bad(f"'{self.tokens[self.at][1]}' was not expected")
        return _all_of(conditions)

    def _condition(self) -> tuple[str, list[Any]]:
        operator = self._word()
        self._expect("(")
        if operator == "and":
            conditions = [self._condition()]
            while self._taken(","):
                conditions.append(self._condition())
            self._expect(")")
            return _all_of(conditions)
        name = self._word()
        field = self.fields.get(name)
        if field is None or operator not in field.operators:
            raise _bad(f"'{operator}' on '{name}' is not supported")
        self._expect(",")
        if operator == "any":
            values = self._list(field)
            self._expect(")")
            return f"{field.sql} in ({', '.join('?' * len(values))})", values
        value = self._value(field)
        self._expect(")")
        return f"{field.sql} {COMPARISONS[operator]} ?", [value]

    def _list(self, field: Field) -> list[Any]:
        self._expect("[")
        values = [self._value(field)]
        while self._taken(","):
            values.append(self._value(field))
        self._expect("]")
        return values

    def _value(self, field: Field) -> Any:
        kind, text = self._next()
        if kind == "mark":
            raise _bad(f"'{text}' stands where a value was expected")
        if field.kind in ("text", "email"):
            if kind != "text":
                raise _bad(f"{text} is text and must stand in quotation marks")
            value = re.sub(r"\\(.)", r"\1", text[1:-1])
            return value.strip().lower() if field.kind == "email" else value
        if field.kind == "bool":
            return int(text == "true")
        try:
            return int(text) if field.kind == "number" else stamp(text.strip("\"'").replace(" ", "+"))
        except ValueError:
            raise _bad(f"{text} is not a {field.kind}") from None

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise _bad("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise _bad(f"'{text}' stands where a name was expected")
        return text

    def _taken(self, mark: str) -> bool:
        there = self.at < len(self.tokens) and self.tokens[self.at] == ("mark", mark)
        self.at += there
        return there

    def _expect(self, mark: str) -> None:
        if not self._taken(mark):
            raise _bad(f"'{mark}' is missing")


def _all_of(conditions: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    return " and ".join(f"({sql})" for sql, _ in conditions), [value for _, values in conditions for value in values]


def _bad(why: str) -> Refused:
    return invalid("filter", f"Invalid filter: {why}.")
