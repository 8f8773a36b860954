"""A small company on both engines. `make parity` is the same with a large one, a day that passes, and all unit tests."""

from pathlib import Path

import duckdb
import pytest

from mailhouse.build import Project
from tests.python.parity.compare import LAYERS, LEFT_OUT, compare
from tests.python.parity.days import Day, live_through
from tests.python.parity.server import DATABASE, ROOT, StandIn
from tests.python.parsed import parse_once

CUSTOMERS = 200
# nothing has been sent yet, so there is nothing to tell of it
EMPTY_AT_FIRST = {"sync_health"}


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "parse", parse_once)
        workdir = tmp_path_factory.mktemp("parity")
        (day,) = live_through(workdir, customers=CUSTOMERS, days=0, is_whole=False)
        return day


def test_every_mart_profile_and_segment_is_the_same_row_by_row(first_day: Day) -> None:
    assert first_day.problems == []
    assert {one.model: one.columns for one in first_day.compared if one.differences} == {}


def test_the_engine_plans_and_applies_the_same_from_both(first_day: Day) -> None:
    there = first_day.there
    assert first_day.engine_differences == []
    assert sum(map(len, there.plan.changes.values())) > 100
    assert {call.split()[0] for call in there.calls} == {"hubspot", "klaviyo", "mailchimp", "sendgrid", "salesforce", "shopify"}
    assert all(one.ok for one in there.receipts)


def test_nothing_is_left_out_without_a_reason(first_day: Day) -> None:
    written = {path.stem for layer in LAYERS for path in (ROOT / "models" / layer).rglob("*.sql")}
    compared = {one.model for one in first_day.compared}
    assert written - compared == set(LEFT_OUT) and all(LEFT_OUT.values())
    assert {one.model for one in first_day.compared if not one.rows_here} <= EMPTY_AT_FIRST


def test_a_difference_is_found_and_named(standin: StandIn, tmp_path: Path) -> None:
    made = (
        "select 1 as id, 'a' as name, cast(null as timestamp) as seen_at union all select 2, 'b', cast('2026-01-01' as timestamp)"
    )
    with duckdb.connect(str(tmp_path / "here.duckdb")) as here, standin.session(database=DATABASE) as there:
        here.execute("create schema marts")
        here.execute(f"create table marts.people as {made}")
        cursor = there.cursor()
        cursor.execute(f"create schema if not exists {DATABASE}.marts")
        cursor.execute(f"create table {DATABASE}.marts.people as {made}")
        assert compare(here, there, "marts", "people").differences == 0
        cursor.execute(f"update {DATABASE}.marts.people set name = 'c' where id = 2")
        found = compare(here, there, "marts", "people")
    assert (found.differences, list(found.columns)) == (2, ["name"])
    assert (found.only_here[0][1], found.only_there[0][1]) == ("b", "c")
