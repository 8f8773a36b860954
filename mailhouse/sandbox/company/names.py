"""Names, streets and firms by country, drawn from Faker once and from then on from lists."""

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from random import Random

from faker import Faker

from mailhouse.sandbox.company.countries import locale_of

GIVEN_NAMES, FAMILY_NAMES, PLACES, STREETS, FIRMS = 220, 420, 120, 150, 260
NICKNAMES = {
    "alexander": "Alex", "alexandra": "Alex", "andrea": "Andi", "andreas": "Andi", "anthony": "Tony", "barbara": "Barb",
    "benjamin": "Ben", "catherine": "Kate", "christian": "Chris", "christopher": "Chris", "daniel": "Dan", "david": "Dave",
    "deborah": "Debbie", "donald": "Don", "edward": "Ed", "elisabeth": "Lisa", "elizabeth": "Liz", "frederic": "Fred",
    "gregory": "Greg", "jacqueline": "Jackie", "james": "Jim", "jennifer": "Jenny", "johannes": "Hannes", "john": "Jack",
    "jonathan": "Jon", "joseph": "Joe", "joshua": "Josh", "katharina": "Kathi", "katherine": "Kathy", "kenneth": "Ken",
    "kimberly": "Kim", "margaret": "Maggie", "matthew": "Matt", "maximilian": "Max", "michael": "Mike", "michel": "Mich",
    "nicholas": "Nick", "nicolas": "Nico", "patricia": "Pat", "philippe": "Phil", "rebecca": "Becky", "richard": "Rick",
    "robert": "Bob", "ronald": "Ron", "samantha": "Sam", "samuel": "Sam", "sebastian": "Basti", "stephen": "Steve",
    "steven": "Steve", "susanne": "Susi", "thomas": "Tom", "timothy": "Tim", "valerie": "Val", "victoria": "Vicky",
    "vincent": "Vince", "william": "Bill",
}  # fmt: skip
_TRANSLITERATED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d"})


@dataclass(frozen=True)
class Place:
    """A town with one of its postal codes."""

    city: str
    zip: str


class Pool:
    """The names of one locale; common ones come up often, so that namesakes exist."""

    def __init__(self, locale: str, seed: str) -> None:
        faker = Faker(locale)
        faker.seed_instance(f"{seed}:{locale}")
        self._rng = Random(f"{seed}:{locale}:order")
        self.given = self._distinct(faker.first_name, GIVEN_NAMES)
        self.family = self._distinct(faker.last_name, FAMILY_NAMES)
        self.streets = self._distinct(faker.street_name, STREETS)
        self.firms = self._distinct(faker.company, FIRMS)
        self.places = [Place(faker.city(), faker.postcode()) for _ in range(PLACES)]

    def _distinct(self, draw, wanted: int) -> list[str]:
        # a dict keeps the order of drawing, a set would depend on the process
        names = list(dict.fromkeys(draw() for _ in range(wanted * 2)))[:wanted]
        self._rng.shuffle(names)
        return names

    @cached_property
    def _given_weights(self) -> list[float]:
        return list(itertools.accumulate(1 / (rank + 8) for rank in range(len(self.given))))

    @cached_property
    def _family_weights(self) -> list[float]:
        return list(itertools.accumulate(1 / (rank + 12) for rank in range(len(self.family))))

    def given_name(self, rng: Random) -> str:
        return rng.choices(self.given, cum_weights=self._given_weights)[0]

    def family_name(self, rng: Random) -> str:
        return rng.choices(self.family, cum_weights=self._family_weights)[0]


class NamePools:
    """One pool a locale, made when its first inhabitant appears; deterministic per seed."""

    def __init__(self, seed: int) -> None:
        self._seed = f"names:{seed}"
        self._pools: dict[str, Pool] = {}

    def of(self, country: str | None) -> Pool:
        """The pool of a country's locale."""
        locale, _ = locale_of(country)
        if locale not in self._pools:
            self._pools[locale] = Pool(locale, self._seed)
        return self._pools[locale]


def slug(text: str) -> str:
    """What of a name may stand in an address: lower-case ASCII letters and digits."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_TRANSLITERATED)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain) or "x"


def nickname(given: str) -> str | None:
    """What friends call a person of that given name, where we know."""
    return NICKNAMES.get(given.lower())


def misspelt(rng: Random, name: str) -> str:
    """The name with one slip of the hand behind its first letter."""
    if len(name) < 4:
        return name + name[-1]
    at = rng.randrange(1, len(name) - 1)
    slip = rng.randrange(3)
    if slip == 0 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if slip == 1:
        return name[:at] + name[at + 1 :]
    return name[: at + 1] + name[at] + name[at + 1 :]
