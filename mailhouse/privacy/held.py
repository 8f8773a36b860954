"""The rows of the warehouse that are a person's, table by table: what an export shows and an erasure touches."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from mailhouse.privacy.closure import is_theirs, tables
from mailhouse.privacy.places import PLACES, Action

# dlt's own tables: loads, versions and cursors, no rows of people; and where it lays down what it is about to merge
DLT, MERGING = "_dlt_", re.compile(r"raw_\w+_staging\.")
CONTACT_POINTS = "raw_contact_points.normalised"
# of a table with orders every row counts for the books; these of its columns may name the person
ORDER_KEY = "order_id"
ORDER_NAMES = ("order_name", "sku", "product_title")


@dataclass(frozen=True)
class Held:
    """The person's rows of one table (`relation`, called `held` in `where`), and what becomes of them.

    `changes` says for an anonymised table what each column is set to, in SQL; `$surrogate` stands for the person.
    """

    relation: str
    where: str
    action: Action = "delete"
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> str:
        """Where the rows come from, for people: a vendor, or what was made of it here."""
        schema = self.relation.split(".")[0]
        return schema.removeprefix("raw_") if schema.startswith("raw_") else "mailhouse"


def held(connection: duckdb.DuckDBPyConnection) -> list[Held]:
    """Every table that may hold rows of the person whose `people` are open, raw ones first."""
    present = tables(connection)
    found = []
    if CONTACT_POINTS in present:
        # first, while the rows are there that say which numbers are meant; what others have as well the next run makes anew
        found.append(Held(CONTACT_POINTS, " or ".join(_normal_forms(present))))
    for place in PLACES:
        if place.relation in present:
            changes = tuple((column, "$surrogate") for column in place.surrogate) + tuple((name, "null") for name in place.blank)
            found.append(Held(place.relation, is_theirs(place), place.action, changes))
    raw = {place.relation for place in PLACES} | {CONTACT_POINTS}
    found += list(_derived(connection, present - raw))
    return found


def merging(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables in which dlt lays down rows of everybody before it merges them; it empties them itself before each load."""
    return sorted(table for table in tables(connection) if MERGING.match(table) and not table.split(".")[1].startswith(DLT))


def _normal_forms(present: set[str]) -> Iterator[str]:
    yield "lower(trim(held.raw_value)) in (select value from temp.person_addresses)"
    for place in PLACES:
        for column in place.phones if place.relation in present else ():
            theirs = is_theirs(place).replace("held.", "person.")
            yield f'held.raw_value in (select person."{column}" from {place.relation} as person where {theirs})'


def _derived(connection: duckdb.DuckDBPyConnection, names: set[str]) -> Iterator[Held]:
    """Models, the sync's state and whatever else there is: rows with a text that is the person's, in whichever column."""
    columns = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and not internal order by all"
    ).fetchall()
    by_table: dict[str, dict[str, str]] = {}
    for table, column, kind in columns:
        if table in names and not table.split(".")[1].startswith(DLT) and not MERGING.match(table):
            by_table.setdefault(table, {})[column] = kind
    for table, kinds in by_table.items():
        tests = [test for column, kind in kinds.items() if (test := _names_them(column, kind))]
        if not tests:
            continue
        where = "(" + " or ".join(tests) + ")"
        if ORDER_KEY in kinds:
            yield Held(table, where, "anonymise", tuple(_without_the_person(kinds)))
        else:
            yield Held(table, where)


def _names_them(column: str, kind: str) -> str:
    """The condition under which a column of this type names the person; '' for types that cannot."""
    values = "(select value from temp.person_values)"
    if kind == "VARCHAR":
        return f'lower(held."{column}") in {values}'
    if kind == "VARCHAR[]":
        lower = f'list_transform(held."{column}", lambda one: lower(one))'
        return f"list_has_any({lower}, (select list(value) from temp.person_values))"
    if kind == "JSON":
        # keys of a document are made of the address
        return (
            f'exists (select 1 from temp.person_values as named where contains(lower(cast(held."{column}" as varchar)),'
            f" '\"' || named.value || '\"'))"
        )
    return ""


def _without_the_person(kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    values = "(select value from temp.person_values)"
    for column, kind in kinds.items():
        if column == "customer_id":
            yield column, "$surrogate"
        elif column in ORDER_NAMES:
            yield column, "null"
        elif kind == "VARCHAR" and column != ORDER_KEY:
            yield column, f'case when lower("{column}") in {values} then $surrogate else "{column}" end'
