"""What calls to one account share: rates, connections, pauses the vendor asks for, the breaker."""

import asyncio
import math
import threading

import pytest

from ingestion.client import VendorSession
from ingestion.pace import Rate
from mailhouse.clock import FixedClock, SystemClock
from mailhouse.destinations.klaviyo.limits import LIMITS as KLAVIYO
from mailhouse.destinations.mailchimp.wire import LIMITS as MAILCHIMP
from mailhouse.errors import VendorUnreachable
from mailhouse.http import (
    HttpClient,
    Limits,
    OutcomeUnknown,
    Quota,
    pause,
    traffic_of,
    waiting,
)
from mailhouse.http.rates import Window, reserved
from mailhouse.settings import Connection
from tests.python.sync.traffic import NOW, Server, client, connection, served, settled


# -- waiting ----------------------------------------------------------------------------------------------------------------
def test_simulated_time_passes_once_for_all_who_wait_side_by_side():
    clock = FixedClock(NOW)
    woken: list[tuple[int, float]] = []

    async def sleeper(number: int, seconds: float) -> None:
        await pause(clock, seconds)
        woken.append((number, clock.elapsed()))
        await pause(clock, seconds)
        woken.append((number, clock.elapsed()))

    async def run() -> None:
        await asyncio.gather(*(sleeper(number, number + 1.0) for number in range(4)))

    asyncio.run(run())
    assert clock.elapsed() == 8.0
    assert woken == [(0, 1.0), (1, 2.0), (0, 2.0), (2, 3.0), (3, 4.0), (1, 4.0), (2, 6.0), (3, 8.0)]


def test_simulated_time_stands_still_while_a_call_is_on_its_way():
    async def work(server: Server) -> None:
        server.gate = asyncio.Event()
        async with client(server) as esp:
            asked = asyncio.create_task(esp.read("/a", "/a"))
            waiting = asyncio.create_task(pause(server.clock, 30))
            await asyncio.sleep(0.1)
            assert server.clock.elapsed() == 0
            server.gate.set()
            await asked
            await waiting
            assert server.clock.elapsed() == 30

    served(work)


def test_a_call_that_hangs_does_not_hold_up_simulated_time_for_ever(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)

    async def work(server: Server) -> None:
        server.gate = asyncio.Event()
        async with client(server) as esp:
            asked = asyncio.create_task(esp.read("/a", "/a"))
            await settled(server, 1)
            await pause(server.clock, 30)
            assert not asked.done()
            server.gate.set()
            await asked

    assert served(work).clock.elapsed() == 30


def test_a_pause_on_the_machines_clock_ends_in_its_order_and_can_be_given_up():
    clock = SystemClock()
    ended: list[str] = []

    async def after(name: str, seconds: float) -> None:
        await pause(clock, seconds)
        ended.append(name)

    async def run() -> None:
        forever = asyncio.create_task(after("never", 3600))
        late = asyncio.create_task(after("late", 0.06))
        await asyncio.sleep(0)
        await after("soon", 0.01)
        await late
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever

    asyncio.run(run())
    assert ended == ["soon", "late"]


def test_a_call_counts_until_its_window_is_over_after_the_answer_because_nobody_knows_when_the_vendor_counts_it():
    window = Window(3, 60.0, share=0.05)
    assert window.wait(0.0, urgent=False) == 0
    window.take(0.0)
    window.take(0.0)
    # one of three is kept for withdrawals, and when the others end nobody knows yet
    assert window.wait(0.0, urgent=False) == math.inf
    assert window.wait(0.0, urgent=True) == 0
    window.answered(100.0)
    window.answered(130.0)
    assert window.wait(130.0, urgent=False) == pytest.approx(30.0, abs=0.01)
    assert window.wait(160.01, urgent=False) == 0
    window.take(160.01)
    assert window.wait(160.01, urgent=False) == pytest.approx(30.0, abs=0.01)


@pytest.mark.parametrize(("most", "kept"), [(1, 0), (2, 1), (3, 1), (15, 1), (60, 3), (150, 8), (750, 38), (3500, 175)])
def test_a_share_of_every_rate_that_allows_more_than_one_call_is_kept_for_withdrawals(most, kept):
    assert reserved(most, 0.05) == kept
    assert reserved(most, 0.0) == 0


def test_the_machines_clock_keeps_to_a_rate_as_well():
    async def work(server: Server) -> None:
        async with client(server, endpoints={"GET /a": Quota(per_second=4)}) as esp:
            await asyncio.gather(*(esp.read("/a", "/a") for _ in range(6)))

    times = served(work, SystemClock()).times("/a")
    assert len(times) == 6
    assert times[4] - times[0] >= 1.0


