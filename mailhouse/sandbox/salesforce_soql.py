"""SOQL, the part of it that readers use: parsed into a query, refused with Salesforce's own codes."""

import re
from dataclasses import dataclass
from typing import Any

from mailhouse.sandbox.salesforce_objects import SObject, sobject
from mailhouse.sandbox.salesforce_words import Refused
from mailhouse.sandbox.store import stamp

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<mark><=|>=|!=|<>|[=<>(),]))"
)
COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
AGGREGATES = ("COUNT", "MAX", "MIN")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
DATED = ("datetime", "date")


@dataclass(frozen=True)
class Literal:
    """A value and how it was written: string, datetime, date, number, word."""

    kind: str
    value: Any


@dataclass(frozen=True)
class Comparison:
    """One field held against one value, or against several (`in`, `not in`)."""

    field: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Group:
    """Conditions joined by `and` or `or`, or one that is negated by `not`."""

    word: str
    members: tuple["Comparison | Group", ...]


@dataclass(frozen=True)
class Query:
    """One SELECT: `fields` are spelt as Salesforce does; `aggregates` are (function, field, alias)."""

    of: SObject
    fields: tuple[str, ...]
    aggregates: tuple[tuple[str, str, str], ...]
    where: Comparison | Group | None
    order: tuple[tuple[str, bool, bool | None], ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """Raises Refused: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD."""
    return _Parser(text).query()


def malformed(found: str) -> Refused:
    return Refused("MALFORMED_QUERY", f"unexpected token: {found or '<EOF>'}")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._of: SObject | None = None

    # -- words ----------------------------------------------------------------------------------------------------------
    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _has(self, *words: str) -> bool:
        """Takes these words when they come next."""
        coming = [text.upper() for _, text in self._tokens[self._at : self._at + len(words)]]
        if coming != list(words):
            return False
        self._at += len(words)
        return True

    def _need(self, word: str) -> None:
        if not self._has(word):
            raise malformed(self._peek()[1])

    # -- the query ------------------------------------------------------------------------------------------------------
    def query(self) -> Query:
        self._need("SELECT")
        chosen = [self._chosen()]
        while self._has(","):
            chosen.append(self._chosen())
        self._need("FROM")
        self._of = self._object()
        where = self._condition() if self._has("WHERE") else None
        order = self._order() if self._has("ORDER", "BY") else ()
        limit = self._number() if self._has("LIMIT") else None
        offset = self._number() if self._has("OFFSET") else 0
        if self._peek()[0] != "end":
            raise malformed(self._peek()[1])
        fields = tuple(self._field(name) for function, name, _ in chosen if not function)
        aggregates = tuple(
            (function, self._field(name) if name else "", alias or f"expr{place}")
            for place, (function, name, alias) in enumerate(one for one in chosen if one[0])
        )
        if fields and aggregates:
            raise Refused("MALFORMED_QUERY", f"Field must be grouped or aggregated: {fields[0]}")
        return Query(self._of, fields, aggregates, where, order, limit, offset)

    def _chosen(self) -> tuple[str, str, str]:
        """(function, field, alias); '' where there is none."""
        kind, text = self._next()
        if kind != "word":
            raise malformed(text)
        if text.upper() not in AGGREGATES or not self._has("("):
            return "", text, ""
        name = "" if self._peek()[1] == ")" else self._next()[1]
        self._need(")")
        follows = self._peek()
        alias = self._next()[1] if follows[0] == "word" and follows[1].upper() != "FROM" else ""
        return text.upper(), name, alias

    def _object(self) -> SObject:
        kind, text = self._next()
        if kind != "word":
            raise malformed(text)
        found = sobject(text)
        if found is None:
            raise Refused("INVALID_TYPE", f"sObject type '{text}' is not supported.")
        return found

    def _field(self, name: str) -> str:
        assert self._of is not None
        found = self._of.field(name)
        if found is None:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on entity '{self._of.name}'.")
        return found

    def _condition(self) -> Comparison | Group:
        members, joined = [self._term()], ""
        while self._peek()[1].upper() in ("AND", "OR"):
            word = self._next()[1].lower()
            if joined and word != joined:
                # SOQL wants parentheses where both are used
                raise malformed(word)
            joined = word
            members.append(self._term())
        return Group(joined, tuple(members)) if joined else members[0]

    def _term(self) -> Comparison | Group:
        if self._has("NOT"):
            return Group("not", (self._term(),))
        if self._has("("):
            inside = self._condition()
            self._need(")")
            return inside
        kind, text = self._next()
        if kind != "word":
            raise malformed(text)
        name = self._field(text)
        for words in (("NOT", "IN"), ("IN",)):
            if self._has(*words):
                return self._held(name, " ".join(words).lower(), self._several())
        if self._has("LIKE"):
            return self._held(name, "like", (self._literal(),))
        _, operator = self._next()
        if operator not in COMPARISONS:
            raise malformed(operator)
        return self._held(name, "!=" if operator == "<>" else operator, (self._literal(),))

    def _held(self, name: str, operator: str, values: tuple[Literal, ...]) -> Comparison:
        """Raises INVALID_FIELD where a value is not of the field's type."""
        assert self._of is not None
        kind = self._of.all_fields[name]
        for one in values:
            if kind in DATED and one.kind not in (kind, "null"):
                word = "dateTime" if kind == "datetime" else "date"
                said = f"value of filter criterion for field '{name}' must be of type {word} and should not be enclosed in quotes"
                raise Refused("INVALID_FIELD", said)
            if kind == "boolean" and one.kind not in ("boolean", "null"):
                raise Refused("INVALID_FIELD", f"value of filter criterion for field '{name}' must be of type boolean")
        return Comparison(name, operator, values)

    def _several(self) -> tuple[Literal, ...]:
        self._need("(")
        values = [self._literal()]
        while self._has(","):
            values.append(self._literal())
        self._need(")")
        return tuple(values)

    def _literal(self) -> Literal:
        kind, text = self._next()
        if kind == "string":
            return Literal("string", re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1].lower(), found[1]), text[1:-1]))
        if kind == "datetime":
            return Literal("datetime", stamp(text))
        if kind == "date":
            return Literal("date", text)
        if kind == "number":
            return Literal("number", float(text) if "." in text else int(text))
        if text.lower() in ("true", "false"):
            return Literal("boolean", int(text.lower() == "true"))
        if text.lower() == "null":
            return Literal("null", None)
        raise malformed(text)

    def _order(self) -> tuple[tuple[str, bool, bool | None], ...]:
        """(field, descending, nulls last or None for the default)."""
        parts = []
        while True:
            kind, text = self._next()
            if kind != "word":
                raise malformed(text)
            descending = self._has("DESC") or (self._has("ASC") and False)
            nulls = True if self._has("NULLS", "LAST") else False if self._has("NULLS", "FIRST") else None
            parts.append((self._field(text), descending, nulls))
            if not self._has(","):
                return tuple(parts)

    def _number(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise malformed(text)
        return int(text)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Refused("MALFORMED_QUERY", f"line 1:{at} no viable alternative at character '{text[at:].lstrip()[:1]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found
