"""`tables.yml`: which table of a connection becomes what, read and checked; each mistake is one line that names its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingestion.own_tables.shapes import NEEDED, ONE_OF, POINTS_TO, SHAPES, mappable
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Settings, read_yaml

FILE = "tables.yml"
KEYS = {"name", "connection", "table", "kind", "key", "cursor", "whole", "columns", "values", "contacts", "orders", "delimiter"}
VENDORS = ("database", "files")
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class MappingMistaken(ConfigurationError):
    """tables.yml has mistakes, told one a line."""


@dataclass(frozen=True)
class Entry:
    """One table: where it is (`table`: a name, or for files a pattern), what tells its rows apart, what becomes of its columns.

    `columns` is our name -> theirs, `values` our name -> the same for every row. With `cursor` only rows with a newer value are
    read. `whole`: what is there is all there is, and a key that is missing is gone. `points_to`: entry that an id belongs to.
    """

    name: str
    connection: str
    table: str
    kind: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    cursor: str | None = None
    whole: bool = False
    points_to: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","

    @property
    def wanted(self) -> tuple[str, ...]:
        """The table's own columns that are read."""
        return tuple(dict.fromkeys([*self.key, *self.columns.values(), *([self.cursor] if self.cursor else [])]))


def entries_of(settings: Settings, connection_id: str) -> list[Entry]:
    """The entries of one connection. Raises MappingMistaken when anything in the file is wrong."""
    return [entry for entry in read_mapping(settings) if entry.connection == connection_id]


def read_mapping(settings: Settings) -> list[Entry]:
    """All entries of the project's tables.yml; none without the file. Raises MappingMistaken with a line for each mistake."""
    path = settings.project / FILE
    if not path.exists():
        return []
    listed = read_yaml(path).get("tables")
    if not isinstance(listed, list):
        raise MappingMistaken(f"{path.name}: `tables:` must be a list; see docs/own-tables.md")
    checked = _Checked(settings, path)
    entries = [entry for number, said in enumerate(listed, start=1) if (entry := checked.entry(said, number))]
    entries = checked.pointing(entries)
    if checked.mistakes:
        raise MappingMistaken("\n".join(checked.mistakes))
    return entries


def _name_of(table: str, *, is_file: bool) -> str:
    """What a table is called where nothing else is said: its own name, of files what stands before the first dot."""
    own = table.split("/")[-1].split(".")[0] if is_file else table.split(".")[-1]
    return re.sub(r"\W+", "_", own.lower()).strip("_")


class _Checked:
    """Collects every mistake, so that one reading tells all of them."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings, self._path = settings, path
        self.mistakes: list[str] = []
        self._said: dict[str, Mapping[str, Any]] = {}

    def entry(self, said: Any, number: int) -> Entry | None:
        place = f"{self._path.name}, table {number}"
        if not isinstance(said, dict):
            return self._wrong(f"{place}: expected keys and values; see docs/own-tables.md")
        before = len(self.mistakes)
        for key in sorted(set(said) - KEYS):
            self._wrong(f"{place}: unknown key `{key}`; known are {', '.join(sorted(KEYS))}")
        kind, connection = said.get("kind"), self._settings.connections.get(str(said.get("connection")))
        if kind not in SHAPES:
            self._wrong(f"{place}: kind `{kind}` is none of {', '.join(SHAPES)}")
        if connection is None or connection.vendor not in VENDORS:
            self._wrong(f"{place}: connection `{said.get('connection')}` is no database or files of connections.yml")
        table = said.get("table")
        if not isinstance(table, str) or not table:
            self._wrong(f"{place}: say the `table`, or for files the pattern of their names")
        name = said.get("name") or _name_of(str(table), is_file=connection is not None and connection.vendor == "files")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            self._wrong(f"{place}: `name` must be lower-case letters, digits and _, beginning with a letter")
        elif name in self._said:
            self._wrong(f"{place}: another table is called `{name}` as well; give one of them a `name`")
        key = said.get("key")
        keys = (key,) if isinstance(key, str) else tuple(key) if isinstance(key, list) else ()
        if not keys or not all(isinstance(one, str) for one in keys):
            self._wrong(f"{place}: say the `key`, the column or columns that tell its rows apart")
        if said.get("cursor") and said.get("whole"):
            self._wrong(f"{place}: `cursor` reads a part and `whole` all of it; say one")
        if said.get("cursor") and connection is not None and connection.vendor == "files":
            self._wrong(f"{place}: files have no `cursor`; a file that was read is not read again")
        columns, values = said.get("columns") or {}, said.get("values") or {}
        if not isinstance(columns, dict) or not isinstance(values, dict) or not columns:
            self._wrong(f"{place}: `columns` says our name: theirs, `values` our name: what holds for every row")
        elif kind in SHAPES:
            self._columns(place, kind, columns, values)
        if len(self.mistakes) > before:
            return None
        self._said[name] = said
        whole = bool(said.get("whole", connection is not None and connection.vendor == "database" and not said.get("cursor")))
        return Entry(
            name=name,
            connection=said["connection"],
            table=table,
            kind=kind,
            key=keys,
            columns={str(ours): str(theirs) for ours, theirs in columns.items()},
            values=values,
            cursor=said.get("cursor"),
            whole=whole,
            delimiter=str(said.get("delimiter", ",")),
        )

    def _columns(self, place: str, kind: str, columns: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        known, given = mappable(kind), {*columns, *values}
        for ours in sorted(given - set(known), key=str):
            if kind != "enrichment":
                self._wrong(f"{place}: {kind} have no column `{ours}`; known are {', '.join(known)}")
            elif not NAME.fullmatch(str(ours)):
                self._wrong(f"{place}: `{ours}` must be lower-case letters, digits and _, beginning with a letter")
        for ours in [one for one in NEEDED[kind] if one not in given]:
            self._wrong(f"{place}: {kind} need `{ours}`, under `columns` or `values`")
        one_of = ONE_OF.get(kind, ())
        if one_of and not given & set(one_of):
            self._wrong(f"{place}: {kind} need {' or '.join(f'`{one}`' for one in one_of)}, or they are nobody's")

    def pointing(self, entries: list[Entry]) -> list[Entry]:
        """The entries with the tables that their ids point to: the one named, else the connection's only one."""
        found = []
        for entry in entries:
            points = {}
            for column, kind in POINTS_TO.items():
                if column not in entry.columns:
                    continue
                named = self._said[entry.name].get(kind)
                there = [one.name for one in entries if one.connection == entry.connection and one.kind == kind]
                if named is not None and named not in there:
                    self._wrong(f"{self._path.name}, {entry.name}: `{kind}: {named}` is no table of {kind} of {entry.connection}")
                elif named is None and len(there) != 1:
                    self._wrong(
                        f"{self._path.name}, {entry.name}: {entry.connection} has {len(there)} tables of {kind};"
                        f" say which one `{column}` is of, `{kind}: NAME`"
                    )
                else:
                    points[column] = named or there[0]
            found.append(
                Entry(
                    **{name: getattr(entry, name) for name in Entry.__dataclass_fields__ if name != "points_to"}, points_to=points
                )
            )
        return found

    def _wrong(self, line: str) -> None:
        self.mistakes.append(line)
