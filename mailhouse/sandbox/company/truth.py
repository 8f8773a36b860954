"""Who is truly who, kept apart from everything the chain may read: for scoring only.

`truth(source, record_id, person_id, customer_ref)` has one row a record that ever existed in the CRM, the shop or Mailchimp,
`klaviyo_truth`, `sendgrid_truth` and `salesforce_truth` the same of Klaviyo's profiles, SendGrid's contacts and Salesforce's
contacts and leads, which came later and would change every figure that is told of the others;
`people` has the latent side of each person, which `advance` needs to go on with them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import duckdb
import pyarrow as pa

from mailhouse.sandbox.company.people import Person

TYPES = {
    str: pa.string(),
    str | None: pa.string(),
    float: pa.float64(),
    bool: pa.bool_(),
}
TIMES = ("seen_from", "first_order_at", "last_order_at")
PEOPLE = pa.schema(
    [
        (one.name, pa.timestamp("us", tz="UTC") if one.name in TIMES else TYPES[one.type])  # type: ignore[index]
        for one in fields(Person)
    ]
)
TRUTH = pa.schema([(name, pa.string()) for name in ("source", "record_id", "person_id", "customer_ref")])
RECORDS, PROFILES, CONTACTS, SALES = "truth", "klaviyo_truth", "sendgrid_truth", "salesforce_truth"
Link = tuple[str, str, str, str | None]


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The truth's file, in one transaction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(path), config={"threads": 1})
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("begin")
        yield connection
        connection.execute("commit")
    finally:
        connection.close()


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """All tables, empty."""
    for table in (RECORDS, PROFILES, CONTACTS, SALES):
        connection.execute(
            f"create or replace table {table} (source varchar not null, record_id varchar not null, "
            "person_id varchar not null, customer_ref varchar, primary key (source, record_id))"
        )
    empty = PEOPLE.empty_table()
    connection.register("no_people", empty)
    connection.execute("create or replace table people as select * from no_people")
    connection.unregister("no_people")


def add_links(connection: duckdb.DuckDBPyConnection, links: Iterable[Link], into: str = RECORDS) -> int:
    """Appends; a record that has a row already keeps it."""
    rows = list(links)
    if not rows:
        return 0
    columns = list(zip(*rows, strict=True))
    table = pa.table([pa.array(column, pa.string()) for column in columns], schema=TRUTH)
    connection.register("new_links", table)
    connection.execute(f"insert or ignore into {into} select * from new_links")
    connection.unregister("new_links")
    return len(rows)


def put_people(connection: duckdb.DuckDBPyConnection, people: Iterable[Person]) -> None:
    """Inserts or replaces by person_id."""
    people = list(people)
    if not people:
        return
    columns = [pa.array([getattr(person, field.name) for person in people], field.type) for field in PEOPLE]
    table = pa.table(columns, schema=PEOPLE)
    connection.register("changed_people", table)
    connection.execute("delete from people where person_id in (select person_id from changed_people)")
    connection.execute("insert into people select * from changed_people")
    connection.unregister("changed_people")


def all_people(connection: duckdb.DuckDBPyConnection) -> list[Person]:
    """In the order in which they came."""
    rows = connection.execute("select * from people order by cast(person_id[2:] as bigint)").to_arrow_table().to_pylist()
    return [Person(**row) for row in rows]


def records_of(connection: duckdb.DuckDBPyConnection, table: str = RECORDS) -> dict[str, list[tuple[str, str]]]:
    """(source, record_id) of each person, also of records that are gone."""
    found: dict[str, list[tuple[str, str]]] = {}
    for person, source, record in connection.execute(
        f"select person_id, source, record_id from {table} order by person_id, source, record_id"
    ).fetchall():
        found.setdefault(person, []).append((source, record))
    return found
