"""How long something took, by the clock on the wall and in seconds of this process's CPU (all its threads together)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mailhouse.clock import stopwatch

Result = TypeVar("Result")


@dataclass(frozen=True)
class Took:
    """Seconds; `cpu` may be more than `wall`, since DuckDB works on several cores."""

    wall: float
    cpu: float

    def __add__(self, other: "Took") -> "Took":
        return Took(self.wall + other.wall, self.cpu + other.cpu)


def timed(work: Callable[[], Result]) -> tuple[Result, Took]:
    """What the work gives, and what it took. Children's CPU is not in it."""
    wall, cpu = stopwatch(), time.process_time()
    result = work()
    return result, Took(stopwatch() - wall, time.process_time() - cpu)


def least(work: Callable[[], object], rounds: int) -> Took:
    """The round that took the least CPU: what other programs do on the machine only ever adds to it."""
    return min((timed(work)[1] for _ in range(rounds)), key=lambda took: took.cpu)
