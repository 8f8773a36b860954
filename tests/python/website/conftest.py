"""The compiled SQL of stitching and sessions on an in-memory DuckDB: many random histories without building a project."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

from tests.python.website.reference import Event

PROJECT = Path(__file__).resolve().parents[3]
MODELS = ("int_web_visitors_named", "web_events", "sessions")
COLUMNS = (
    "source", "event_name", "page_title", "page_url", "page_path", "page_referrer", "campaign_source", "campaign_medium",
    "campaign_name", "properties", "products",
)  # fmt: skip


class Website:
    """Takes events and the customers of accounts, and answers as the models do."""

    def __init__(self, queries: dict[str, str]) -> None:
        self._db = duckdb.connect()
        self._queries = queries
        for schema in ("marts", "intermediate"):
            self._db.execute(f"create schema {schema}")
        self._db.execute("attach ':memory:' as warehouse")
        for schema in ("marts", "intermediate"):
            self._db.execute(f"create schema warehouse.{schema}")

    def build(self, events: list[Event], customer_of: dict[str, str]) -> None:
        """Work the three models out, one on the other."""
        rows = [
            {
                "event_id": event.event_id,
                "record_key": f"s/user/{event.account}" if event.account else f"s/visitor/{event.browser}",
                "visitor_key": f"s/visitor/{event.browser}",
                "visitor_id": event.browser,
                "connection_id": "s",
                "event_type": "page",
                "is_named": event.account is not None,
                "occurred_at": event.at,
                "load_number": 1.0,
                **dict.fromkeys(COLUMNS),
            }
            for event in events
        ]
        people = [{"record_key": f"s/user/{account}", "customer_id": customer} for account, customer in customer_of.items()]
        for name, table in {"int_web_events_united": rows, "int_identities_resolved": people}.items():
            given = pa.Table.from_pylist(table)
            for place, field in enumerate(given.schema):
                if pa.types.is_null(field.type):
                    given = given.set_column(place, field.name, given.column(place).cast(pa.string()))
            self._db.register("given", given)
            self._db.execute(f"create or replace table warehouse.intermediate.{name} as select * from given")
        for model in MODELS:
            schema = "intermediate" if model.startswith("int_") else "marts"
            self._db.execute(f"create or replace table warehouse.{schema}.{model} as {self._queries[model]}")

    def rows(self, query: str) -> list[tuple]:
        return self._db.execute(query).fetchall()


@pytest.fixture(scope="session")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    workdir = tmp_path_factory.mktemp("website")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILHOUSE_WORKDIR", str(workdir))
        patch.setenv("DBT_LOG_PATH", str(workdir / "logs"))
        command = ["compile", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet", "--select", *MODELS]
        result = dbtRunner().invoke([*command, "--vars", json.dumps({"clock_now": "2026-07-01 06:00:00"})])
    assert result.success, result.exception
    compiled = workdir / "target" / "compiled" / "mailhouse" / "models"
    yield Website({path.stem: path.read_text(encoding="utf-8") for path in compiled.rglob("*.sql") if path.stem in MODELS})