# -- connections ------------------------------------------------------------------------------------------------------------
def test_one_connection_is_kept_for_withdrawals():
    async def work(server: Server) -> None:
        server.gate = asyncio.Event()
        async with client(server, connections=3, reserved_connections=1) as esp:
            others = [asyncio.create_task(esp.read("/a", "/a")) for _ in range(8)]
            await settled(server, 2)
            await esp.write("POST", "/no?now=1", "/no", {}, lane="withdrawal")
            assert server.most_open == 3
            server.gate.set()
            await asyncio.gather(*others)

    assert served(work).most_open == 3


def test_a_withdrawal_goes_before_all_who_wait():
    async def work(server: Server) -> None:
        server.gate = asyncio.Event()
        async with client(server, connections=1) as esp:
            others = [asyncio.create_task(esp.read("/a", "/a")) for _ in range(3)]
            await settled(server, 1)
            no = asyncio.create_task(esp.write("POST", "/no", "/no", {}, lane="withdrawal"))
            await settled(server, 1)
            server.gate.set()
            await asyncio.gather(no, *others)

    assert [path for path, _ in served(work).calls] == ["/a", "/no", "/a", "/a"]


def test_all_clients_of_a_connection_and_ingestion_share_its_connections():
    async def work(server: Server) -> None:
        server.gate = asyncio.Event()
        account, known = connection(server.url, connections=3), Limits(connections=10, timeout=5.0)
        first, second = (HttpClient.of(account, known, server.clock, headers={}) for _ in range(2))
        reading, done = threading.Event(), threading.Event()

        def ingest() -> None:
            with traffic_of(account, known, server.clock).reading():
                reading.set()
                done.wait(5)

        async with first, second:
            thread = threading.Thread(target=ingest)
            thread.start()
            await asyncio.to_thread(reading.wait)
            asked = [asyncio.create_task(one.read("/a", "/a")) for one in (first, second) for _ in range(4)]
            await settled(server, 2)
            done.set()
            await asyncio.to_thread(thread.join)
            await settled(server, 3)
            late = threading.Thread(target=ingest)
            reading.clear()
            late.start()
            await settled(server, 3)
            assert not reading.is_set()
            server.gate.set()
            await asyncio.gather(*asked)
            await asyncio.to_thread(late.join)

    assert served(work).most_open == 3


def test_what_ingestion_reads_goes_through_the_same_connections_and_counts_into_the_same_day(tmp_path):
    async def work(server: Server) -> None:
        account, known = connection(server.url, tmp_path, connections=1, calls_per_day=100), Limits(connections=1)
        session = VendorSession(account, server.clock, rate=Rate(100, 1.0), secret="api_key")
        server.gate = asyncio.Event()
        async with HttpClient.of(account, known, server.clock, headers={}) as esp:
            written = asyncio.create_task(esp.write("POST", "/a", "/a", {}))
            await settled(server, 1)
            reading = asyncio.create_task(asyncio.to_thread(session.get, f"{server.url}/b"))
            await settled(server, 1)
            assert [path for path, _ in server.calls] == ["/a"]
            server.gate.set()
            await asyncio.gather(written, reading)
        assert session.traffic.budget.used() == 2

    assert served(work).most_open == 1


def test_the_numbers_of_connections_are_data_of_each_vendor():
    assert (MAILCHIMP.connections, MAILCHIMP.reserved_connections) == (10, 1)
    assert (KLAVIYO.connections, KLAVIYO.reserved_connections) == (10, 1)


# -- pauses the vendor asks for -----------------------------------------------------------------------------------------------
async def refused_once(esp: HttpClient) -> asyncio.Task:
    """A call that was told to slow down and waits, while no time has passed yet."""
    asked = asyncio.create_task(esp.read("/busy", "/busy"))
    while not esp.calls["GET /busy 429"]:
        await asyncio.sleep(0)
    return asked


def test_a_pause_holds_for_every_call_of_the_endpoint_and_for_no_other():
    async def work(server: Server) -> None:
        server.answers["/busy"] = [(429, {"Retry-After": "40"}, b"{}"), (200, {}, b"{}")]
        own = {"GET /busy": Quota(per_second=100), "GET /free": Quota(per_second=100)}
        async with client(server, endpoints=own) as esp:
            asked = await refused_once(esp)
            await asyncio.gather(asked, *(esp.read("/busy", "/busy") for _ in range(3)), esp.read("/free", "/free"))

    server = served(work)
    assert min(server.times("/busy")[1:]) >= 40
    assert server.times("/free") == [0]


