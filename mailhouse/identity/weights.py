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
COLUMNS = ("comparison", "level", "m", "u", "weight")
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


@dataclass(frozen=True)
class Weight:
    """One level: how often true pairs (`m`) and chance pairs (`u`) are at it, and what that weighs in bits."""

    comparison: str
    level: int
    m: float
    u: float
    weight: float


@dataclass(frozen=True)
class Weights:
    """A full set, with the prior: how likely two records are one person before anything is compared."""

    rows: Sequence[Weight]

    def as_csv(self) -> str:
        """The text of a seed, sorted as fitted; eight digits, so that a new fit reads as a diff."""
        lines = [",".join(COLUMNS)]
        lines += [f"{row.comparison},{row.level},{row.m:.8f},{row.u:.8f},{row.weight:.4f}" for row in self.rows]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        path.write_text(self.as_csv(), encoding="utf-8")

    @property
    def comparisons(self) -> list[str]:
        return [name for name in dict.fromkeys(row.comparison for row in self.rows) if name != PRIOR]


def weight_of(m: float, u: float) -> float:
    """Bits for a match, clamped."""
    return max(-MOST_BITS, min(MOST_BITS, math.log2(m / u)))


def prior_row(probability: float) -> Weight:
    """The prior as a row; its weight is not clamped, there may be any number of records."""
    return Weight(PRIOR, 0, probability, 1 - probability, math.log2(probability / (1 - probability)))


def read_weights(path: Path) -> Weights:
    """A seed as `write` leaves it. Raises RecordsRefused naming the line and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordsRefused(f"{path}: cannot be read as a seed of weights; fit one with `mailhouse identity train`") from error
    reader = csv.DictReader(io.StringIO(text))
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
        raise RecordsRefused(f"{path}: lacks the column `{missing[0]}`; a seed of weights has {', '.join(COLUMNS)}")
    rows = [_row(found, f"{path}, line {reader.line_num}") for found in reader]
    known = {(row.comparison, row.level) for row in rows}
    if len(known) < len(rows):
        raise RecordsRefused(f"{path}: says a level twice; keep one row of each comparison and level")
    if (PRIOR, 0) not in known:
        raise RecordsRefused(f"{path}: lacks the row of the prior (`prior,0,…`); fit it with `mailhouse identity train`")
    for name in dict.fromkeys(row.comparison for row in rows if row.comparison != PRIOR):
        if gone := [level for level in range(LEVELS[name]) if (name, level) not in known]:
            raise RecordsRefused(f"{path}: lacks level {gone[0]} of `{name}`; fit the weights anew")
    return Weights(rows)


def _row(found: Mapping[str, str], place: str) -> Weight:
    name = found["comparison"]
    if name != PRIOR and name not in LEVELS:
        raise RecordsRefused(f"{place}: unknown comparison `{name}`; known are {', '.join(LEVELS)}")
    try:
        row = Weight(name, int(found["level"]), float(found["m"]), float(found["u"]), float(found["weight"]))
    except (TypeError, ValueError) as error:
        raise RecordsRefused(f"{place}: level, m, u and weight must be numbers") from error
    if not (0 < row.u < 1 and 0 < row.m < 1 and math.isfinite(row.weight)):
        raise RecordsRefused(f"{place}: m and u are shares between 0 and 1")
    if not 0 <= row.level < LEVELS.get(name, 1):
        raise RecordsRefused(f"{place}: `{name}` knows no level {row.level}")
    return row
