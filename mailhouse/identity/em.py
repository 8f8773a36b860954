"""Fits weights by expectation and maximisation over patterns of agreement. Nobody says which pairs are one person."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailhouse.identity.weights import LEVELS, Weight, Weights, prior_row, weight_of

ROUNDS = 40
SETTLED = 1e-4  # no share moves more than this
CORRECTIONS = 2  # how often true pairs are taken out of the random ones again
PSEUDO_PAIRS = 2.0  # what the first guess counts for, so that a level nobody shows is not impossible
LEAST_SHARE = 1e-7

Levels = tuple[int | None, ...]  # by comparison in the order of LEVELS; None: not known on one side
Ids = tuple[int, ...]  # the levels that are known, as places in one list


@dataclass(frozen=True)
class Pattern:
    """So many pairs that agree in the same way; `rules` are the bits of the blocking rules that found them."""

    rules: int
    levels: Levels
    pairs: float


@dataclass(frozen=True)
class Patterns:
    """What the pairs of `records` records show: those that blocking found, and some at random."""

    blocked: Sequence[Pattern]
    sampled: Sequence[Pattern]
    records: int


@dataclass(frozen=True)
class Fit:
    """The weights, and how they came about."""

    weights: Weights
    rounds: int
    matches: float
    pairs: float


NAMES = tuple(LEVELS)
OFFSETS = tuple(sum(list(LEVELS.values())[:place]) for place in range(len(LEVELS)))
SIZE = sum(LEVELS.values())


def fit(patterns: Patterns, rules: Sequence[Sequence[str]]) -> Fit:
    """Fit weights; `rules` are the comparisons that each blocking rule rests on, by bit.

    A pair found by a rule agrees on the rule's own fields by construction, so there they say nothing: under each rule only
    the other comparisons are counted. What a rule finds has its own share of true pairs; the m of a comparison is one for all.
    """
    sampled = Counter[Ids]()
    for pattern in patterns.sampled:
        sampled[_ids(pattern.levels)] += pattern.pairs
    under_rules = _under_rules(patterns.blocked, rules)
    m, shares, rounds = _first_guess(), dict.fromkeys(under_rules, 0.3), 0
    u = _shares(sampled.items(), _flat())
    prior, matches = 0.0, 0.0
    for correction in range(CORRECTIONS + 1):
        m, shares, taken = _maximise(under_rules, m, u, shares)
        rounds += taken
        matches = _matches(patterns, m, u)
        prior = matches / _all_pairs(patterns.records)
        if correction < CORRECTIONS:
            u = _shares(_unmatched(sampled, m, u, prior), _flat())
    seen = {identifier for ids in (*sampled, *(ids for found in under_rules.values() for ids in found)) for identifier in ids}
    rows = [prior_row(prior), *_rows(m, u, seen)]
    return Fit(Weights(rows), rounds, matches, sum(pattern.pairs for pattern in patterns.blocked))


def _ids(levels: Levels, without: frozenset[int] = frozenset()) -> Ids:
    return tuple(
        OFFSETS[place] + level for place, level in enumerate(levels) if level is not None and place not in without
    )


def _under_rules(blocked: Iterable[Pattern], rules: Sequence[Sequence[str]]) -> dict[int, Counter[Ids]]:
    own = [frozenset(NAMES.index(name) for name in names) for names in rules]
    found: dict[int, Counter[Ids]] = defaultdict(Counter)
    for pattern in blocked:
        for rule, places in enumerate(own):
            if pattern.rules >> rule & 1:
                found[rule][_ids(pattern.levels, places)] += pattern.pairs
    return dict(found)


def _first_guess() -> list[float]:
    """Nine in ten true pairs agree, the rest share the other levels."""
    guess = []
    for count in LEVELS.values():
        guess += [0.1 / (count - 1)] * (count - 1) + [0.9]
    return guess


def _flat() -> list[float]:
    return [1 / count for count in LEVELS.values() for _ in range(count)]


def _shares(counted: Iterable[tuple[Ids, float]], guess: Sequence[float]) -> list[float]:
    """The share of each level among the pairs in which its comparison is known."""
    totals = [0.0] * SIZE
    for ids, pairs in counted:
        for identifier in ids:
            totals[identifier] += pairs
    shares = []
    for offset, count in zip(OFFSETS, LEVELS.values(), strict=True):
        levels = [totals[offset + level] + PSEUDO_PAIRS * guess[offset + level] for level in range(count)]
        shares += [max(LEAST_SHARE, value / sum(levels)) for value in levels]
    return shares


def _bits(m: Sequence[float], u: Sequence[float]) -> list[float]:
    """Weights in natural units, for the sums of one round."""
    return [weight_of(one, other) * math.log(2) for one, other in zip(m, u, strict=True)]


def _odds(share: float) -> float:
    return math.log(share / (1 - share))


def _probability(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


def _maximise(
    under_rules: Mapping[int, Counter[Ids]], m: Sequence[float], u: Sequence[float], shares: Mapping[int, float]
) -> tuple[list[float], dict[int, float], int]:
    """Rounds until nothing moves: how likely each pattern is a match, then what matches look like."""
    guess, current, share_of = _first_guess(), list(m), dict(shares)
    taken = 0
    while taken < ROUNDS:
        taken += 1
        bits = _bits(current, u).__getitem__
        matched: Counter[Ids] = Counter()
        for rule, found in under_rules.items():
            odds, matches, pairs = _odds(share_of[rule]), 0.0, 0.0
            for ids, count in found.items():
                likely = count * _probability(odds + sum(map(bits, ids)))
                matched[ids] += likely
                matches += likely
                pairs += count
            share_of[rule] = min(1 - LEAST_SHARE, max(LEAST_SHARE, matches / pairs))
        before, current = current, _shares(matched.items(), guess)
        if max(abs(one - other) for one, other in zip(before, current, strict=True)) < SETTLED:
            break
    return current, share_of, taken


def _unmatched(sampled: Counter[Ids], m: Sequence[float], u: Sequence[float], prior: float) -> list[tuple[Ids, float]]:
    """The random pairs without those that are true after all; in a small file they are not so few."""
    bits, odds = _bits(m, u).__getitem__, _odds(prior)
    return [(ids, pairs * (1 - _probability(odds + sum(map(bits, ids))))) for ids, pairs in sampled.items()]


def _matches(patterns: Patterns, m: Sequence[float], u: Sequence[float]) -> float:
    """How many pairs are matches when every pair of records is as likely as any other before it is looked at."""
    bits = _bits(m, u).__getitem__
    scores = [(sum(map(bits, _ids(pattern.levels))), pattern.pairs) for pattern in patterns.blocked]
    everything = _all_pairs(patterns.records)
    matches = max(0.5, patterns.records / 10)
    for _ in range(ROUNDS):
        odds = _odds(min(0.5, matches / everything))
        before, matches = matches, max(0.5, sum(pairs * _probability(odds + score) for score, pairs in scores))
        if abs(matches - before) < SETTLED * before:
            break
    return min(matches, everything / 2)


def _all_pairs(records: int) -> float:
    return max(1.5, records * (records - 1) / 2)


def _rows(m: Sequence[float], u: Sequence[float], seen: set[int]) -> list[Weight]:
    """One row for each level of the comparisons that any pair showed."""
    rows = []
    for name, offset, count in zip(NAMES, OFFSETS, LEVELS.values(), strict=True):
        places = range(offset, offset + count)
        if not seen.isdisjoint(places):
            rows += [Weight(name, place - offset, m[place], u[place], weight_of(m[place], u[place])) for place in places]
    return rows
