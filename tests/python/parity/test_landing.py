"""A landing into the stand-in, by dlt's own statements; only its stages are lent (stage.py)."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.errors import ProgrammingError

from ingestion.landing import Landed, land
from mailhouse.build_target import build_target
from mailhouse.clock import FixedClock
from mailhouse.errors import SnowflakeRefused
from mailhouse.settings import Connection, Settings
from mailhouse.snowflake.raw import create_empty
from mailhouse.snowflake.session import open_session
from tests.python.ingestion.fake_hubspot import CONTACTS_ALONE, START, FakeHubSpot
from tests.python.parity.server import DATABASE, ROOT, StandIn
from tests.python.parity.stage import lend_stage

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONTACTS = f"{DATABASE}.raw_hubspot.contacts"


@pytest.fixture
def hubspot() -> Iterator[FakeHubSpot]:
    fake = FakeHubSpot()
    yield fake
    fake.close()


class Place:
    """A project whose dbt target is the stand-in, with one connection; nothing else says where it lands."""

    def __init__(self, path: Path, hubspot: FakeHubSpot) -> None:
        shutil.copy(ROOT / "profiles.yml", path)
        (path / "dbt_project.yml").write_text("vars: {custom_properties: {hubspot_contacts: {}}}")
        account = Connection("hubspot", "hubspot", hubspot.url, CONTACTS_ALONE, {"token": "TOKEN"}, {"token": "right"})
        self.settings = Settings(path, path / "work", {"hubspot": account})

    def land(self) -> Landed:
        (landed,) = land(self.settings, FixedClock(NOW))
        return landed


@pytest.fixture
def place(tmp_path: Path, hubspot: FakeHubSpot, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in {**standin.environment, "DBT_TARGET": "snowflake"}.items():
        monkeypatch.setenv(name, value)
    return Place(tmp_path, hubspot)


def test_rows_land_once_change_and_outlive_the_work_directory(
    place: Place, hubspot: FakeHubSpot, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend_stage(monkeypatch)
    hubspot.fill(40)
    first = place.land()
    assert (first.error, first.new, first.changed) == (None, {"contacts": 40}, {"contacts": 0})
    hubspot.put(3, START + timedelta(days=1), city="Rome")
    again = place.land()
    assert (again.error, again.new) == (None, {"contacts": 0})
    assert standin.rows(f"select count(*), count(distinct id), count_if(city = 'Rome') from {CONTACTS}") == [(40, 40, 1)]
    # nobody's rows stay where they were merged from, nor in dlt's directory
    assert standin.rows(f"select count(*) from {DATABASE}.raw_hubspot_staging.contacts") == [(0,)]
    assert not list(place.settings.workdir.rglob("contacts*.parquet"))
    shutil.rmtree(place.settings.workdir)
    hubspot.rows = 0
    hubspot.put(41, START + timedelta(days=2))
    third = place.land()
    assert (third.error, third.new) == (None, {"contacts": 1})
    assert hubspot.rows < 40  # from where it had come to, which Snowflake says


def test_a_load_that_was_refused_says_so_in_one_line_and_is_finished_by_the_next(
    place: Place, hubspot: FakeHubSpot, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend_stage(monkeypatch)
    execute = SnowflakeCursor.execute

    def refusing(cursor: SnowflakeCursor, command: str, *args: object, **more: object) -> SnowflakeCursor | None:
        if command.startswith("DELETE FROM") or '"CONTACTS" (' in command:
            said = "SQL access control error:\nInsufficient privileges to operate on schema 'RAW_HUBSPOT'"
            raise ProgrammingError(said, errno=3001, sqlstate="42501")
        return execute(cursor, command, *args, **more)

    standin.rows(f"drop schema if exists {DATABASE}.raw_hubspot cascade")
    standin.rows(f"drop schema if exists {DATABASE}.raw_hubspot_staging cascade")
    hubspot.fill(5)
    with monkeypatch.context() as patched:
        patched.setattr(SnowflakeCursor, "execute", refusing)
        refused = place.land()
    assert isinstance(refused.error, SnowflakeRefused)
    assert str(refused.error).startswith("the role TRANSFORMER may not do this on the schema RAW_HUBSPOT; run ")
    landed = place.land()
    assert (landed.error, landed.finished_pending) == (None, True)
    assert standin.rows(f"select count(*), count(distinct id) from {CONTACTS}") == [(5, 5)]


def test_tables_that_were_made_empty_before_the_first_landing_are_landed_into(
    place: Place, hubspot: FakeHubSpot, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend_stage(monkeypatch)
    for schema in ("raw_hubspot", "raw_hubspot_staging"):
        standin.rows(f"drop schema if exists {DATABASE}.{schema} cascade")
    with open_session(build_target(place.settings)) as session:
        assert "raw_hubspot.contacts" in create_empty(session, ROOT / "ingestion" / "schemas")
    hubspot.fill(5)
    for new in (5, 0):
        landed = place.land()
        assert (landed.error, landed.new["contacts"]) == (None, new)
    assert standin.rows(f"select count(*), count(distinct id), count(_dlt_load_id) from {CONTACTS}") == [(5, 5, 5)]


def test_where_nobody_gets_in_nothing_is_read(place: Place, hubspot: FakeHubSpot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILHOUSE_DATABASE", "elsewhere")
    hubspot.fill(5)
    refused = place.land().error
    assert isinstance(refused, SnowflakeRefused)
    assert str(refused).startswith("the database elsewhere is not there, or not for the role TRANSFORMER; make it")
    assert hubspot.rows == 0
