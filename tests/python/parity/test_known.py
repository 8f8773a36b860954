"""What has landed, asked of both platforms over the same rows: the answers are the same."""

from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa
import pytest

from ingestion.known import Known, loaded_rows
from ingestion.pipelines import LOADS, is_recorded
from mailhouse.build_target import BuildTarget
from mailhouse.embedded_landing import EmbeddedPlace
from mailhouse.landing_place import LandingPlace
from mailhouse.settings import Connection
from mailhouse.snowflake.landing import SnowflakePlace
from mailhouse.snowflake.session import open_session
from tests.python.parity.server import DATABASE, WHO, StandIn

SCHEMA = "raw_shopify"
SHOP = Connection("shop", "shopify", "", {}, {}, {})
TABLES = {
    "orders": "connection_id varchar, id varchar, shop_id varchar, _dlt_load_id varchar",
    "removed": "connection_id varchar, resource varchar, parent_id varchar, id varchar, _dlt_load_id varchar",
    LOADS: "load_id varchar, status bigint",
}
ROWS = {
    "orders": [("shop", f"o{number}", "north" if number < 4 else "south", f"l{number % 2}") for number in range(1, 6)]
    + [("other", "o9", "north", "l1")],
    "removed": [("shop", "orders", "", "o1", "l1"), ("shop", "orders", "north", "o2", "l1"), ("other", "orders", "", "o2", "l1")],
    LOADS: [("l0", 0), ("l1", 0), ("broken", 1)],
}


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(params=["duckdb", "snowflake"])
def place(request: pytest.FixtureRequest, db: duckdb.DuckDBPyConnection) -> Iterator[LandingPlace]:
    if request.param == "duckdb":
        db.execute(f"create schema {SCHEMA}")
        yield filled(EmbeddedPlace(db, None), db.execute)
        return
    standin: StandIn = request.getfixturevalue("standin")
    address = {"host": "127.0.0.1", "port": str(standin.port), "protocol": "http"}
    target = BuildTarget("snowflake", {"type": "snowflake", **WHO, **address, "database": DATABASE, "schema": "marts"})
    with open_session(target) as session:
        session.run(f"drop schema if exists {DATABASE}.{SCHEMA} cascade")
        session.run(f"create schema {DATABASE}.{SCHEMA}")
        yield filled(SnowflakePlace(session, target), session.run)


def filled(place: LandingPlace, run: Callable[[str], object]) -> LandingPlace:
    for table, columns in TABLES.items():
        run(f"create table {place.relation(SCHEMA, table)} ({columns})")
        for row in ROWS[table]:
            assert place.run(f"insert into {place.relation(SCHEMA, table)} values ({', '.join('?' for _ in row)})", row) == 1
    return place


@pytest.fixture
def known(db: duckdb.DuckDBPyConnection, place: LandingPlace) -> Known:
    return Known(db, place, SHOP)


def ids(*names: str) -> pa.Array:
    return pa.array(names, pa.string())


def test_rows_are_counted_for_each_connection_and_load(place: LandingPlace, known: Known) -> None:
    assert known.counts() == {"orders": 5, "removed": 2}
    assert [known.loaded("orders", loads) for loads in (["l1"], ["l0", "l1"], ["l7"], [])] == [3, 5, 0, 0]
    assert loaded_rows(place, SCHEMA, "orders", ["l1"]) == 4


def test_what_has_been_noticed_as_removed_is_neither_present_nor_missing(known: Known) -> None:
    assert (known.present("orders"), known.present("orders", "shop_id", "north")) == (4, 2)
    assert known.missing("orders", ids("o3", "o4", "o7")) == ["o2", "o5"]
    assert known.missing("orders", ids("o3"), "shop_id", "north") == ["o1"]
    assert known.missing("orders", ids()) == ["o2", "o3", "o4", "o5"]


def test_a_removal_is_taken_back_when_the_vendor_has_the_record_again(known: Known) -> None:
    assert known.forget_removal("orders", ids("o3", "o2")) == 0
    assert known.forget_removal("orders", ids("o1", "o2")) == 1
    assert known.present("orders") == 5
    assert known.forget_removal("orders", ids("o2"), "north") == 1
    assert known.counts()["removed"] == 0


def test_a_load_counts_as_done_when_dlt_wrote_down_that_it_is(place: LandingPlace) -> None:
    assert [is_recorded(SCHEMA, place, load) for load in ("l0", "broken", "l7")] == [True, False, False]
    assert not is_recorded("raw_nobody", place, "l0")
    assert place.tables("raw_nobody") == set()
