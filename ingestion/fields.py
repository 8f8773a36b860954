"""The declared fields of a resource: a page of the vendor's answer becomes one Arrow table of exactly these columns."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from ingestion.values import ARROW_TYPES, convert, misfit
from mailhouse.errors import ConfigurationError, FieldDoesNotFit

DLT_TYPES: dict[str, dict[str, Any]] = {
    "text": {"data_type": "text"},
    "integer": {"data_type": "bigint"},
    "decimal": {"data_type": "decimal", "precision": 18, "scale": 4},
    "boolean": {"data_type": "bool"},
    "timestamp": {"data_type": "timestamp"},
    "date": {"data_type": "date"},
    "json": {"data_type": "text"},
}
Seen = Callable[[str, set[str]], None]


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name in raw, where the value stands in the vendor's record (dots descend), its type."""

    name: str
    path: str
    type: str

    def __post_init__(self) -> None:
        if self.type not in ARROW_TYPES:
            raise ConfigurationError(f"field {self.name}: unknown type `{self.type}`; known are {', '.join(sorted(ARROW_TYPES))}")


def fields(**columns: str) -> tuple[Field, ...]:
    """`name="type path.in.answer"` (the path may be left out when it is the name) as a tuple of fields."""
    made = []
    for name, said in columns.items():
        kind, _, path = said.partition(" ")
        made.append(Field(name, path or name, kind))
    return tuple(made)


def paths(text: str) -> frozenset[str]:
    """Paths divided by blanks, as a set."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Fields:
    """A resource's table: its fields, its key besides `connection_id`, and the column whose latest value wins a repeat.

    `ignored` are paths that the vendor sends and we leave on purpose; anything else unlisted is reported once, unless the
    fields are `asked_by_name`, so that nothing comes unasked.
    """

    table: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    latest: str | None = None
    ignored: frozenset[str] = frozenset()
    asked_by_name: bool = False

    def with_custom(self, custom: Mapping[str, str], path: Callable[[str], str]) -> "Fields":
        """The same table with the configured custom properties (`{name: type}`) as further columns."""
        taken = {field.name for field in self.fields}
        for name in custom:
            if name in taken:
                raise ConfigurationError(
                    f"custom property `{name}` of {self.table}: this field is landed already; remove it from `custom_properties`"
                )
        added = tuple(Field(name, path(name), kind) for name, kind in custom.items())
        return replace(self, fields=self.fields + added)

    @property
    def primary_key(self) -> tuple[str, ...]:
        return ("connection_id", *self.key)

    @property
    def digest(self) -> str:
        """Changes when a field is listed, dropped, retyped or read from elsewhere: then old rows must be read again."""
        said = "\n".join(sorted(f"{field.name} {field.type} {field.path}" for field in self.fields))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """dlt's hints for the columns: types, the key, and which of two repeats wins."""
        hints: dict[str, dict[str, Any]] = {"connection_id": {"name": "connection_id", "data_type": "text"}}
        for field in self.fields:
            hints[field.name] = {"name": field.name, **DLT_TYPES[field.type]}
        for name, hint in hints.items():
            hint["nullable"] = name not in self.primary_key
        for name in self.primary_key:
            hints[name]["primary_key"] = True
        if self.latest:
            hints[self.latest]["dedup_sort"] = "desc"
        return hints

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every page, key columns not null."""
        columns = [pa.field("connection_id", pa.string(), nullable=False)]
        columns += [pa.field(field.name, ARROW_TYPES[field.type], nullable=field.name not in self.key) for field in self.fields]
        return pa.schema(columns)

    def to_arrow(self, page: Sequence[Mapping[str, Any]], *, connection_id: str, seen: Seen | None = None) -> pa.Table:
        """One page as a table; `seen` is told the unlisted names of the page.

        Raises FieldDoesNotFit naming connection, resource, field and record, never the value.
        """
        if seen is not None and not self.asked_by_name and (unlisted := self.unlisted(page)):
            seen(self.table, unlisted)
        arrays: list[pa.Array] = [pa.repeat(pa.scalar(connection_id), len(page))]
        for field in self.fields:
            arrays.append(self._column(field, page, connection_id))
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def unlisted(self, page: Iterable[Mapping[str, Any]]) -> set[str]:
        """Names the vendor sends that are neither listed nor ignored, at every level that a listed path walks through."""
        listed, containers = self._paths()
        found: set[str] = set()
        level: list[tuple[str, list[Mapping[str, Any]]]] = [("", list(page))]
        while level:
            prefix, records = level.pop()
            for name in set().union(*records):
                path = f"{prefix}{name}"
                if path in self.ignored or path in listed:
                    continue
                if path in containers:
                    level.append((f"{path}.", [inner for r in records if isinstance(inner := r.get(name), Mapping)]))
                else:
                    found.add(path)
        return found

    def _paths(self) -> tuple[set[str], set[str]]:
        listed = {field.path for field in self.fields}
        containers: set[str] = set()
        for path in listed:
            steps = path.split(".")
            containers.update(".".join(steps[:depth]) for depth in range(1, len(steps)))
        return listed, containers

    def _column(self, field: Field, page: Sequence[Mapping[str, Any]], connection_id: str) -> pa.Array:
        values = _take(page, field.path.split("."))
        try:
            array = convert(values, field.type)
        except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            wrong = misfit(values, field.type)
            raise self._does_not_fit(field, page, wrong, connection_id) from (None if wrong is not None else error)
        if field.name in self.key and array.null_count:
            raise self._does_not_fit(field, page, array.is_null().index(True).as_py(), connection_id)
        return array

    def _does_not_fit(
        self, field: Field, page: Sequence[Mapping[str, Any]], index: int | None, connection_id: str
    ) -> FieldDoesNotFit:
        record = "unknown"
        if index is not None:
            by_name = {one.name: one.path.split(".") for one in self.fields}
            ids = [_take(page[index : index + 1], by_name[name])[0] for name in self.key if name != field.name]
            record = "/".join(str(one) for one in ids if isinstance(one, str | int)) or f"number {index + 1} of its page"
        return FieldDoesNotFit(
            f"connection {connection_id}: {self.table}.{field.name} of record {record} is not of the declared type {field.type};"
            " nothing of this source was landed, correct the record at the vendor or declare another type"
        )


def _take(page: Sequence[Mapping[str, Any]], steps: list[str]) -> list[Any]:
    values: list[Any] = list(page)
    for step in steps:
        values = [value.get(step) if isinstance(value, Mapping) else None for value in values]
    return values
