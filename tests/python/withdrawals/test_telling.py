"""Batches, halves and unknown outcomes, with a system that does as it is told."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from mailhouse.errors import VendorUnreachable
from mailhouse.http import OutcomeUnknown
from mailhouse.withdrawals.base import BatchRefused, Told, Withdrawal
from mailhouse.withdrawals.telling import carry, in_batches, tell_all


def one(number: int, container: str = "") -> Withdrawal:
    return Withdrawal("system", f"p{number}@x.example", f"p{number}@x.example", f"w{number}", container=container)


class System:
    """Refuses a batch with a bad address as a whole, loses answers, takes what it shows afterwards."""

    batch, lanes, is_dated = 100, 1, True

    def __init__(self, bad: Sequence[int] = (), lose: int = 0, drop: bool = False, fail_after: int | None = None) -> None:
        self.bad, self.lose, self.drop, self.fail_after = {one(number).address for number in bad}, lose, drop, fail_after
        self.calls: list[int] = []
        self.taken: set[str] = set()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        raise VendorUnreachable("system: does not answer")

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        self.calls.append(len(batch))
        if self.fail_after is not None and len(self.calls) > self.fail_after:
            raise VendorUnreachable("system: does not answer")
        if self.bad & {each.address for each in batch}:
            raise BatchRefused("one of them is wrong", "http_400")
        if self.lose:
            self.lose -= 1
            if not self.drop:
                self.taken |= {each.address for each in batch}
            raise OutcomeUnknown("system: no answer")
        self.taken |= {each.address for each in batch}
        return [Told(each, "accepted") for each in batch]

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        return [Told(each, "accepted", "read_back") if each.address in self.taken else Told(each, "unknown") for each in batch]

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:
        return {}

    def counts(self) -> Mapping[str, int]:
        return {}


class Notes:
    def __init__(self) -> None:
        self.tried: list[int] = []
        self.answers: list[Told] = []

    def telling(self, batch: Sequence[Withdrawal]) -> None:
        self.tried.append(len(batch))

    def told(self, answers: Sequence[Told]) -> None:
        self.answers += answers

    def found(self, unseen: Sequence[Withdrawal], found: Sequence[Withdrawal]) -> None:
        raise AssertionError("nobody was found")


@pytest.mark.parametrize("bad", [[0], [63], [40], [3, 90], [1, 2, 3]])
def test_a_bad_address_is_found_by_halves_and_the_others_are_told(bad):
    system, people = System(bad), [one(number) for number in range(100)]
    told = asyncio.run(carry(system, people))
    assert {each.withdrawal.address for each in told if each.status == "rejected"} == system.bad
    assert len(system.taken) == 100 - len(bad)
    assert len(told) == 100
    assert len(system.calls) - 1 <= 2 * math.ceil(math.log2(100)) * len(bad)


def test_a_lost_answer_is_read_back_and_not_told_again():
    system = System(lose=1)
    told = asyncio.run(carry(system, [one(1), one(2)]))
    assert [(each.status, each.code) for each in told] == [("accepted", "read_back")] * 2
    assert system.calls == [2]


def test_a_lost_batch_is_told_again():
    system = System(lose=2, drop=True)
    told = asyncio.run(carry(system, [one(1), one(2)]))
    assert [each.status for each in told] == ["accepted", "accepted"]
    assert system.calls == [2, 2, 2]


def test_what_never_shows_stays_unknown():
    system = System(lose=99, drop=True)
    told = asyncio.run(carry(system, [one(1)]))
    assert [each.status for each in told] == ["unknown"]
    assert system.calls == [1, 1, 1]


def test_batches_are_of_one_container_each():
    people = [one(number, container="ab"[number % 2]) for number in range(10)]
    assert [({each.container for each in batch}, len(batch)) for batch in in_batches(people, 3)] == [
        ({"a"}, 3),
        ({"a"}, 2),
        ({"b"}, 3),
        ({"b"}, 2),
    ]


def test_a_system_that_stops_answering_keeps_what_it_had_taken():
    system, notes = System(fail_after=2), Notes()
    stopped = asyncio.run(tell_all(system, [one(number) for number in range(450)], notes))
    assert isinstance(stopped, VendorUnreachable)
    assert len(notes.answers) == 200
    # what was never sent is not written down as sent
    assert notes.tried == [100, 100, 100]


def test_whom_nobody_can_look_up_does_not_hold_up_the_others():
    system, notes = System(), Notes()
    unseen = Withdrawal("system", "x@x.example", "x@x.example", "w", is_known=False)
    stopped = asyncio.run(tell_all(system, [unseen, one(1)], notes))
    assert isinstance(stopped, VendorUnreachable)
    assert [each.withdrawal.address for each in notes.answers] == ["p1@x.example"]
