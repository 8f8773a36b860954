"""An erasure that is killed anywhere goes on where it stopped, and ends as one that was not."""

import json
import os
import signal
import subprocess
import sys

import pytest

from mailhouse.audit import verify
from tests.python.privacy.conftest import House, moved
from tests.python.withdrawals.conftest import ROOT

CHILD = """
import json, sys
from datetime import datetime
from pathlib import Path
from mailhouse.clock import VendorClock
from mailhouse.leases import WAREHOUSE, Leases
from mailhouse.privacy.erase import erase
from mailhouse.settings import Connection, Settings

project, workdir, address, now, connections = sys.argv[1:6]
settings = Settings(Path(project), Path(workdir), {one["id"]: Connection(**one) for one in json.loads(connections)})
clock = VendorClock(lambda: datetime.fromisoformat(now))
with Leases(settings.leases_path, clock).hold(WAREHOUSE, doing="a test") as lease:
    erase(settings, address, clock, lease, actor="a test")
"""
STEPS = ("tombstones", "warehouse", "inbox", "files", "rewrite", "publish")
POINTS = (
    "erase.resolved",
    *(f"erase.vendor#{number}" for number in (1, 2, 3, 4)),
    *(f"erase.{step}{kept}" for step in STEPS for kept in ("", ".kept")),
    "erase.rewrite.swap",
    "erase.audit",
    "erase.forgotten",
)
FEW = ("erase.vendor#3", "erase.rewrite.swap")


def killed_at(house: House, point: str) -> None:
    connections = [
        {"id": one.id, "vendor": one.vendor, "url": one.url, "settings": dict(one.settings)}
        | {"secret_names": dict(one.secret_names), "sandbox_secrets": dict(one.sandbox_secrets)}
        for one in house.settings.connections.values()
    ]
    # the child waits in real time
    house.vendors.runtime.ticks.let_go()
    paths = [str(ROOT), str(house.settings.workdir), house.canary.address, house.clock.now().isoformat()]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *paths, json.dumps(connections)],
        cwd=ROOT,
        env={**os.environ, "MAILHOUSE_CRASH_AT": point},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("point", [point if point in FEW else pytest.param(point, marks=pytest.mark.torture) for point in POINTS])
def test_a_killed_erasure_goes_on_where_it_stopped(landed, tmp_path, point):
    here = moved(landed, tmp_path / "work")
    killed_at(here, point)
    receipt = here.erase()
    assert receipt.ok
    assert here.files_with(*here.canary.texts) == []
    store = here.vendors.store
    here.vendors.runtime.settle()
    assert store.get("hubspot.contact", "1") is None and store.get("klaviyo.profile", here.canary.profile_id) is None
    # what the first attempt did counts in the receipt, and the trail tells of one erasure
    assert receipt.rows.get("raw_hubspot.contacts") == 1 or point == "erase.warehouse"
    entries = [entry for entry in here.trail.entries() if entry.reference == receipt.erasure_id]
    assert [entry.action for entry in entries] == ["erasure"]
    assert verify(here.trail).ok
    assert here.rows("select count(*) from raw_hubspot.contacts") == [(1,)]
