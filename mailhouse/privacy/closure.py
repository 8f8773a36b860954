"""Who a person is to us: every record, every address old and new, every id. Export and erasure both go by this."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb

from mailhouse.contact_points import normalise_email
from mailhouse.errors import ConfigurationError
from mailhouse.privacy.places import PLACES, Place, bare_id, record_name
from mailhouse.privacy.tombstones import EMAIL, RECORD
from mailhouse.sync.consent import exists
from mailhouse.sync.manifest import read_manifest

UNLIKE_ANY = 20  # characters of an id that no other text happens to have
Record = tuple[str, str, str]  # connection, kind of record, the vendor's own id


@dataclass(frozen=True)
class Closure:
    """One person: mailboxes (wide form), their spellings in lower case as sources have them, records and customer ids.

    `record_keys` are the records as the models call them. Personal data: never to be logged.
    """

    mailboxes: frozenset[str] = field(default=frozenset(), repr=False)
    spellings: frozenset[str] = field(default=frozenset(), repr=False)
    records: frozenset[Record] = field(default=frozenset(), repr=False)
    record_keys: frozenset[str] = field(default=frozenset(), repr=False)
    customers: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def identifiers(self) -> list[tuple[str, str]]:
        """Kind and value of everything by which the person could come back."""
        found = [(EMAIL, mailbox) for mailbox in self.mailboxes]
        return sorted(found + [(RECORD, record_name(*record)) for record in self.records])

    @property
    def size(self) -> int:
        return len(self.mailboxes) + len(self.records) + len(self.customers)

    def records_of(self, connection_id: str, kind: str) -> list[str]:
        """The vendor's ids of one kind of record at one connection."""
        return sorted(identifier for connection, one, identifier in self.records if (connection, one) == (connection_id, kind))

    def as_json(self) -> str:
        return json.dumps({name: sorted(values) for name, values in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> "Closure":
        values = json.loads(text)
        values["records"] = [tuple(record) for record in values["records"]]
        return cls(**{name: frozenset(given) for name, given in values.items()})


def mailbox_of(address: str) -> str:
    """The wide form of an address. Raises ConfigurationError for what is none."""
    mailbox = normalise_email(address).wide
    if mailbox is None or "@" not in mailbox:
        raise ConfigurationError("that is no e-mail address; say it as somebody@example.org")
    return mailbox


def resolve(connection: duckdb.DuckDBPyConnection, manifest: Path, address: str) -> Closure:
    """Everything that is the person of this address, by the models as built and by what has landed since.

    Raises ConfigurationError for what is no address, and for an address that several people share: whose it is nobody can
    say from here.
    """
    mailbox = mailbox_of(address)
    closure = Closure(frozenset({mailbox}), frozenset({mailbox}))
    shared: frozenset[str] = frozenset()
    if models := _models(connection, manifest):
        shared = _shared(connection, models[0])
        closure = _from_models(connection, *models, mailbox)
    present = tables(connection)
    while True:
        spelt = replace(closure, spellings=closure.spellings | _spellings(connection, closure.mailboxes))
        found = spelt
        with people(connection, spelt):
            for place in PLACES:
                if place.relation in present:
                    found = _with_rows(connection, place, found, shared)
        if found == closure:
            return closure
        closure = found


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of the warehouse, as schema.table."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database() and not temporary"
    ).fetchall()
    return {name for (name,) in rows}


@contextmanager
def people(connection: duckdb.DuckDBPyConnection, closure: Closure) -> Iterator[None]:
    """The closure as temporary tables for the length of a `with`: person_addresses, person_records, person_values."""
    addresses = closure.mailboxes | closure.spellings
    # ids that are unlike any other text; a plain number is somebody's only together with its table
    ids = {identifier for _, _, identifier in closure.records if not identifier.isdigit() and len(identifier) >= UNLIKE_ANY}
    values = addresses | closure.customers | closure.record_keys | ids
    values |= {record_name(*record) for record in closure.records}
    filled: dict[str, list[list[str]]] = {
        "person_addresses (value varchar)": [[value] for value in addresses],
        "person_records (connection_id varchar, kind varchar, id varchar)": [list(one) for one in closure.records],
        "person_values (value varchar)": [[value] for value in {value.lower() for value in values}],
    }
    try:
        for table, rows in filled.items():
            connection.execute(f"create or replace temp table {table}")
            if rows:
                name, marks = table.split()[0], ", ".join("?" * len(rows[0]))
                connection.executemany(f"insert into temp.{name} values ({marks})", rows)
        yield
    finally:
        for table in filled:
            connection.execute(f"drop table if exists temp.{table.split()[0]}")


def is_theirs(place: Place) -> str:
    """The condition under which a row of a raw table is the person's, by the temporary tables of `people`."""
    alternatives = []
    for kind, column in place.records.items():
        alternatives.append(
            f"exists (select 1 from temp.person_records as known where known.connection_id = held.connection_id"
            f" and known.kind = '{kind}' and known.id = cast(held.\"{column}\" as varchar))"
        )
    for column in place.emails:
        alternatives.append(f'lower(trim(held."{column}")) in (select value from temp.person_addresses)')
    for column in place.several:
        parts = f"list_transform(string_split(coalesce(held.\"{column}\", ''), ';'), lambda part: lower(trim(part)))"
        alternatives.append(f"list_has_any({parts}, (select list(value) from temp.person_addresses))")
    condition = "(" + " or ".join(alternatives) + ")"
    return f"{place.where} and {condition}" if place.where else condition


def _with_rows(connection: duckdb.DuckDBPyConnection, place: Place, closure: Closure, shared: frozenset[str]) -> Closure:
    """The closure with what the person's rows of one table name: their records, and their addresses unless others share them."""
    kinds = [*place.records.items(), *place.named]
    ids = ", ".join(f'cast(held."{column}" as varchar)' for _, column in kinds)
    # the address on an order may be whoever paid for it; that of a person's own record is theirs
    addresses = (
        [f'held."{column}"' for column in (*place.emails, *place.several)]
        if place.kind not in ("order", "own_order", "act")
        else []
    )
    merged = f'held."{place.merged}"' if place.merged else "null"
    rows = connection.execute(
        f"select distinct held.connection_id, [{ids}], [{', '.join(addresses)}]::varchar[], {merged}"
        f" from {place.relation} as held where {is_theirs(place)}"
    ).fetchall()
    records, mailboxes = set(closure.records), set(closure.mailboxes)
    for connection_id, identifiers, texts, others in rows:
        records |= {(connection_id, kind, one) for (kind, _), one in zip(kinds, identifiers, strict=True) if one}
        records |= {(connection_id, place.kind, one) for one in _parts(others)}
        mailboxes |= {wide for text in texts for one in _parts(text) if (wide := normalise_email(one).wide)} - shared
    return replace(closure, records=frozenset(records), mailboxes=frozenset(mailboxes))


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _spellings(connection: duckdb.DuckDBPyConnection, mailboxes: Iterable[str]) -> frozenset[str]:
    if "raw_contact_points.normalised" not in tables(connection):
        return frozenset(mailboxes)
    rows = connection.execute(
        "select distinct lower(trim(raw_value)) from raw_contact_points.normalised"
        " where kind = 'email' and list_contains(?, wide)",
        [sorted(mailboxes)],
    ).fetchall()
    return frozenset(mailboxes) | {value for (value,) in rows}


def _models(connection: duckdb.DuckDBPyConnection, manifest: Path) -> tuple[str, str] | None:
    """Where the models keep the mailboxes and the records of each customer; None before the first build."""
    if not manifest.exists():
        return None
    models = read_manifest(manifest)
    held, records = models.relation("int_customer_mailboxes_collected"), models.relation("customer_records")
    if held is None or records is None or not exists(connection, held) or not exists(connection, records):
        return None
    return held.sql, records.sql


def _shared(connection: duckdb.DuckDBPyConnection, held: str) -> frozenset[str]:
    """The mailboxes of several customers: none of them is one person's to take along."""
    rows = connection.execute(f"select mailbox from {held} group by mailbox having count(distinct customer_id) > 1").fetchall()
    return frozenset(mailbox for (mailbox,) in rows)


def _from_models(connection: duckdb.DuckDBPyConnection, held: str, records: str, mailbox: str) -> Closure:
    """The customer who has the mailbox, with all of their records and mailboxes."""
    start = Closure(frozenset({mailbox}), frozenset({mailbox}))
    customers = {row[0] for row in connection.execute(f"select customer_id from {held} where mailbox = ?", [mailbox]).fetchall()}
    if len(customers) > 1:
        raise ConfigurationError(
            f"{len(customers)} customers share that address, so it does not say who is meant; `mailhouse explain` names them,"
            " and an address that is one person's alone will do"
        )
    if not customers:
        return start
    (customer,) = customers
    own = connection.execute(f"select mailbox from {held} where customer_id = ?", [customer]).fetchall()
    known = connection.execute(
        f"select connection_id, record_type, record_id, record_key from {records} where customer_id = ?", [customer]
    ).fetchall()
    return Closure(
        mailboxes=start.mailboxes | ({wide for (wide,) in own if wide} - _shared(connection, held)),
        spellings=start.spellings,
        records=frozenset((one, kind, bare_id(kind, identifier)) for one, kind, identifier, _ in known),
        record_keys=frozenset(key for *_, key in known),
        customers=frozenset(customers),
    )
