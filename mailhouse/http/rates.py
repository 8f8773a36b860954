"""Counting calls against a vendor's rates, so that it never has to refuse one."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from mailhouse.http.limits import Limits, Quota

# seconds added to each window: two clocks that round are not the same clock
MARGIN = 0.001
_ALMOST = 1e-6


class Rate(Protocol):
    """One rate; times are seconds of `Clock.elapsed`. `urgent` calls may use what is reserved."""

    def wait(self, now: float, urgent: bool) -> float:
        """Seconds until one more call fits, 0 for now, infinity when an answer must come first."""

    def take(self, now: float) -> None: ...

    def answered(self, now: float) -> None: ...


class Window:
    """At most `most` calls within any stretch of so many seconds, wherever the vendor lets its own windows begin.

    Nobody knows when on its way a call is counted. So it counts from when it leaves until the window is over after its answer.
    """

    def __init__(self, most: int, seconds: float, share: float = 0.0) -> None:
        self._most, self._seconds = most, seconds + MARGIN
        self._reserved = reserved(most, share)
        self._under_way = 0
        self._counted: deque[float] = deque()

    def wait(self, now: float, urgent: bool) -> float:
        while self._counted and self._counted[0] <= now - self._seconds + _ALMOST:
            self._counted.popleft()
        most = self._most if urgent else self._most - self._reserved
        too_many = self._under_way + len(self._counted) + 1 - most
        if too_many <= 0:
            return 0.0
        if too_many > len(self._counted):
            return math.inf
        return self._counted[too_many - 1] + self._seconds - now

    def take(self, now: float) -> None:  # noqa: ARG002
        self._under_way += 1

    def answered(self, now: float) -> None:
        self._under_way -= 1
        self._counted.append(now)


class Bucket:
    """Lets `burst` calls through at once and `rate` a second after that."""

    def __init__(self, rate: float, burst: int, share: float, now: float) -> None:
        self._rate, self._burst = rate, float(burst)
        self._reserved = reserved(burst, share)
        self._tokens, self._at = float(burst), now

    def wait(self, now: float, urgent: bool) -> float:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        missing = (1 if urgent else 1 + self._reserved) - self._tokens
        wait = missing / self._rate
        # less than the smallest step of a clock would be waited for in vain
        return wait if wait > _ALMOST else 0.0

    def take(self, now: float) -> None:  # noqa: ARG002
        self._tokens -= 1

    def answered(self, now: float) -> None:
        """A token is gone when its call leaves."""


def reserved(most: int, share: float) -> int:
    """How many of so many calls are kept for withdrawals: the share rounded, at least one, and never all of them."""
    return min(most - 1, max(1, round(most * share))) if share else 0


class Endpoint:
    """The rates of one endpoint, or of the whole account, and until when the vendor asked to be left alone there."""

    def __init__(self, rates: Sequence[Rate] = ()) -> None:
        self._rates = tuple(rates)
        self._closed_until = 0.0

    def wait(self, now: float, urgent: bool) -> float:
        closed = self._closed_until - now
        # a simulated clock cannot be moved by less, and who waits for less would wait for ever
        return max([closed if closed > _ALMOST else 0.0, *(rate.wait(now, urgent) for rate in self._rates)])

    def take(self, now: float) -> None:
        for rate in self._rates:
            rate.take(now)

    def answered(self, now: float) -> None:
        for rate in self._rates:
            rate.answered(now)

    def close(self, until: float) -> None:
        """The vendor asked for a pause: nobody calls before it is over, whatever the call."""
        self._closed_until = max(self._closed_until, until)


def of_quota(quota: Quota, share: float) -> Endpoint:
    """The windows of one endpoint."""
    windows = ((quota.per_second, 1.0), (quota.per_minute, 60.0), (quota.per_day, 86_400.0))
    return Endpoint([Window(most, seconds, share) for most, seconds in windows if most is not None])


def of_account(limits: Limits, now: float) -> Endpoint:
    """What holds for all calls of an account together."""
    return Endpoint([Bucket(limits.rate, limits.burst, limits.reserved_share, now)] if limits.rate else [])
