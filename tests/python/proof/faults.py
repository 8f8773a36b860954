"""What goes wrong at the modelled ESPs, call by call."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Fault = Literal[
    "throttled",  # refused each time, surely not taken
    "timeout_before",  # nobody knows; it was not taken
    "timeout_after",  # nobody knows; it was taken
    "cut_short",  # nobody knows; a part of it was taken
    "wrong_answer",  # taken, and the answer contradicts itself
    "partial",  # some rows are refused
    "not_now",  # some rows are not taken and may be sent again
    "expired",  # the credentials are rejected
    "lost_poll",  # a job is taken, and what became of it cannot be learnt
    "job_cancelled",  # a job is accepted and does nothing
    "dies_before",  # the process is killed with the call on its way, and it does not arrive
    "dies_after",  # the process is killed when the call was taken
    "dies_midway",  # the process is killed, and a job that it began ends later
]
OF_CALLS: tuple[Fault, ...] = (
    *("throttled", "timeout_before", "timeout_after", "cut_short", "wrong_answer", "partial", "not_now", "expired"),
)
OF_JOBS: tuple[Fault, ...] = ("lost_poll", "job_cancelled")
DEATHS: tuple[Fault, ...] = ("dies_before", "dies_after", "dies_midway")


@dataclass
class Faults:
    """The faults of one sync: (destination, its how manieth call from 1) -> fault. `settle` fails read-backs likewise."""

    random: Random
    calls: dict[tuple[str, int], Fault] = field(default_factory=dict)
    settle: dict[tuple[str, int], bool] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    _passed: Counter[str] = field(default_factory=Counter)

    def of_call(self, destination: str) -> Fault | None:
        """What befalls the next call."""
        self._passed[destination] += 1
        fault = self.calls.get((destination, self._passed[destination]))
        if fault:
            self.met[fault] += 1
        return fault

    def of_settling(self, destination: str) -> bool:
        """Whether the next read-back fails."""
        self._passed[f"{destination} read back"] += 1
        return self.settle.get((destination, self._passed[f"{destination} read back"]), False)

    def some(self, rows: int) -> set[int]:
        """Which rows of a call a partial fault is about: at least one."""
        return {row for row in range(rows) if self.random.random() < 0.3} or {self.random.randrange(rows)}


def calm(random: Random) -> Faults:
    """Nothing goes wrong."""
    return Faults(random)


def storm(random: Random, destinations: tuple[str, ...], jobs: frozenset[str], calls: int = 8) -> Faults:
    """A few faults among the first calls of each destination; `jobs` are those that answer by jobs."""
    faults = Faults(random)
    for destination in destinations:
        for number in range(1, calls + 1):
            if random.random() < 0.3:
                faults.calls[destination, number] = random.choice(OF_CALLS + (OF_JOBS if destination in jobs else ()))
            if random.random() < 0.15:
                faults.settle[destination, number] = True
    return faults
