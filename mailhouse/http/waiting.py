"""Waiting through the clock, side by side: a simulated clock moves on only when nothing else can happen."""

import asyncio
import contextlib
import heapq
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from weakref import WeakKeyDictionary

from mailhouse.clock import Clock

# a simulated clock counts microseconds; what is due within one is due
TICK = 1e-6
# so often everything that can run is let run before simulated time moves on
TURNS = 12
# real seconds: a call that hangs longer than this does not hold up simulated time
PATIENCE = 1.0
# no window is so long: a number of seconds from here on is a moment
EPOCHS = 1e9


class Timekeeper:
    """Wakes whoever waits on one clock in one event loop, in the order of time.

    On the machine's clock that is a timer. On a simulated one time is moved to the next appointment, never beyond it, and
    only when no call is on its way and nobody can run: else those who wait side by side would each push time forward.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._appointments: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._under_way = 0
        self._idle, self._sooner = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._running: asyncio.Task[None] | None = None

    def wake(self, future: "asyncio.Future[None]", seconds: float) -> None:
        """Fulfil the future in so many seconds, unless somebody else has by then."""
        heapq.heappush(self._appointments, (self._clock.elapsed() + max(0.0, seconds), next(self._order), future))
        self._sooner.set()
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())

    @contextmanager
    def calling(self) -> Iterator[None]:
        """While a call is on its way simulated time stands still."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _run(self) -> None:
        try:
            while self._appointments:
                if self._clock.simulated:
                    await self._nothing_else()
                if self._appointments[0][2].done():
                    heapq.heappop(self._appointments)
                    continue
                left = self._appointments[0][0] - self._clock.elapsed()
                if left > TICK:
                    await self._wait(left)
                else:
                    future = heapq.heappop(self._appointments)[2]
                    future.set_result(None)
        except BaseException as error:
            for *_, future in self._appointments:
                if not future.done():
                    future.cancel() if isinstance(error, asyncio.CancelledError) else future.set_exception(error)
            raise

    async def _wait(self, seconds: float) -> None:
        if self._clock.simulated:
            self._clock.sleep(seconds)
            return
        self._sooner.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._sooner.wait(), seconds)

    async def _nothing_else(self) -> None:
        """Let everybody go as far as they can, and every call come back that is on its way."""
        turns = 0
        while turns < TURNS:
            await asyncio.sleep(0)
            turns += 1
            if not self._idle.is_set():
                try:
                    await asyncio.wait_for(self._idle.wait(), PATIENCE)
                except TimeoutError:
                    return
                turns = 0


_KEEPERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Timekeeper]] = WeakKeyDictionary()


def timekeeper(clock: Clock) -> Timekeeper:
    """The one of this clock in the running event loop."""
    keepers = _KEEPERS.setdefault(asyncio.get_running_loop(), {})
    if id(clock) not in keepers:
        keepers[id(clock)] = Timekeeper(clock)
    return keepers[id(clock)]


async def pause(clock: Clock, seconds: float) -> None:
    """Wait through the clock without stopping the other calls."""
    future = asyncio.get_running_loop().create_future()
    timekeeper(clock).wake(future, seconds)
    await future


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After header asks for: a number, an HTTP date, or None when absent, negative or nonsense."""
    if value is None:
        return None
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    return seconds if 0 <= seconds < float("inf") else None


def until_reset(value: str | None, now: datetime) -> float | None:
    """Seconds an X-RateLimit-Reset header asks for, None when absent or nonsense.

    The end of the window: seconds since 1970 as SendGrid sends them, or seconds from now as it describes them elsewhere.
    """
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    wait = seconds - now.timestamp() if seconds >= EPOCHS else seconds
    return max(0.0, wait) if wait < float("inf") else None


def next_wait(attempt: int, asked: float | None, first: float, longest: float, chance: random.Random) -> float:
    """Seconds before the next attempt: full jitter up to the exponential step, never earlier than the vendor asked."""
    spread = chance.uniform(0, min(longest, first * 2 ** (attempt - 1)))
    return spread if asked is None else asked + min(spread, 1.0)
