"""Time as a parameter: everything that asks for the time, or waits, asks a clock."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from mailhouse.errors import VendorUnreachable
from mailhouse.settings import Settings


class Clock(Protocol):
    """Tells the business time in UTC and waits.

    `elapsed` gives seconds on a scale that never goes back and on which waiting counts, whatever the business time does. A
    `simulated` clock waits by moving its own time on.
    """

    simulated: bool

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...

    def elapsed(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    simulated = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def elapsed(self) -> float:
        return time.monotonic()


class FixedClock:
    """Stands still until someone sleeps on it: for tests and simulations, which then do not wait."""

    simulated = True

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self._now = self._began = now.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds))

    def elapsed(self) -> float:
        return (self._now - self._began).total_seconds()


class VendorClock:
    """Business time read from elsewhere (a sandbox whose days are advanced by hand), waits in real time."""

    simulated = False

    def __init__(self, read: Callable[[], datetime]) -> None:
        self._read = read

    def now(self) -> datetime:
        return self._read().astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def elapsed(self) -> float:
        return time.monotonic()


def stopwatch() -> float:
    """Seconds on a monotonic scale, for durations that are shown and never decided on."""
    return time.perf_counter()


def sandbox_clock(file: Path) -> VendorClock:
    """The clock of a sandbox, which it leaves in `file`: its days pass only when it is told so, running or not."""

    def read() -> datetime:
        try:
            return datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["now"])
        except (OSError, ValueError, KeyError) as error:
            raise VendorUnreachable(f"{file}: does not tell the sandbox's time; run `mailhouse sandbox seed`") from error

    return VendorClock(read)


def clock_of(settings: Settings) -> Clock:
    """The clock by which consent is decided: the sandbox's while a connection lives in it, else the machine's."""
    in_sandbox = any(connection.lives_in_sandbox for connection in settings.connections.values())
    return sandbox_clock(settings.sandbox_clock) if in_sandbox and settings.sandbox_clock.exists() else SystemClock()
