"""What an account's calls come to: the day's budget, metrics, what is told of them, and the settings of a connection."""

import asyncio
import logging
import sqlite3
import traceback
from datetime import timedelta

import pytest

from mailhouse.clock import FixedClock, SystemClock
from mailhouse.destinations.klaviyo.limits import LIMITS as KLAVIYO
from mailhouse.errors import ConfigurationError, StateUnreadable
from mailhouse.http import (
    CallBudgetSpent,
    HttpClient,
    Limits,
    Quota,
    Traffic,
    limits_of,
    traffic_of,
)
from mailhouse.http.budget import DailyBudget
from mailhouse.http.rates import Bucket
from mailhouse.settings import Connection
from tests.python.sync.traffic import NOW, Server, client, connection, served


# -- the day's budget -------------------------------------------------------------------------------------------------------
def spend(budget: DailyBudget, calls: int, lane="ordinary") -> int:
    """How many of so many calls were let go."""
    for made in range(calls):
        try:
            budget.take(lane)
        except CallBudgetSpent:
            return made
    return calls


def test_above_95_percent_only_withdrawals_and_ingestion_go_on(tmp_path, caplog):
    clock, file = FixedClock(NOW), tmp_path / "calls.db"
    budget = DailyBudget("esp", 200, clock, file)
    with caplog.at_level(logging.WARNING):
        assert spend(budget, 160) == 160
        assert caplog.records == []
        assert spend(budget, 100) == 30
    assert [record.getMessage() for record in caplog.records] == ["esp: 161 of the 200 calls for 2026-05-04 (UTC) are used"]
    with pytest.raises(CallBudgetSpent) as told:
        budget.take("ordinary")
    assert str(told.value) == (
        "esp: 95% of the 200 calls for 2026-05-04 (UTC) are used and the rest is kept for withdrawals and ingestion; run again"
        " tomorrow, or raise settings.limits.calls_per_day"
    )
    assert spend(budget, 20, "withdrawal") == 20
    assert spend(budget, 20, "reading") == 20
    assert budget.used() == 230


def test_the_count_is_of_a_utc_day_and_of_all_processes(tmp_path):
    clock, file = FixedClock(NOW), tmp_path / "calls.db"
    one, another = DailyBudget("esp", 100, clock, file), DailyBudget("esp", 100, clock, file)
    assert spend(one, 50) + spend(another, 100) == 95
    assert DailyBudget("esp", 100, clock, file).used() == 95
    assert spend(DailyBudget("other", 100, clock, file), 90) == 90
    clock.sleep(timedelta(hours=11, minutes=59).total_seconds())
    assert spend(one, 1) == 0
    clock.sleep(60)
    assert spend(one, 1) == 1
    assert another.used() == 1


def test_a_count_that_cannot_be_kept_stops_everybody_but_a_no(tmp_path):
    file = tmp_path / "calls.db"
    file.write_bytes(b"this is no database, and never was one" * 40)
    budget = DailyBudget("esp", 100, FixedClock(NOW), file)
    with pytest.raises(StateUnreadable, match=r"calls\.db"):
        budget.take("ordinary")
    assert spend(budget, 3, "withdrawal") == 3


def test_the_budget_of_a_connection_holds_over_its_clients(tmp_path):
    async def work(server: Server) -> None:
        account, known = connection(server.url, tmp_path, calls_per_day=20), Limits(connections=2)
        for calls in (10, 9):
            async with HttpClient.of(account, known, server.clock, headers={}) as esp:
                for _ in range(calls):
                    await esp.read("/a", "/a")
        with traffic_of(account, known, server.clock).reading():
            pass
        async with HttpClient.of(account, known, server.clock, headers={}) as esp:
            with pytest.raises(CallBudgetSpent):
                await esp.read("/a", "/a")
            assert (await esp.write("POST", "/no", "/no", {}, lane="withdrawal")).status == 200

    assert len(served(work).calls) == 20
    with sqlite3.connect(tmp_path / "calls.db") as kept:
        assert kept.execute("select connection, day, calls from calls").fetchall() == [("esp", "2026-05-04", 21)]


