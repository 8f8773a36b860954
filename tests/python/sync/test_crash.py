"""A sync that is killed anywhere is finished by the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from mailhouse import sync
from mailhouse.clock import FixedClock
from mailhouse.settings import Connection, Settings
from mailhouse.warehouse import Warehouse
from tests.python.sync.decided import DecidedLook

folder, url, key, now = sys.argv[1:5]
folder = Path(folder)
connection = Connection("mailchimp", "mailchimp", url, {}, {"api_key": "TEST_MAILCHIMP_KEY"}, {"api_key": key})
settings = Settings(folder, folder, {"mailchimp": connection})
with Warehouse(settings).write() as warehouse:
    clock, manifest = FixedClock(datetime.fromisoformat(now)), folder / "target" / "manifest.json"
    context = sync.Context(settings, clock, warehouse, manifest, last_look=DecidedLook)
    result = sync.sync(context, sync.plan(context, approval=sync.Approval("meant", "a test")))
sys.exit(0 if result.ok else 1)
"""


def killed_at(world, point: str) -> None:
    world.manifest()
    key = world.esp.runtime.secrets["mailchimp"]["api_key"]
    world.close()
    arguments = [str(world.folder), f"{world.esp.url}/mailchimp", key, world.clock.now().isoformat()]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=ROOT,
        env={**os.environ, "MAILHOUSE_CRASH_AT": point},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    world.open()
    assert done.returncode == -signal.SIGKILL, done.stderr


def in_step(world, esp, tag: str, people: int) -> None:
    assert world.sync().ok
    assert len(esp.tag(tag)) == people
    assert world.delivered(tag) == esp.tag(tag)
    assert world.count("in_flight") == 0
    assert world.plan().is_empty


@pytest.mark.parametrize("point", ["sync.before_send", "sync.sending", "sync.after_accept", "sync.recorded#2"])
def test_a_sync_killed_among_its_batches_is_finished_by_the_next(world, esp, point):
    world.people(range(1200))
    world.segment("newsletter", range(1200))
    killed_at(world, point)
    in_step(world, esp, "NEWSLETTER", 1200)


def test_who_says_no_after_a_batch_was_taken_and_before_it_was_recorded_is_taken_off(world, esp):
    world.people(range(20))
    world.segment("newsletter", range(20))
    killed_at(world, "sync.after_accept")
    assert len(esp.tag("NEWSLETTER")) == 20
    assert world.delivered("NEWSLETTER") == set()
    for number in range(4):
        world.decide(number, "deny", "withdrawn")
    plan = world.plan()
    assert plan.calls_by()["mailchimp"] == {"write": 1, "join": 0, "leave": 1}
    in_step(world, esp, "NEWSLETTER", 16)


def test_who_comes_back_after_a_removal_was_taken_and_before_it_was_recorded_is_added_again(world, esp):
    world.people(range(20))
    world.segment("newsletter", range(20))
    world.sync()
    world.members("newsletter", range(15))
    killed_at(world, "sync.after_accept")
    assert len(esp.tag("NEWSLETTER")) == 15
    assert len(world.delivered("NEWSLETTER")) == 20
    world.members("newsletter", range(18))
    in_step(world, esp, "NEWSLETTER", 18)


def test_killed_again_during_the_recovery_it_still_ends_in_step(world, esp):
    world.people(range(600))
    world.segment("newsletter", range(600))
    killed_at(world, "sync.after_accept")
    world.members("newsletter", range(100, 600))
    killed_at(world, "sync.after_accept#1")
    in_step(world, esp, "NEWSLETTER", 500)