def test_without_rates_of_its_own_an_endpoint_closes_the_account_and_withdrawals_wait_as_well():
    async def work(server: Server) -> None:
        server.answers["/busy"] = [(429, {"Retry-After": "40"}, b"{}"), (200, {}, b"{}")]
        async with client(server) as esp:
            asked = await refused_once(esp)
            await asyncio.gather(asked, esp.read("/a", "/a"), esp.write("POST", "/no", "/no", {}, lane="withdrawal"))

    server = served(work)
    assert all(at >= 40 for _, at in server.calls[1:])
    assert len(server.calls) == 4


def test_a_pause_beyond_reason_is_remembered_and_nobody_asks_before_it_is_over():
    async def work(server: Server) -> None:
        server.answers["/busy"] = [(429, {"Retry-After": "86400"}, b"{}"), (200, {}, b"{}")]
        async with client(server) as esp:
            for _ in range(3):
                with pytest.raises(VendorUnreachable):
                    await esp.read("/busy", "/busy")
            server.clock.sleep(86_400)
            assert (await esp.read("/busy", "/busy")).status == 200

    assert len(served(work).times("/busy")) == 2


def test_what_may_not_be_done_twice_is_not_tried_twice():
    async def work(server: Server) -> None:
        server.answers["/make"] = [(500, {}, b"{}"), (200, {}, b"{}")]
        async with client(server) as esp:
            with pytest.raises(OutcomeUnknown):
                await esp.write("POST", "/make", "/make", {}, again=False)

    assert len(served(work).calls) == 1


# -- the breaker ------------------------------------------------------------------------------------------------------------
DOWN = (503, {}, b"")


def test_a_vendor_that_is_down_is_left_alone_then_probed_by_one_call_and_the_others_wait_for_it():
    async def work(server: Server) -> None:
        server.answers["/a"] = [DOWN]
        async with client(server, failures_to_open=4, open_seconds=30.0, attempts=2, first_wait=0.1) as esp:
            for _ in range(2):
                with pytest.raises(VendorUnreachable):
                    await esp.read("/a", "/a")
            assert len(server.calls) == 4
            for _ in range(5):
                with pytest.raises(VendorUnreachable, match="not asked"):
                    await esp.write("POST", "/b", "/b", {})
            assert len(server.calls) == 4
            # the probe finds it still down, and the pause doubles
            server.clock.sleep(30)
            with pytest.raises(VendorUnreachable, match="not asked"):
                await esp.read("/a", "/a")
            assert len(server.calls) == 5
            server.clock.sleep(59)
            with pytest.raises(VendorUnreachable, match="not asked"):
                await esp.read("/a", "/a")
            assert len(server.calls) == 5
            server.clock.sleep(1)
            server.answers["/a"] = [(200, {}, b"{}")]
            server.gate = asyncio.Event()
            asked = [asyncio.create_task(esp.read("/a", "/a")) for _ in range(4)]
            await settled(server, 1)
            server.gate.set()
            assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 4

    served(work)


def test_a_withdrawal_may_probe_at_any_time_and_brings_the_others_back():
    async def work(server: Server) -> None:
        server.answers["/a"] = [DOWN]
        async with client(server, failures_to_open=2, attempts=1) as esp:
            for _ in range(2):
                with pytest.raises(VendorUnreachable):
                    await esp.read("/a", "/a")
            server.answers["/a"] = [(200, {}, b"{}")]
            with pytest.raises(VendorUnreachable, match="not asked"):
                await esp.read("/a", "/a")
            assert (await esp.write("POST", "/no", "/no", {}, lane="withdrawal")).status == 200
            assert (await esp.read("/a", "/a")).status == 200

    served(work)


def test_one_vendors_breaker_is_not_anothers_and_a_new_client_may_look_for_itself():
    async def work(server: Server) -> None:
        server.answers["/down/a"] = [DOWN]
        known = Limits(connections=2, attempts=1, failures_to_open=2)
        down, up = (Connection(name, "mailchimp", f"{server.url}/{name}") for name in ("down", "up"))
        async with HttpClient.of(down, known, server.clock, headers={}) as esp:
            for _ in range(2):
                with pytest.raises(VendorUnreachable):
                    await esp.read("/a", "/a")
            with pytest.raises(VendorUnreachable, match="not asked"):
                await esp.read("/a", "/a")
        async with HttpClient.of(up, known, server.clock, headers={}) as esp:
            assert (await esp.read("/a", "/a")).status == 200
        server.answers["/down/a"] = [(200, {}, b"{}")]
        async with HttpClient.of(down, known, server.clock, headers={}) as esp:
            assert (await esp.read("/a", "/a")).status == 200

    served(work)


def test_slowing_down_is_no_failure():
    async def work(server: Server) -> None:
        server.answers["/a"] = [(429, {}, b"{}")] * 8 + [(200, {}, b"{}")]
        async with client(server, failures_to_open=2, attempts=10) as esp:
            assert (await esp.read("/a", "/a")).status == 200

    served(work)
