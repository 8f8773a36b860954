"""Three lists whose people change at random from run to run, and what each run owes them by a reckoning of our own."""

import random
from dataclasses import dataclass

from tests.python.sync.both import Both, address

PEOPLE = range(60)
NAMES = ("one", "two", "three")


@dataclass(frozen=True)
class Owed:
    """What one run owes: who joins and who leaves each list, and whose fields have changed."""

    adds: dict[str, set[int]]
    leaves: dict[str, set[int]]
    written: set[int]


class Mix:
    """The lists feed the ESPs that `feeds` names, as `Both.segment` does; two of three mirror, by chance."""

    def __init__(self, world: Both, seed: int, **feeds: bool) -> None:
        self.world, self.chance = world, random.Random(seed)
        world.people(PEOPLE)
        self.modes = {name: self.chance.choice(["mirror", "mirror", "upsert"]) for name in NAMES}
        for name in NAMES:
            world.segment(name, range(0), mode=self.modes[name], **feeds)
        self.there: dict[str, set[int]] = {name: set() for name in NAMES}
        self._sent: dict[int, str] = {}
        self._fields = {number: f"Name {number}" for number in PEOPLE}

    def change(self) -> Owed:
        """Change people and lists; what is said is there is so after the next run."""
        wanted = {name: set(self.chance.sample(PEOPLE, self.chance.randint(0, 60))) for name in NAMES}
        for number in self.chance.sample(PEOPLE, self.chance.randint(0, 20)):
            self._fields[number] = f"Name {number} {self.chance.random()}"
            self.world.rename(number, self._fields[number])
        for name in NAMES:
            self.world.members(name, [f"c{number:06d}" for number in sorted(wanted[name])])
        adds = {name: wanted[name] - self.there[name] for name in NAMES}
        leaves = {name: self.there[name] - wanted[name] if self.modes[name] == "mirror" else set() for name in NAMES}
        everybody = set().union(*wanted.values())
        written = {number for number in everybody if self._sent.get(number) != self._fields[number]}
        self.there = {name: (self.there[name] | wanted[name]) - leaves[name] for name in NAMES}
        self._sent |= {number: self._fields[number] for number in everybody}
        return Owed(adds, leaves, written)

    def addresses(self, name: str) -> set[str]:
        """Who is on a list by now."""
        return {address(number) for number in self.there[name]}
