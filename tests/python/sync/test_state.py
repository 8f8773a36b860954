"""The sync's own tables: made once, never half, never by an older Mailhouse."""

import duckdb
import pytest

from mailhouse.errors import SyncRefused
from mailhouse.sync import state


@pytest.fixture
def warehouse(tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        yield connection


def tables(connection):
    rows = connection.execute(
        "select table_name from information_schema.tables where table_catalog = 'warehouse' and table_schema = 'reverse_sync'"
    ).fetchall()
    return {name for (name,) in rows}


def test_migrating_twice_makes_the_tables_once(warehouse):
    assert state.migrate(warehouse) == len(state.MIGRATIONS)
    assert state.migrate(warehouse) == len(state.MIGRATIONS)
    assert tables(warehouse) == {*state.TABLES, "schema_version"}
    versions = warehouse.execute("select version from warehouse.reverse_sync.schema_version").fetchall()
    assert versions == [(number + 1,) for number in range(len(state.MIGRATIONS))]


def test_a_migration_that_fails_leaves_nothing_behind(warehouse, monkeypatch):
    state.migrate(warehouse)
    broken = "create table {schema}.half_done (a integer); create table {schema}.runs (b integer);"
    monkeypatch.setattr(state, "MIGRATIONS", (*state.MIGRATIONS, broken))
    with pytest.raises(duckdb.CatalogException):
        state.migrate(warehouse)
    assert "half_done" not in tables(warehouse)
    mended = "create table {schema}.half_done (a integer);"
    monkeypatch.setattr(state, "MIGRATIONS", (*state.MIGRATIONS[:-1], mended))
    assert state.migrate(warehouse) == len(state.MIGRATIONS)
    assert "half_done" in tables(warehouse)


def test_a_state_from_the_future_is_refused(warehouse):
    state.migrate(warehouse)
    warehouse.execute("insert into warehouse.reverse_sync.schema_version values (99, null)")
    with pytest.raises(SyncRefused, match="newer Mailhouse"):
        state.migrate(warehouse)


def test_a_plan_reads_an_empty_state_where_there_is_none(warehouse):
    state.readable(warehouse)
    for table in ("delivered", "in_flight", "attempts"):
        assert warehouse.execute(f"select count(*) from sync_{table}").fetchall() == [(0,)]
    assert tables(warehouse) == set()


def test_every_run_is_written_down(world):
    world.people(range(3))
    world.segment("newsletter", range(3))
    result = world.sync()
    rows = world.warehouse.execute(
        "select run_id, calls_planned, accepted, rejected, outcome, finished_at is not null from reverse_sync.runs"
    ).fetchall()
    assert rows == [(result.run_id, 1, 3, 0, "ok", True)]
    planned = world.warehouse.execute("select cast(planned as varchar) from reverse_sync.runs").fetchall()[0][0]
    assert "@" not in planned
