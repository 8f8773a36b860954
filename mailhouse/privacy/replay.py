"""Holding a warehouse against the tombstones: after a backup was put back, and before each build.

What is landed here is held against them row by row already; this finds what came another way.
"""

from collections import defaultdict
from collections.abc import Mapping

import duckdb

from mailhouse.consent.inbox import Inbox
from mailhouse.contact_points import wide_of
from mailhouse.privacy import local
from mailhouse.privacy.closure import Closure, tables
from mailhouse.privacy.places import PLACES, SURROGATE, Place, record_name
from mailhouse.privacy.tombstones import EMAIL, RECORD, Known, Tombstones
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

CREATE = """
create schema if not exists raw_privacy;
create table if not exists raw_privacy.erased_values (
    kind varchar not null, value varchar not null, surrogate varchar not null
)
"""


def mark(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Write anew into `raw_privacy.erased_values` which raw values belong to somebody who was erased; how many.

    Staging leaves those out. A value is an address as it stands in raw, or a record as connection/kind/id; whether it has a
    tombstone says its keyed hash. To be called with the warehouse open for writing. Raises StateUnreadable.
    """
    connection.execute(CREATE)
    connection.execute("delete from raw_privacy.erased_values")
    known = Tombstones(settings).read()
    if not known:
        return 0
    present = tables(connection)
    found: set[tuple[str, str, str]] = set()
    for place in PLACES:
        if place.relation in present and not place.where:
            found |= _of_place(connection, place, known)
    if found:
        connection.executemany("insert into raw_privacy.erased_values values (?, ?, ?)", [list(one) for one in sorted(found)])
    return len(found)


def sweep(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Mapping[str, int]:
    """Take everybody who was erased out of the warehouse again; how many rows of each table. Raises StateUnreadable."""
    if not mark(connection, settings):
        return {}
    people: dict[str, tuple[set[str], set[str], set[tuple[str, str, str]]]] = defaultdict(lambda: (set(), set(), set()))
    for kind, value, surrogate in connection.execute("select * from raw_privacy.erased_values").fetchall():
        mailboxes, spellings, records = people[surrogate]
        if kind == EMAIL:
            mailboxes.add(wide_of(value) or value)
            spellings.add(value.strip().lower())
        else:
            source, kind_of_record, identifier = value.split("/", 2)
            records.add((source, kind_of_record, identifier))
    counts: dict[str, int] = defaultdict(int)
    for surrogate, (mailboxes, spellings, records) in people.items():
        closure = Closure(frozenset(mailboxes), frozenset(spellings), frozenset(records))
        for table, rows in local.take_out_of_warehouse(connection, closure, surrogate).items():
            counts[table] += rows
    mark(connection, settings)
    return dict(counts)


def restored(settings: Settings, prepared: Settings) -> None:
    """Take everybody who was erased here out of a state that a backup brings, its bytes included, before anything reads it.

    `settings` has the tombstones, `prepared` the work directory that is not yet in its place. Raises StateUnreadable.
    """
    known = Tombstones(settings).read()
    if not known:
        return
    warehouse = Warehouse(prepared)
    with warehouse.write() as connection:
        sweep(connection, settings)
    warehouse.rewrite()
    inbox = Inbox(prepared.inbox_path)
    if inbox.exists:
        said_by = {wide_of(one.act.address) for one in inbox.acts()} - {None}
        inbox.forget({mailbox for mailbox in said_by if (stone := known.of(EMAIL, mailbox)) and stone.lifted_at is None})


def _of_place(connection: duckdb.DuckDBPyConnection, place: Place, known: Known) -> set[tuple[str, str, str]]:
    found = set()
    for kind, column in place.records.items():
        for source, identifier in _values(connection, place, f'connection_id, cast("{column}" as varchar)', column):
            name = record_name(source, kind, identifier)
            tombstone = known.of(RECORD, name)
            if tombstone and tombstone.lifted_at is None:
                found.add((RECORD, name, tombstone.surrogate))
    columns = [(f'"{column}"', column) for column in place.emails]
    columns += [(f"unnest(string_split(\"{column}\", ';'))", column) for column in place.several]
    for value, column in columns:
        for (address,) in _values(connection, place, value, column):
            wide = wide_of(address)
            tombstone = known.of(EMAIL, wide) if wide else None
            if tombstone and tombstone.lifted_at is None:
                found.add((EMAIL, address, tombstone.surrogate))
    return found


def _values(connection: duckdb.DuckDBPyConnection, place: Place, values: str, column: str) -> list[tuple[str, ...]]:
    """Distinct values of the rows that name somebody; those of an order that has lost its person already do not."""
    names = [f'"{one}" is not null' for one in place.blank]
    names += [f"\"{one}\" not like '{SURROGATE}%'" for one in place.surrogate]
    condition = f'"{column}" is not null' + (f" and ({' or '.join(names)})" if names else "")
    return connection.execute(f"select distinct {values} from {place.relation} where {condition}").fetchall()
