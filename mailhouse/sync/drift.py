"""Drift has an author. The APIs name none, so what was seen there decides.

A row acknowledged, once read back as such and later different is the marketer's: it is left alone and shown. One never seen in a
read-back is ours: what is delivered is corrected, and the next plan sends it again. A record that the ESP itself no longer
mails is the vendor's doing, and comes into the ledger with the next landing.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from mailhouse.destinations import Record, Rules, Settled
from mailhouse.sync.journal import Journal
from mailhouse.sync.state import SCHEMA


@dataclass(frozen=True, slots=True)
class Document:
    """One row of `delivered`: what was acknowledged of a record, and what of that was seen there afterwards."""

    memberships: frozenset[str]
    seen: frozenset[str]
    fields: Mapping[str, Any]
    fields_seen: bool


@dataclass(frozen=True)
class Known:
    """Everything delivered, by (destination, container) and document key."""

    documents: Mapping[tuple[str, str], Mapping[str, Document]]

    def of(self, destination: str, container: str) -> Mapping[str, Document]:
        """The documents of one container."""
        return self.documents.get((destination, container), {})

    def members(self, destination: str, container: str, membership: str) -> dict[str, Document]:
        """The documents that are delivered into one membership."""
        return {key: doc for key, doc in self.of(destination, container).items() if membership in doc.memberships}


class Compared(Protocol):
    """What a receipt says of one membership, as far as it is written down here."""

    destination: str
    container: str
    membership: str
    ours: tuple[str, ...]


class ReadBack(Protocol):
    """What was read of one destination."""

    rules: Rules | None
    settled: Mapping[tuple[str, str, str], Settled]
    records: Mapping[str, Mapping[str, Record]]


def known(connection: duckdb.DuckDBPyConnection) -> Known:
    """What is delivered now."""
    rows = connection.execute(
        "select destination, container, document_key, cast(memberships as varchar), cast(seen as varchar),"
        f" cast(fields as varchar), fields_seen from {SCHEMA}.delivered"
    ).fetchall()
    documents: dict[tuple[str, str], dict[str, Document]] = defaultdict(dict)
    for destination, container, key, memberships, seen, fields, fields_seen in rows:
        documents[destination, container][key] = Document(
            frozenset(json.loads(memberships)), frozenset(json.loads(seen or "[]")), json.loads(fields), bool(fields_seen)
        )
    return Known(documents)


def authors(
    membership: str,
    members: Mapping[str, Document],
    actual: frozenset[str],
    records: Mapping[str, Record] | None,
    rules: Rules | None,
) -> dict[str, set[str]]:
    """Kind of difference -> keys, of one membership's delivered members: `ours`, `vendor`, `removed_there`, `changed_there`.

    records: the container's records where they were read, None where nobody needed them.
    """
    found: dict[str, set[str]] = {"ours": set(), "vendor": set(), "removed_there": set(), "changed_there": set()}
    for key, document in members.items():
        record = records.get(key) if records is not None else None
        if key in actual:
            if record is not None and rules and document.fields_seen and not _same(document, record, rules):
                found["changed_there"].add(key)
            continue
        if record is not None and rules and record.status not in rules.mailable:
            found["vendor"].add(key)
        else:
            found["removed_there" if membership in document.seen else "ours"].add(key)
    return found


def write_down(journal: Journal, delivered: Known, found: ReadBack, compared: Iterable[Compared]) -> None:
    """Keep what was seen, and take back what turned out not to be there although it was acknowledged."""
    seen: list[tuple[str, str, str, str]] = []
    lost: list[tuple[str, str, str, str]] = []
    for one in compared:
        place = (one.destination, one.container, one.membership)
        actual = found.settled[place].keys
        seen += [
            (*place, key)
            for key, document in delivered.members(*place).items()
            if key in actual and one.membership not in document.seen
        ]
        lost += [(*place, key) for key in one.ours]
    fields: list[tuple[str, str, str, bool]] = []
    if found.rules:
        destinations = {destination for destination, *_ in found.settled}
        for destination in destinations:
            for container, records in found.records.items():
                for key, document in delivered.of(destination, container).items():
                    if key in records and not document.fields_seen:
                        fields.append((destination, container, key, _same(document, records[key], found.rules)))
    journal.read_back(_table(("destination", "container", "membership", "document_key"), seen), _fields(fields))
    journal.lost(_table(("destination", "container", "membership", "document_key"), lost))


def _same(document: Document, record: Record, rules: Rules) -> bool:
    theirs = json.loads(record.fields)
    return all(rules.keeps(value, theirs.get(name)) for name, value in document.fields.items())


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table({name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)})


def _fields(rows: list[tuple[str, str, str, bool]]) -> pa.Table:
    table = _table(("destination", "container", "document_key"), [row[:3] for row in rows])
    return table.append_column("is_same", pa.array([row[3] for row in rows], pa.bool_()))
