"""Weights of agreement: what one comparison at one level says for or against two records being one person."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailhouse.errors import RecordsRefused

MOST_BITS = 12.0  # no single comparison decides alone, and no collapsed estimate weighs a hundred bits
PRIOR = "prior"
REQUIRED = ("comparison", "level", "m", "u", "weight")
COLUMNS = (*REQUIRED, "h", "household_weight")
# How many levels each comparison of macros/identity_levels.sql knows, 0 included.
LEVELS: Mapping[str, int] = {
    "given_name": 6,
    "family_name": 4,
    "birth_date": 4,
    "street_number": 3,
    "street": 4,
    "locality": 4,
    "city": 4,
    "postcode": 3,
    "region": 2,
    "country": 2,
    "phone": 3,
    "email": 4,
}


def weight_of(one: float, other: float) -> float:
    """Bits for the one, clamped."""
    return max(-MOST_BITS, min(MOST_BITS, math.log2(one / other)))


@dataclass(frozen=True)
class Weight:
    """One level: how often pairs of one person (`m`), of one household (`h`) and of strangers (`u`) are at it."""

    comparison: str
    level: int
    m: float
    h: float
    u: float

    @property
    def weight(self) -> float:
        """Bits for one person, against strangers."""
        return weight_of(self.m, self.u)

    @property
    def household_weight(self) -> float:
        """Bits for one person, against two of one household."""
        return weight_of(self.m, self.h)


@dataclass(frozen=True)
class Prior:
    """The share of all pairs that are one person, and that are one household, before anything is compared."""

    person: float
    household: float

    @property
    def weight(self) -> float:
        """Not clamped: there may be any number of records."""
        return math.log2(self.person / (1 - self.person))

    @property
    def household_weight(self) -> float:
        return math.log2(self.person / self.household)


@dataclass(frozen=True)
class Weights:
    """A full set, and the prior."""

    prior: Prior
    rows: Sequence[Weight]

    def table(self) -> list[tuple[str, int, float, float, float, float, float]]:
        """The rows of the seed, the prior first, in the order of COLUMNS."""
        prior = self.prior
        first = (PRIOR, 0, prior.person, 1 - prior.person, prior.weight, prior.household, prior.household_weight)
        return [first] + [(row.comparison, row.level, row.m, row.u, row.weight, row.h, row.household_weight) for row in self.rows]

    def as_csv(self) -> str:
        """The text of a seed; so many digits that a new fit reads as a diff."""
        lines = [",".join(COLUMNS)]
        for name, level, m, u, weight, h, household_weight in self.table():
            lines.append(f"{name},{level},{m:.8g},{u:.8g},{weight:.4f},{h:.8g},{household_weight:.4f}")
        return "\n".join(lines) + "\n"


def read_weights(path: Path) -> Weights:
    """A seed of weights; without a column `h` no household is thought of. Raises RecordsRefused: the line, what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordsRefused(f"{path}: cannot be read as a seed of weights; fit one with `mailhouse identity train`") from error
    reader = csv.DictReader(io.StringIO(text))
    if missing := [name for name in REQUIRED if name not in (reader.fieldnames or [])]:
        raise RecordsRefused(f"{path}: lacks the column `{missing[0]}`; a seed of weights has {', '.join(COLUMNS)}")
    rows = [_row(found, f"{path}, line {reader.line_num}") for found in reader]
    known = {(row.comparison, row.level) for row in rows}
    if len(known) < len(rows):
        raise RecordsRefused(f"{path}: says a level twice; keep one row of each comparison and level")
    priors = [row for row in rows if row.comparison == PRIOR]
    if not priors:
        raise RecordsRefused(f"{path}: lacks the row of the prior (`prior,0,…`); fit the weights anew")
    for name in dict.fromkeys(row.comparison for row in rows if row.comparison != PRIOR):
        if gone := [level for level in range(LEVELS[name]) if (name, level) not in known]:
            raise RecordsRefused(f"{path}: lacks level {gone[0]} of `{name}`; fit the weights anew")
    return Weights(Prior(priors[0].m, priors[0].h), [row for row in rows if row.comparison != PRIOR])


def _row(found: Mapping[str, str], place: str) -> Weight:
    name = found["comparison"]
    if name != PRIOR and name not in LEVELS:
        raise RecordsRefused(f"{place}: unknown comparison `{name}`; known are {', '.join(LEVELS)}")
    try:
        m, u = float(found["m"]), float(found["u"])
        row = Weight(name, int(found["level"]), m, float(found.get("h") or u), u)
    except (TypeError, ValueError) as error:
        raise RecordsRefused(f"{place}: level, m, u and h must be numbers") from error
    if not all(0 < share < 1 for share in (row.m, row.u, row.h)):
        raise RecordsRefused(f"{place}: m, u and h are shares between 0 and 1")
    if not 0 <= row.level < LEVELS.get(name, 1):
        raise RecordsRefused(f"{place}: `{name}` knows no level {row.level}")
    return row