# -- metrics and what is told -----------------------------------------------------------------------------------------------
def test_metrics_tell_calls_bytes_and_waits_by_endpoint():
    async def work(server: Server) -> None:
        server.answers["/things/7"] = [(429, {"Retry-After": "10"}, b"{}"), (200, {}, b'{"ok":1}')]
        async with client(server) as esp:
            await esp.write("POST", "/things/7", "/things/{id}", {"a": 1})
            metric = esp.metrics()["POST /things/{id}"]
            assert dict(metric.statuses) == {"429": 1, "200": 1}
            assert metric.calls == 2
            assert (metric.bytes_sent, metric.bytes_received) == (14, 10)
            assert metric.waits == 1
            assert 10 <= metric.waited <= 11
            assert metric.seconds > 0
            assert esp.calls == {"POST /things/{id} 429": 1, "POST /things/{id} 200": 1}

    served(work)


@pytest.mark.parametrize("trouble", ["timeout", "html", "500", "closed"])
def test_neither_logs_nor_errors_name_anybody(trouble, caplog):
    answers = {"html": (200, {}, b"<html>jane@example.test s3cret</html>"), "500": (500, {}, b"jane@example.test")}

    async def work(server: Server) -> None:
        server.answers["/people"] = [answers.get(trouble, (200, {}, b"{}"))]
        server.gate = asyncio.Event() if trouble == "timeout" else None
        esp = client(server, timeout=0.1, attempts=2)
        if trouble == "closed":
            esp._base = "http://127.0.0.1:9"
        async with esp:
            for ask in (
                lambda: esp.read("/people", "/people", {"filter": "any(email,['jane@example.test'])"}),
                lambda: esp.write("POST", "/people", "/people", {"email": "jane@example.test"}),
            ):
                try:
                    await ask()
                except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
                    told.append("".join(traceback.format_exception(error)))
        if server.gate:
            server.gate.set()

    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        served(work)
    assert len(told) == 2
    # the lines of this file are part of a traceback, and are no message
    said = [line for text in told for line in text.splitlines() if "mailhouse.errors" in line or "mailhouse.http" in line]
    assert said
    for text in (*said, *(record.getMessage() for record in caplog.records if record.name.startswith("mailhouse"))):
        assert "jane" not in text
        assert "s3cret" not in text
    assert not any("ConnectionTimeoutError" in text or "ServerTimeoutError" in text for text in told)


# -- settings ---------------------------------------------------------------------------------------------------------------
def test_a_connection_may_change_any_number_and_the_rates_of_single_endpoints():
    said = {"connections": 4, "calls_per_day": 5000, "endpoints": {"POST /api/lists": {"per_second": 2}}}
    limits = limits_of(Connection("k", "klaviyo", "http://x", {"limits": said}), KLAVIYO)
    assert (limits.connections, limits.calls_per_day, limits.timeout) == (4, 5000, 120.0)
    assert limits.endpoints["POST /api/lists"] == Quota(per_second=2)
    assert limits.endpoints["GET /api/lists"] == KLAVIYO.endpoints["GET /api/lists"]
    off = limits_of(Connection("k", "klaviyo", "http://x", {"limits": {"endpoints": False, "connections": 1}}), KLAVIYO)
    assert off.endpoints == {}
    assert off.reserved_connections == 0


@pytest.mark.parametrize(
    "said",
    [
        7,
        {"speed": 3},
        {"connections": 0},
        {"connections": True},
        {"timeout": "long"},
        {"endpoints": 7},
        {"endpoints": {"lists": {"per_second": 1}}},
        {"endpoints": {"GET /lists": {"per_hour": 1}}},
        {"endpoints": {"GET /lists": {"per_second": -1}}},
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused_by_name(said):
    with pytest.raises(ConfigurationError, match=r"connection k: settings\.limits"):
        limits_of(Connection("k", "klaviyo", "http://x", {"limits": said}), KLAVIYO)


def test_traffic_belongs_to_a_connection_and_to_its_time():
    one, clock = connection("http://127.0.0.1:1"), FixedClock(NOW)
    known = Limits(connections=3)
    assert traffic_of(one, known, clock) is traffic_of(one, known, clock)
    assert traffic_of(one, known, FixedClock(NOW)) is not traffic_of(one, known, clock)
    other = connection("http://127.0.0.1:2")
    assert isinstance(traffic_of(other, known, SystemClock()), Traffic)
    assert traffic_of(other, known, SystemClock()) is traffic_of(other, known, SystemClock())


def test_no_wait_is_shorter_than_the_smallest_step_of_a_clock():
    bucket = Bucket(15.0, 1, 0.0, 0.0)
    bucket.take(0.0)
    assert bucket.wait(0.0, urgent=False) == pytest.approx(1 / 15)
    assert bucket.wait(1 / 15 - 5e-7, urgent=False) == 0.0
