"""The door to one account: a call goes when a connection is free and no rate is used up; withdrawals go first."""

import asyncio
import itertools
import math
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from mailhouse.clock import Clock
from mailhouse.http.limits import Lane
from mailhouse.http.rates import Endpoint
from mailhouse.http.waiting import timekeeper


class TooLong(Exception):
    """A call would have to wait longer than it may; `seconds` says how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Place:
    """One call in the queue, and then inside."""

    __slots__ = ("endpoint", "future", "inside", "number", "queue", "urgent", "wake")

    def __init__(self, urgent: bool, queue: str, endpoint: Endpoint | None, wake: Callable[["Place"], object]) -> None:
        self.urgent, self.queue, self.endpoint, self.wake = urgent, queue, endpoint, wake
        self.inside, self.number = False, 0
        self.future: asyncio.Future[None] | None = None


class Admission:
    """Counts the open connections of one account over all event loops and threads of this process.

    Each endpoint has a queue of its own, so that one whose rate is used up does not hold up the others. `everywhere` are the
    rates of the account as a whole. The last `reserved` connections are only for withdrawals.
    """

    def __init__(self, clock: Clock, connections: int, reserved: int, everywhere: Endpoint) -> None:
        self._clock = clock
        self._most, self._reserved = connections, min(reserved, connections - 1)
        self.everywhere = everywhere
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._queues: dict[tuple[bool, str], deque[Place]] = {}
        self._open = {True: 0, False: 0}  # by urgency

    @asynccontextmanager
    async def inside(self, lane: Lane, name: str, endpoint: Endpoint, longest: float) -> AsyncIterator[None]:
        """Wait for the turn of a call to an endpoint and keep its connection for the block. Raises TooLong."""
        loop = asyncio.get_running_loop()
        place = Place(lane == "withdrawal", name, endpoint, lambda place: loop.call_soon_threadsafe(_fulfil, place))
        self._queue(place)
        try:
            await self._turn(place, longest)
            yield
        finally:
            self._leave(place)

    @contextmanager
    def connection(self) -> Iterator[None]:
        """A connection for a call of ingestion, which waits in a thread of its own and keeps to its own rates."""
        turn = threading.Event()
        place = Place(False, "reading", None, lambda place: turn.set() if place.inside else None)
        self._queue(place)
        try:
            turn.wait()
            yield
        finally:
            self._leave(place)

    async def _turn(self, place: Place, longest: float) -> None:
        while True:
            with self._lock:
                self._admit()
                if place.inside:
                    return
                place.future = asyncio.get_running_loop().create_future()
                wait = self._wait(place, self._clock.elapsed())
            if longest < wait < math.inf:
                raise TooLong(wait)
            if 0 < wait < math.inf:
                timekeeper(self._clock).wake(place.future, wait)
            await place.future

    def _queue(self, place: Place) -> None:
        with self._lock:
            place.number = next(self._order)
            self._queues.setdefault((place.urgent, place.queue), deque()).append(place)
            self._admit()

    def _leave(self, place: Place) -> None:
        with self._lock:
            if place.inside:
                self._open[place.urgent] -= 1
                if place.endpoint is not None:
                    now = self._clock.elapsed()
                    self.everywhere.answered(now)
                    place.endpoint.answered(now)
            else:
                self._queues[place.urgent, place.queue].remove(place)
            self._admit()
            # who waited for an answer now knows until when
            for queue in self._queues.values():
                if queue:
                    self._rouse(queue[0])

    def _admit(self) -> None:
        """Let everybody in whose turn it is: withdrawals first, then in the order of coming."""
        now = self._clock.elapsed()
        while True:
            heads = [queue[0] for queue in self._queues.values() if queue]
            ready = [place for place in heads if self._is_free(place.urgent) and self._wait(place, now) <= 0]
            if not ready:
                return
            place = min(ready, key=lambda one: (not one.urgent, one.number))
            self._queues[place.urgent, place.queue].popleft()
            self._open[place.urgent] += 1
            if place.endpoint is not None:
                self.everywhere.take(now)
                place.endpoint.take(now)
            place.inside = True
            self._rouse(place)

    def _rouse(self, place: Place) -> None:
        with suppress(RuntimeError):  # its event loop is closed: nobody waits there any more
            place.wake(place)

    def _is_free(self, urgent: bool) -> bool:
        if sum(self._open.values()) >= self._most:
            return False
        return urgent or self._open[False] < self._most - self._reserved

    def _wait(self, place: Place, now: float) -> float:
        if place.endpoint is None:
            return 0.0
        return max(self.everywhere.wait(now, place.urgent), place.endpoint.wait(now, place.urgent))


def _fulfil(place: Place) -> None:
    if place.future is not None and not place.future.done():
        place.future.set_result(None)
