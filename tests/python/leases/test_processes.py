"""Leases between real processes: races at random moments, a holder that is killed, one that wakes up too late."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from mailhouse.clock import FixedClock, SystemClock
from mailhouse.errors import LeaseHeld
from mailhouse.leases import TIME_TO_LIVE, Leases
from mailhouse.sync import state
from mailhouse.sync.fencing import fence

ROOT = Path(__file__).resolve().parents[3]
CONTENDER = Path(__file__).with_name("contender.py")


def contender(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(CONTENDER), *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def sleeping(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the warehouse, and its token."""
    process = contender("sleeper", folder)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def race(folder: Path, seed: int, rounds: int) -> None:
    both = [contender("race", folder, f"{seed}/{number}", rounds) for number in range(2)]
    said = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0], f"seed {seed}"
    taken = [[int(word) for word in words if word != "held"] for words in said]
    assert [len(words) for words in said] == [rounds, rounds]
    assert all(tokens == sorted(tokens) for tokens in taken), f"seed {seed}"
    assert len({*taken[0], *taken[1]}) == len(taken[0]) + len(taken[1]), f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_two_at_once_are_never_both_in(tmp_path, seed):
    race(tmp_path, seed, 10)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 150))
def test_two_at_once_are_never_both_in_fifty_times(tmp_path, seed):
    race(tmp_path, seed, 20)


def test_a_killed_holder_is_taken_over_at_once(tmp_path):
    leases = Leases(tmp_path / "leases.db", SystemClock())
    with sleeping(tmp_path) as (process, token):
        with pytest.raises(LeaseHeld, match=f"process {process.pid}"), leases.hold("warehouse", "mailhouse run"):
            pass
        # killed and not even collected by its parent yet
        process.send_signal(signal.SIGKILL)
        with leases.hold("warehouse", "mailhouse run", wait=60) as lease:
            assert lease.token > token


def test_a_holder_of_another_host_is_taken_over_only_when_its_time_is_up(tmp_path):
    clock = FixedClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
    leases = Leases(tmp_path / "leases.db", clock)
    with leases.hold("warehouse", "far away") as lease:
        with sqlite3.connect(tmp_path / "leases.db") as file:
            file.execute("update leases set host = 'elsewhere pid:[1]', pid = 1 where token = ?", [lease.token])
        clock.sleep(TIME_TO_LIVE.total_seconds() - 1)
        with pytest.raises(LeaseHeld, match=r"\(process 1 on elsewhere, "), leases.hold("warehouse", "mailhouse run"):
            pass
        clock.sleep(1)
        with leases.hold("warehouse", "mailhouse run") as newer:
            assert newer.token > lease.token


def test_a_holder_that_wakes_up_too_late_cannot_write(tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        state.migrate(connection)
        connection.execute("create table written (token bigint)")
    with sleeping(tmp_path) as (process, token):

        def write() -> str:
            process.stdin.write("write\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert write() == "written"
        process.send_signal(signal.SIGSTOP)
        # a minute and more goes by
        later = FixedClock(SystemClock().now() + TIME_TO_LIVE + timedelta(seconds=5))
        with Leases(tmp_path / "leases.db", later).hold("warehouse", "mailhouse run") as lease:
            with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
                connection.begin()
                fence(connection, lease.name, lease.token)
                connection.execute("insert into written values (?)", [lease.token])
                connection.commit()
            process.send_signal(signal.SIGCONT)
            said = write()
            assert said.startswith("warehouse: a later run") and str(token) in said
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        assert connection.execute("select token from written order by 1").fetchall() == [(token,), (lease.token,)]


def test_the_fence_is_part_of_the_transaction(tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        state.migrate(connection)
        connection.begin()
        fence(connection, "warehouse", 7)
        connection.rollback()
        fence(connection, "warehouse", 5)
        fence(connection, "destination:mailchimp", 3)
        assert connection.execute("select * from warehouse.reverse_sync.fencing order by token").fetchall() == [
            ("destination:mailchimp", 3),
            ("warehouse", 5),
        ]
