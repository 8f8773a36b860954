"""A warehouse with raw tables as ingestion lands them, made by hand: the models are tested before any vendor is asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from mailhouse.contact_points import normalise
from mailhouse.raw_schemas import create_empty
from mailhouse.settings import load_settings
from tests.python.models import shop_people
from tests.python.parsed import parsed_project

PROJECT = Path(__file__).resolve().parents[3]
DBT = Path(sys.executable).with_name("dbt")
NOW = "2026-07-01 06:00:00"


class Raw:
    """A work directory with a warehouse of raw tables and the project's manifest, and dbt to build on them."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.path = workdir / "warehouse.duckdb"
        self.load = 1_700_000_000
        parsed_project(load_settings(workdir, project=PROJECT))
        with self.connect() as db:
            create_empty(db, PROJECT / "ingestion" / "schemas")

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def land(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows as one load would, without merging: repeats are what staging must cope with."""
        connection_id = table.split(".")[0].removeprefix("raw_")
        self.load += 1
        ours = {"connection_id": connection_id, "_dlt_load_id": f"{self.load}.5"}
        given = [{**ours, **row} for row in rows]
        columns = {name: [row.get(name) for row in given] for name in dict.fromkeys(name for row in given for name in row)}
        landed = pa.table(columns)
        with self.connect() as db:
            db.register("landed", landed)
            db.execute(f"insert into {table} by name select * from landed")

    def normalise(self) -> None:
        """As the run does it between landing and build."""
        manifest = json.loads((self.workdir / "target" / "manifest.json").read_text(encoding="utf-8"))
        with self.connect() as db:
            normalise(db, manifest)

    def build(self, *arguments: str, **variables: str) -> None:
        """`dbt build` inside this process, without the unit tests; fails with the messages of the nodes that did."""
        project = parsed_project(load_settings(self.workdir, project=PROJECT))
        variables = {"clock_now": NOW, **variables}
        done = project.run(["build", "--exclude-resource-type", "unit_test", *arguments, "--vars", json.dumps(variables)])
        if not done.success:
            pytest.fail("\n".join([str(done.exception), *(f"{run.node.name}: {run.message}" for run in done.result or ())]))

    def dbt(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Plain dbt, no wrapper; fails with what dbt said."""
        # the same variables every time: dbt parses everything anew when they change
        command = [str(DBT), *arguments, "--no-use-colors", "--vars", json.dumps({"clock_now": NOW, **variables})]
        environment = {**os.environ, "MAILHOUSE_WORKDIR": str(self.workdir), "DBT_LOG_PATH": str(self.workdir / "logs")}
        environment.pop("MAILHOUSE_DATABASE", None)
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            pytest.fail(f"dbt {' '.join(arguments)}\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as db:
            return db.execute(query).fetchall()


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    """An empty warehouse: every raw table there, no row in any."""
    return Raw(tmp_path)


@pytest.fixture(scope="session")
def raw_factory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Raw]:
    """Empty warehouses for fixtures that live longer than a test."""

    return lambda name: Raw(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def published(raw_factory: Callable[[str], Raw]) -> Raw:
    """A warehouse with one segment and the customers built, its published copy and manifest, as a run leaves them."""
    made = raw_factory("published")
    shop_people.fill(made)
    made.build("--exclude-resource-type", "test", "--select", "+seg_champions", "+customers")
    shutil.copyfile(made.path, made.workdir / "published.duckdb")
    (made.workdir / "published_target").mkdir()
    shutil.copyfile(made.workdir / "target" / "manifest.json", made.workdir / "published_target" / "manifest.json")
    return made
