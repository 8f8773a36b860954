"""Keeping under a vendor's published rate before it has to say so, and waiting as long as it asks when it does."""

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mailhouse.clock import Clock, stopwatch

LONGEST_WAIT = 120.0  # seconds; a vendor that asks for a week is asked again earlier
FIRST_WAIT, LONGEST_BACKOFF = 0.5, 30.0  # seconds, when the vendor did not say how long


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


class Pace:
    """Spaces calls to one rate, or to several at once; its own scale of time also counts waits on a clock that does not wait."""

    def __init__(self, rate: Rate | Sequence[Rate], clock: Clock) -> None:
        self.rates = (rate,) if isinstance(rate, Rate) else tuple(rate)
        self.clock = clock
        self._ahead = 0.0
        self._calls: deque[float] = deque(maxlen=max(one.calls for one in self.rates))

    def take(self) -> None:
        """Wait until one more call fits under every rate, and count it."""
        now = self._now()
        # the last call but n of a rate of n calls must be as old as its seconds
        earliest = [self._calls[-one.calls] + one.seconds for one in self.rates if len(self._calls) >= one.calls]
        if (wait := max(earliest, default=now) - now) > 0:
            self.wait(wait)
            now = self._now()
        self._calls.append(now)

    def wait(self, seconds: float) -> None:
        before = stopwatch()
        self.clock.sleep(seconds)
        self._ahead += max(0.0, seconds - (stopwatch() - before))

    def _now(self) -> float:
        return stopwatch() + self._ahead


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, capped, None if absurd; a date is measured against the answer's own Date."""
    asked = headers.get("Retry-After")
    if not asked:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        moment = _http_date(asked)
        if moment is None:
            return None
        seconds = (moment - (_http_date(headers.get("Date", "")) or now)).total_seconds()
    if not seconds > 0:  # also catches "nan"
        return None
    return min(seconds, LONGEST_WAIT)


def backoff(attempt: int) -> float:
    """Seconds before try number `attempt` + 1: doubling, with jitter so that connections do not march in step."""
    return min(LONGEST_BACKOFF, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.6, 1.0)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
