"""Made-up person records with typing errors, gaps, swapped names, moves and households, and the truth beside them."""

import csv
import random
import string
from collections.abc import Iterator
from pathlib import Path

from faker.providers.person.en_US import Provider as Names

FIELDS = (
    "given_name", "family_name", "birth_date", "street_number", "street", "city", "postcode", "country", "phone", "email",
)  # fmt: skip
GIVEN = list(Names.first_names.items())
FAMILY = list(Names.last_names.items())
STREETS = [f"{name} {kind}" for name, _ in FAMILY[:400] for kind in ("Street", "Road", "Close")]


def write_people(path: Path, records: int, seed: int = 1) -> Path:
    """A csv with `id`, `truth` and FIELDS: one to four records of each person, one in five persons in a household of two."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "truth", *FIELDS))
        for number, (truth, record) in enumerate(_records(records, random.Random(seed))):
            writer.writerow((f"r{number}", f"p{truth}", *record))
    return path


def _records(count: int, chance: random.Random) -> Iterator[tuple[int, list[str]]]:
    made, truth, home = 0, 0, None
    given, family = _weighted(GIVEN), _weighted(FAMILY)
    while made < count:
        truth += 1
        shares_home = home is not None and chance.random() < 0.2
        person = _person(chance, given, family, home if shares_home else None)
        home = person
        for copy in range(min(count - made, chance.choices((1, 2, 3, 4), (40, 30, 20, 10))[0])):
            made += 1
            yield truth, person if copy == 0 else _copied(person, chance)


def _weighted(names: list[tuple[str, float]]) -> tuple[list[str], list[float]]:
    return [name for name, _ in names], [weight for _, weight in names]


def _person(chance: random.Random, given: tuple, family: tuple, home: list[str] | None) -> list[str]:
    first = chance.choices(*given)[0]
    last = home[1] if home else chance.choices(*family)[0]
    born = f"{chance.randint(1930, 2005)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    town = chance.randint(1, 3000)
    place = home[3:8] if home else [
        str(chance.randint(1, 300)), chance.choice(STREETS), f"{FAMILY[town % 900][0]}ton", f"{10000 + town * 7}", "GB",
    ]  # fmt: skip
    phone = f"+447{chance.randint(10**8, 10**9 - 1)}"
    email = f"{first}.{last}{chance.randint(1, 999)}@{chance.choice(('mail', 'post', 'box'))}.example".lower()
    return [first, last, born, *place, phone, email]


def _copied(person: list[str], chance: random.Random) -> list[str]:
    """The same person typed in once more: gaps, slips, a swap of names, an old address, another mailbox."""
    copied = ["" if chance.random() < 0.15 else value for value in person]
    for place in chance.sample(range(len(copied)), chance.choices((0, 1, 2, 3), (30, 40, 20, 10))[0]):
        copied[place] = _slip(copied[place], chance)
    if chance.random() < 0.03:
        copied[0], copied[1] = copied[1], copied[0]
    if chance.random() < 0.1:
        copied[3:5] = [str(chance.randint(1, 300)), chance.choice(STREETS)]
    if chance.random() < 0.15:
        copied[9] = f"{copied[0]}{chance.randint(1, 999)}@other.example".lower() if copied[0] else ""
    return copied


def _slip(value: str, chance: random.Random) -> str:
    if len(value) < 2:
        return value
    place = chance.randrange(len(value) - 1)
    letter = chance.choice(string.digits if value[place].isdigit() else string.ascii_lowercase)
    return chance.choice((
        value[:place] + value[place + 1 :],
        value[:place] + letter + value[place + 1 :],
        value[:place] + value[place + 1] + value[place] + value[place + 2 :],
        value[:place] + letter + value[place:],
    ))  # fmt: skip
