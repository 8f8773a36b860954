"""Whose the website's events are when somebody is erased: by account, by browser while nobody was named there, by address."""

from pathlib import Path

import duckdb
import pytest

from mailhouse.privacy import local
from mailhouse.privacy.closure import resolve
from mailhouse.privacy.places import BY_TABLE
from mailhouse.raw_schemas import create_empty
from tests.python.models.conftest import PROJECT

COLUMNS = ("message_id", "type", "user_id", "anonymous_id", "unnamed_id", "previous_id", "email")
ANN, BOB = "ann@example.org", "bob@example.org"
EVENTS = [
    # Ann looked around at a browser, signed in there, and had another one before
    ("a1", "page", None, "browser-shared", "browser-shared", None, None),
    ("a2", "identify", "account-ann", "browser-shared", None, None, "Ann@Example.org"),
    ("a3", "alias", "account-ann", None, None, "browser-before", None),
    ("a4", "page", None, "browser-before", "browser-before", None, None),
    ("a5", "track", "account-ann", "browser-second", None, None, None),
    ("a6", "page", None, "browser-second", "browser-second", None, None),
    # Bob signs in at the same browser
    ("b1", "identify", "account-bob", "browser-shared", None, None, BOB),
    ("b2", "track", "account-bob", "browser-shared", None, None, None),
    ("b3", "page", None, "browser-bob", "browser-bob", None, None),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    create_empty(connection, PROJECT / "ingestion" / "schemas")
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(
        f"insert into raw_segment.events (connection_id, {', '.join(COLUMNS)}) values ('website', {marks})",
        [list(event) for event in EVENTS],
    )
    return connection


def test_an_erasure_takes_what_is_theirs_and_leaves_who_used_the_same_browser(warehouse, tmp_path):
    closure = resolve(warehouse, tmp_path / "no manifest", ANN)
    assert closure.records_of("website", "user") == ["account-ann", "browser-before"]
    assert closure.records_of("website", "visitor") == ["browser-before", "browser-second", "browser-shared"]
    assert BOB not in closure.mailboxes
    counts = local.take_out_of_warehouse(warehouse, closure, "erased-1")
    assert counts["raw_segment.events"] == 6
    left = warehouse.execute("select message_id from raw_segment.events order by 1").fetchall()
    assert left == [("b1",), ("b2",), ("b3",)]


def test_the_other_one_takes_only_their_own(warehouse, tmp_path):
    closure = resolve(warehouse, tmp_path / "no manifest", BOB)
    local.take_out_of_warehouse(warehouse, closure, "erased-2")
    left = {row[0] for row in warehouse.execute("select message_id from raw_segment.events").fetchall()}
    # what was done at the shared browser while nobody was named there may be theirs, and goes with either of them
    assert left == {"a2", "a3", "a4", "a5", "a6", "b3"}


def test_every_raw_table_of_ones_own_with_people_is_a_place():
    for vendor in ("database", "files"):
        listed = {table for of, table in BY_TABLE if of == vendor}
        assert listed == {"contacts", "orders", "order_lines", "events", "consent_acts", "enrichment", "removed"}
