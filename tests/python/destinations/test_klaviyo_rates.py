"""Klaviyo's published rates are used to nine tenths and never overrun; client and vendor live in one simulated time."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web

from mailhouse.clock import FixedClock
from mailhouse.destinations.klaviyo.limits import LIMITS
from mailhouse.destinations.klaviyo.reading import client_of
from mailhouse.http import HttpClient, Lane
from tests.python.destinations.conftest import Vendor

# an endpoint of each size that Klaviyo has
SIZES = {
    "XS": ("GET", "/api/accounts"),
    "S": ("POST", "/api/data-privacy-deletion-jobs"),
    "M": ("POST", "/api/profile-bulk-import-jobs"),
    "L": ("GET", "/api/profiles"),
    "XL": ("GET", "/api/events"),
}


class Limiter:
    """Answers 429 as soon as any stretch of a second or a minute has more calls than published, however it is laid."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.refused = clock, 0
        self.answered: dict[str, list[float]] = defaultdict(list)
        self._minute: dict[str, deque[float]] = defaultdict(deque)

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        quota = LIMITS.endpoints[f"{request.method} {request.path}"]
        minute, now = self._minute[request.path], self.clock.elapsed()
        while minute and minute[0] <= now - 60:
            minute.popleft()
        if len(minute) >= quota.per_minute or (len(minute) >= quota.per_second and minute[-quota.per_second] > now - 1):
            self.refused += 1
            return web.json_response({"errors": []}, status=429, headers={"Retry-After": "1"})
        minute.append(now)
        self.answered[request.path].append(now)
        return web.json_response({"data": []})


def against_limiter(work: Callable[[HttpClient, Limiter], Awaitable[None]]) -> Limiter:
    clock = FixedClock(datetime(2026, 5, 4, tzinfo=UTC))
    limiter = Limiter(clock)

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", limiter.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with HttpClient("klaviyo", f"http://127.0.0.1:{runner.addresses[0][1]}", LIMITS, clock, headers={}) as client:
                await work(client, limiter)
        finally:
            await runner.cleanup()

    asyncio.run(run())
    return limiter


async def ask(client: HttpClient, method: str, path: str, lane: Lane = "ordinary") -> None:
    if method == "GET":
        await client.read(path, path, lane=lane)
    else:
        await client.write(method, path, path, {}, lane=lane)


async def busily(client: HttpClient, method: str, path: str, seconds: float, workers: int) -> None:
    """Call as fast as the client lets us, until so many seconds have passed."""
    until = client.clock.elapsed() + seconds

    async def one() -> None:
        while client.clock.elapsed() < until:
            await ask(client, method, path)

    await asyncio.gather(*(one() for _ in range(workers)))


@pytest.mark.parametrize(
    ("size", "minutes"), [("XS", 10), ("S", 5), ("M", 5), ("L", 2), pytest.param("XL", 3, marks=pytest.mark.torture)]
)
def test_nine_tenths_of_a_published_rate_are_used_and_no_call_is_refused(size, minutes):
    method, path = SIZES[size]
    limiter = against_limiter(lambda client, _: busily(client, method, path, minutes * 60, workers=30))
    within = [at for at in limiter.answered[path] if at < minutes * 60]
    assert limiter.refused == 0
    assert len(within) >= 0.9 * minutes * LIMITS.endpoints[f"{method} {path}"].per_minute


def test_endpoints_do_not_wait_for_each_other():
    async def both(client: HttpClient, _: Limiter) -> None:
        await asyncio.gather(*(busily(client, *SIZES[size], 120, workers=20) for size in ("XS", "M")))

    limiter = against_limiter(both)
    assert limiter.refused == 0
    made = Counter({path: sum(at < 120 for at in times) for path, times in limiter.answered.items()})
    assert made["/api/accounts"] >= 0.9 * 2 * 15
    assert made["/api/profile-bulk-import-jobs"] >= 0.9 * 2 * 150


def test_a_withdrawal_finds_room_in_a_rate_that_others_have_used_up():
    method, path = SIZES["M"]

    async def work(client: HttpClient, limiter: Limiter) -> None:
        others = asyncio.create_task(busily(client, method, path, 50, workers=30))
        while len(limiter.answered[path]) < 142:
            await asyncio.sleep(0)
        # the others' share of this minute is gone now, and they wait until it is over
        began = client.clock.elapsed()
        assert began < 20
        await ask(client, method, path, "withdrawal")
        assert client.clock.elapsed() - began <= 1.1
        assert len(limiter.answered[path]) == 143
        await others

    limiter = against_limiter(work)
    assert limiter.refused == 0


@pytest.mark.parametrize(("path", "per_minute", "minutes"), [("/api/accounts", 15, 6), ("/api/metrics", 150, 2)])
def test_the_sandbox_with_the_vendors_limits_refuses_no_call_either(vendor: Vendor, path, per_minute, minutes):
    vendor.runtime.limits.use("vendor")

    async def run() -> Counter[str]:
        async with client_of(vendor.connection(), vendor.clock) as client:
            await busily(client, "GET", path, minutes * 60, workers=15)
            return client.calls

    began = vendor.clock.elapsed()
    calls = asyncio.run(run())
    assert set(calls) == {f"GET {path} 200"}
    # the workers end their last calls after the time is over
    minutes_used = (vendor.clock.elapsed() - began) / 60
    assert calls.total() >= 0.9 * per_minute * minutes_used
