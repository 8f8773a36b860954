"""A landing that is killed: the next one ends with everything once, whether the work directory survived or not."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.python.ingestion.fake_hubspot import START

# lands the connection and kills itself before the n-th call of a function
KILLED = """
import importlib, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from ingestion.landing import land
from mailhouse.clock import FixedClock
from mailhouse.settings import Connection, Settings
from tests.python.ingestion.fake_hubspot import CONTACTS_ALONE

place, url, target, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
module, owner, name = target.split(":")
holder = getattr(importlib.import_module(module), owner)
real, calls = getattr(holder, name), 0

def deadly(*args, **kwargs):
    global calls
    calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

setattr(holder, name, deadly)
connection = Connection("hubspot", "hubspot", url, CONTACTS_ALONE, {}, {"token": "right"})
connection.secret_names["token"] = "HUBSPOT_TOKEN"
land(Settings(place, place / "work", {"hubspot": connection}), FixedClock(datetime(2026, 6, 2, tzinfo=UTC)))
print("lived")
"""
SQL = "dlt.destinations.impl.duckdb.sql_client:DuckDbSqlClient:execute_query"
COMMIT = "dlt.destinations.impl.duckdb.sql_client:DuckDbSqlClient:commit_transaction"
PACKAGES = "dlt.common.storages.load_package:PackageStorage"
POINTS = {
    "while extracting": ("dlt.extract.extract:Extract:commit_packages", 1),
    "before normalising": ("dlt.pipeline.pipeline:Pipeline:normalize", 1),
    "at an early statement": (SQL, 6),
    "at a later statement": (SQL, 10),
    "before the first commit": (COMMIT, 1),
    "before the second commit": (COMMIT, 2),
    "before the package is marked complete": (f"{PACKAGES}:complete_loading_package", 1),
    "between the mark and the move": ("dlt.common.storages.load_storage:LoadStorage:maybe_remove_completed_jobs", 1),
    "between two copies of a package": ("ingestion.pipelines:shutil:rmtree", 1),
    "at the end of the load": ("ingestion.pipelines:shutil:rmtree", 2),
}


# a lost directory at every point is among the long sweeps; at the points of a load it is here
LOST_HERE = ("at an early statement", "before the second commit", "between the mark and the move")
CASES = [(point, lost) for point in POINTS for lost in (False, True)]


@pytest.mark.parametrize(
    ("point", "lost"),
    [
        pytest.param(
            point,
            lost,
            id=f"{point}-{'lost' if lost else 'kept'}",
            marks=[pytest.mark.torture] if lost and point not in LOST_HERE else [],
        )
        for point, lost in CASES
    ],
)
def test_after_a_kill_everything_is_there_once(portal, hubspot, point, lost):
    hubspot.fill(40)
    assert portal.land()["hubspot"].is_complete
    for number in range(21, 81):
        hubspot.put(number, START + timedelta(days=1, seconds=number), city="Rome")
    target, count = POINTS[point]
    command = [sys.executable, "-c", KILLED, str(portal.path), hubspot.url, target, str(count)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == -9, (ended.stdout[-300:], ended.stderr[-300:])
    if lost:
        shutil.rmtree(portal.settings.pipelines)
    hubspot.put(81, START + timedelta(days=2), city="Rome")
    landed = portal.land()["hubspot"]
    assert landed.error is None
    found = portal.rows("select count(*), count(distinct id), count(*) filter (city = 'Rome') from raw_hubspot.contacts")
    assert found == [(81, 81, 61)]
    unfinished = portal.one(
        "select count(*) from raw_hubspot.contacts where _dlt_load_id not in (select load_id from raw_hubspot._dlt_loads)"
    )
    assert unfinished == 0
    assert not list(portal.settings.pipelines.rglob("*.parquet"))  # no rows of people stay behind
