"""Events go when they are older than the configuration says; what tells of a refusal stays, and so does everything else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.raw_schemas import create_empty
from mailhouse.retention import retain, rules
from mailhouse.settings import Settings, load_settings
from mailhouse.warehouse import in_memory
from tests.python.keeping.conftest import ROOT
from tests.python.parsed import parsed_project

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
METRICS = {"R": "Received Email", "O": "Opened Email", "B": "Bounced Email", "S": "Marked Email as Spam", "U": "Unsubscribed"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = load_settings(tmp_path_factory.mktemp("parsed"), project=ROOT)
    return dict(parsed_project(settings).read_manifest())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, project=ROOT)


def keep(settings: Settings, connection: str, **days: Any) -> Settings:
    """The settings with a retention for one connection."""
    changed = replace(settings.connections[connection], retention=days)
    return replace(settings, connections={**settings.connections, connection: changed})


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Raw tables with one event of each kind, 100, 300 and 1,000 days old, in klaviyo and in another account of the same."""
    with in_memory(["warehouse"]) as db:
        db.execute("use warehouse")
        create_empty(db, ROOT / "ingestion" / "schemas")
        db.execute("create schema raw_klaviyo_staging")
        for letter, name in METRICS.items():
            db.execute(
                "insert into raw_klaviyo.metrics by name select 'klaviyo' as connection_id, ? as id, ? as name", [letter, name]
            )
            for days in (100, 300, 1000):
                for account in ("klaviyo", "klaviyo_two"):
                    values = [account, f"{letter}{days}", letter, NOW - timedelta(days=days)]
                    db.execute(
                        "insert into raw_klaviyo.events by name"
                        " select ? as connection_id, ? as id, ? as metric_id, cast(? as timestamptz) as occurred_at",
                        values,
                    )
        db.execute("create table raw_klaviyo_staging.events as select * from raw_klaviyo.events")
        db.execute("create schema intermediate")
        united = "select connection_id || id as event_id from raw_klaviyo.events"
        db.execute(f"create view intermediate.int_email_events_united as {united}")
        db.execute("create schema marts")
        db.execute(
            "create table marts.email_events as select connection_id || id as event_id, connection_id,"
            " cast(occurred_at as timestamp) as occurred_at from raw_klaviyo.events"
        )
        yield db


def left(db: duckdb.DuckDBPyConnection, table: str, column: str, account: str) -> set[str]:
    found = db.execute(f"select {column} from {table} where connection_id = ?", [account]).fetchall()
    return {value.removeprefix(account) for (value,) in found}


def test_without_a_word_everything_is_kept(settings: Settings, manifest: dict[str, Any]) -> None:
    assert rules(settings, manifest) == []


def test_old_events_go_and_refusals_stay(
    settings: Settings, manifest: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    wanted = rules(keep(settings, "klaviyo", events=200), manifest)
    every = {f"{letter}{days}" for letter in METRICS for days in (100, 300, 1000)}
    assert retain(warehouse, wanted, NOW) == {"raw_klaviyo.events": 4}
    expected = every - {"R300", "R1000", "O300", "O1000"}
    for table, column in (("raw_klaviyo.events", "id"), ("raw_klaviyo_staging.events", "id"), ("marts.email_events", "event_id")):
        assert left(warehouse, table, column, "klaviyo") == expected, table
        assert left(warehouse, table, column, "klaviyo_two") == every, table
    assert retain(warehouse, wanted, NOW) == {"raw_klaviyo.events": 0}


@pytest.mark.parametrize(
    ("connection", "days", "told"),
    [
        ("klaviyo", {"profiles": 400}, "only of events"),
        ("mailchimp", {"unsubscribes": 400}, "only of email_activity"),
        ("hubspot", {"contacts": 400}, "none of this vendor"),
        ("klaviyo", {"events": 30}, "180 or more"),
        ("klaviyo", {"events": "a year"}, "number of days"),
        ("klaviyo", {"events": True}, "number of days"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    settings: Settings, manifest: dict[str, Any], connection: str, days: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        rules(keep(settings, connection, **days), manifest)


def test_every_condition_is_of_columns_that_are_there(manifest: dict[str, Any]) -> None:
    """Each `meta.retention` is run once on empty tables as they are landed."""
    allowed = [one for one in manifest["sources"].values() if (one["config"].get("meta") or {}).get("retention")]
    assert {one["name"] for one in allowed} == {"events", "email_activity"}
    with in_memory(["warehouse"]) as db:
        db.execute("use warehouse")
        create_empty(db, ROOT / "ingestion" / "schemas")
        for one in allowed:
            said = one["config"]["meta"]["retention"]
            assert said["by"] in one["columns"], json.dumps(said)
            db.execute(f'select "{said["by"]}" from {one["schema"]}.{one["identifier"]} where {said["only"]}').fetchall()
