"""A withdrawal at any moment of a running sync, against the sandbox's vendors: heard by all of them within a minute."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mailhouse import withdrawals
from mailhouse.consent import ConsentAct
from mailhouse.sandbox.store import Row
from tests.python.proof.acts import PURPOSES
from tests.python.proof.bounds import Sizes
from tests.python.proof.company import Company, Person, World
from tests.python.proof.engine import Engine, in_small_calls, quick_values
from tests.python.proof.life import Life
from tests.python.proof.steps import Surroundings, says_in_a_source
from tests.python.withdrawals.conftest import NOW, VENDORS, WHERE_PEOPLE_ARE, Vendors, land_addresses

SEED, MOMENTS, RUNS = 31, 200, 4
WORLDS, ROWS = 51, 30
IN_TIME = timedelta(seconds=60)
# simulated seconds from one point of a run to the next: of the four around a call, which so takes a second, and of writes to the
# own state
CALL_BEAT, STATE_BEAT = 0.25, 0.01
LANES = 10  # calls that may be on their way at once


@dataclass(frozen=True)
class Refusal:
    """Somebody's no: when it was recorded, by the clock of the run and by the vendors' own scale of seconds."""

    person: Person
    at: datetime
    tick: float
    point: str


class Moments(Life):
    """Passes the points of a run; at those of some numbers somebody refuses."""

    def __init__(self, town: "Town", numbers: set[int]) -> None:
        super().__init__()
        self._town, self._numbers = town, numbers
        self.passed = 0

    def __call__(self, name: str) -> None:
        self._town.clock.sleep(CALL_BEAT if name.startswith("sync.") else STATE_BEAT)
        self.passed += 1
        if self.passed in self._numbers:
            self._town.refuses(name)


class Town:
    """People whom every system can mail, and who are on lists of every ESP."""

    def __init__(self, folder: Path, consent: dict[str, Any]) -> None:
        self.random = Random(SEED)
        self.vendors = Vendors(folder / "sandbox")
        self.clock = self.vendors.empty()
        body = {"id": "list3", "name": "Partners", "double_optin": False}
        self.vendors.store.put("mailchimp.list", Row("list3", body, NOW))
        self.company = Company([])
        self.engine = Engine(folder / "work", consent, self.company, clock=self.clock, connections=self.vendors.connections())
        self.engine.connection.execute(WHERE_PEOPLE_ARE)
        self.around = Surroundings(self.random, self.company, {}, self.clock.now())
        for number in range(WORLDS):
            self._people_of(number)
        self.waiting = [person for world in self.company.worlds for person in world.people]
        self.random.shuffle(self.waiting)
        self.refused: list[Refusal] = []

    def _people_of(self, number: int) -> None:
        world = World(number)
        for position in range(4):
            person = world.new_person("DE")
            world.people.append(person)
            for purpose in PURPOSES:
                says_in_a_source(self.around, person, "grant", purpose, "granted", "double_opt_in", NOW - timedelta(days=30))
            for segment in ("seg_news", "seg_keep"):
                world.members[segment].add(position)
            for vendor in ("hubspot", "shopify", "salesforce"):
                self.vendors.put(vendor, number * 4 + position + 1, person.address)
        self.company.worlds.append(world)

    def refuses(self, point: str) -> None:
        """The next one says no to everything."""
        # no vendor takes what was said in its future
        self.vendors.store.set_now(self.clock.now())
        person = self.waiting.pop()
        act = ConsentAct("withdraw", person.address.upper(), "phone", reason="withdrawn", occurred_at=self.clock.now())
        self.engine.record([act])
        self.refused.append(Refusal(person, self.clock.now(), self.vendors.runtime.ticks.now(), point))

    def everybody_changes(self) -> None:
        for world in self.company.worlds:
            for person in world.people:
                person.orders += 1

    def run(self, moments: int, passes: int) -> tuple[Any, int]:
        """Build and sync, while so many people refuse at random ones of the first `passes` points; gives back how many it had."""
        self.clock.sleep(3600)
        self.engine.build()
        land_addresses(self.engine.connection, self.vendors)
        life = Moments(self, set(self.random.sample(range(1, passes), moments)) if moments else set())
        result = self.engine.run(life, ear=withdrawals.Hearing)
        self.vendors.runtime.settle()
        return result, life.passed

    def memberships(self) -> dict[str, list[tuple[float, str, str]]]:
        """Address -> what happened to its memberships: (second, joined or left, where)."""
        found: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
        for effect in self.vendors.runtime.effects.as_json()["effects"]:
            if effect["effect"] in ("joined", "left"):
                found[effect["address"]].append((effect["tick"], effect["effect"], f"{effect['kind']} {effect['container']}"))
        return found

    def receipts(self) -> dict[str, dict[str, list[tuple[str, datetime]]]]:
        """Address -> system -> (status, when it was acknowledged) of what it was told."""
        found: dict[str, dict[str, list[tuple[str, datetime]]]] = defaultdict(lambda: defaultdict(list))
        for address, system, status, at in self.engine.rows(
            "select mailbox, connection_id, status, acknowledged_at from reverse_sync.withdrawals"
        ):
            found[address][system].append((status, at))
        return found

    def close(self) -> None:
        self.engine.close()
        self.vendors.close()


@pytest.fixture
def town(tmp_path: Path, consent: dict[str, Any]) -> Iterator[Town]:
    made = Town(tmp_path, consent)
    with quick_values(), in_small_calls(Sizes(*[ROWS] * 8)):
        yield made
    made.close()


def test_whoever_says_no_at_any_moment_of_a_sync_is_off_everything_within_a_minute(town):
    result, passes = town.run(0, 0)
    assert result.ok
    assert all(town.vendors.mailable(vendor, person.address) for person in town.waiting for vendor in VENDORS)
    for _ in range(RUNS):
        town.everybody_changes()
        result, passed = town.run(MOMENTS // RUNS, passes)
        assert result.ok, result.problems
        assert passed > passes // 2
    assert len(town.refused) == MOMENTS
    assert len({refusal.point for refusal in town.refused}) >= 5
    memberships, receipts = town.memberships(), town.receipts()
    for refusal in town.refused:
        address = refusal.person.address
        assert {vendor: town.vendors.mailable(vendor, address) for vendor in VENDORS} == dict.fromkeys(VENDORS, False)
        there: dict[str, tuple[float, str]] = {}
        for tick, effect, place in memberships[address]:
            assert effect == "left" or tick <= refusal.tick + LANES * CALL_BEAT * 4, f"{address} joined {place} after their no"
            there[place] = (tick, effect)
        assert there, f"{address} was on no list"
        for place, (tick, effect) in there.items():
            assert effect == "left", f"{address}, who said no at {refusal.point}, is still on {place}"
            assert tick - refusal.tick <= IN_TIME.total_seconds(), f"{address} was on {place} for {tick - refusal.tick} s"
        for vendor in VENDORS:
            told = receipts[address][vendor]
            assert told, f"{vendor} was never told about {address}"
            assert all(status == "accepted" and at - refusal.at <= IN_TIME for status, at in told), (address, vendor, told)
