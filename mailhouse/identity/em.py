"""Fits weights by expectation and maximisation over patterns of agreement. Nobody says which pairs are one person.

Three kinds of pairs are told apart: one person; two people of one household, who share a surname and an address and nothing
that is a person's own; and strangers. Without the second, every couple looks like one person with a misspelt given name.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailhouse.identity.weights import LEVELS, Prior, Weight, Weights, weight_of

ROUNDS = 60
SETTLED = 1e-4  # no share moves more than this
CORRECTIONS = 2  # how often true pairs are taken out of the random ones again
PSEUDO_PAIRS = 2.0  # what the first guess counts for, so that a level nobody shows is not impossible
LEAST_SHARE = 1e-7
LEAST_PAIRS = 0.5

Levels = tuple[int | None, ...]  # by comparison in the order of LEVELS; None: not known on one side
Ids = tuple[int, ...]  # the levels that are known, as places in one list
Shares = list[float]  # by place, what share of the known pairs is at each level of its comparison
Odds = tuple[float, float]  # how much likelier than strangers one person is, and one household; natural logarithms
Kinds = tuple[float, float]  # the probability of one person, and of one household


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
    """The weights, and how they came about: pairs looked at, and how many of them are one person as far as one can tell."""

    weights: Weights
    rounds: int
    pairs: float
    matches: float


@dataclass(frozen=True)
class Model:
    """How often each level is seen in pairs of one person (m), of one household (h) and of strangers (u)."""

    m: Shares
    h: Shares
    u: Shares

    def evidence(self) -> Callable[[Ids], Odds]:
        """What a pattern says for one person and for one household, against strangers."""
        person = [weight_of(m, u) * math.log(2) for m, u in zip(self.m, self.u, strict=True)].__getitem__
        household = [weight_of(h, u) * math.log(2) for h, u in zip(self.h, self.u, strict=True)].__getitem__
        return lambda ids: (sum(map(person, ids)), sum(map(household, ids)))


NAMES = tuple(LEVELS)
OFFSETS = tuple(sum(list(LEVELS.values())[:place]) for place in range(len(LEVELS)))
SIZE = sum(LEVELS.values())
# In two people of one household these agree no more often than in strangers; the rest is learned.
PERSONAL = ("given_name", "birth_date")
# What a first guess says of equal values: of one person, and of one household.
ALWAYS = dict.fromkeys(NAMES, 0.9)
AT_HOME = ALWAYS | {"phone": 0.2, "email": 0.05}


def fit(patterns: Patterns, rules: Sequence[Sequence[str]]) -> Fit:
    """Fit weights; `rules` are the comparisons that each blocking rule rests on, by bit.

    A pair found by a rule agrees on the rule's own fields by construction, so there they say nothing: under each rule only
    the other comparisons are counted. What a rule finds has its own shares of each kind; what a kind looks like is one for all.
    """
    sampled: Counter[Ids] = Counter()
    for pattern in patterns.sampled:
        sampled[_ids(pattern.levels)] += pattern.pairs
    found = _under_rules(patterns.blocked, rules)
    whole: Counter[Ids] = Counter()
    for pattern in patterns.blocked:
        whole[_ids(pattern.levels)] += pattern.pairs
    everything = max(1.5, patterns.records * (patterns.records - 1) / 2)
    model = Model(_guess(ALWAYS), _guess(AT_HOME), _counted(sampled.items(), _even()))
    rounds = 0
    for correction in range(CORRECTIONS + 1):
        model, taken = _maximise(found, model)
        rounds += taken
        matches, households = _kinds_among(whole, everything, model)
        if correction < CORRECTIONS:
            strangers = _strangers(sampled, model, (matches / everything, households / everything))
            model = Model(model.m, model.h, _counted(strangers, _even()))
    seen = {one for shown in (sampled, whole) for ids in shown for one in ids}
    prior = Prior(matches / everything, households / everything)
    return Fit(Weights(prior, _rows(model, seen)), rounds, sum(whole.values()), matches)


def _ids(levels: Levels, without: frozenset[int] = frozenset()) -> Ids:
    return tuple(OFFSETS[place] + level for place, level in enumerate(levels) if level is not None and place not in without)


def _under_rules(blocked: Iterable[Pattern], rules: Sequence[Sequence[str]]) -> dict[int, Counter[Ids]]:
    own = [frozenset(NAMES.index(name) for name in names) for names in rules]
    found: dict[int, Counter[Ids]] = defaultdict(Counter)
    for pattern in blocked:
        for rule, places in enumerate(own):
            if pattern.rules >> rule & 1:
                found[rule][_ids(pattern.levels, places)] += pattern.pairs
    return dict(found)


def _guess(equal: Mapping[str, float]) -> Shares:
    """So many agree, and the rest shares the other levels."""
    shares = []
    for name, count in LEVELS.items():
        shares += [(1 - equal[name]) / (count - 1)] * (count - 1) + [equal[name]]
    return shares


def _even() -> Shares:
    return [1 / count for count in LEVELS.values() for _ in range(count)]


def _counted(shown: Iterable[tuple[Ids, float]], guess: Shares) -> Shares:
    """The share of each level among the pairs in which its comparison is known."""
    totals = [0.0] * SIZE
    for ids, pairs in shown:
        for one in ids:
            totals[one] += pairs
    shares: Shares = []
    for offset, count in zip(OFFSETS, LEVELS.values(), strict=True):
        levels = [totals[one] + PSEUDO_PAIRS * guess[one] for one in range(offset, offset + count)]
        shares += [max(LEAST_SHARE, value / sum(levels)) for value in levels]
    return shares


def _kinds(odds: Odds, shares: Kinds) -> Kinds:
    """Bayes: what a pattern is, when so many of all pairs are of each kind."""
    logs = (odds[0] + math.log(shares[0]), odds[1] + math.log(shares[1]), math.log(max(LEAST_SHARE, 1 - sum(shares))))
    most = max(logs)
    person, household, strangers = (math.exp(one - most) for one in logs)
    total = person + household + strangers
    return person / total, household / total


def _maximise(found: Mapping[int, Counter[Ids]], model: Model) -> tuple[Model, int]:
    """Rounds until nothing moves: which kind each pattern is, then what each kind looks like."""
    shares: dict[int, Kinds] = dict.fromkeys(found, (0.2, 0.1))
    guesses = _guess(ALWAYS), _guess(AT_HOME)
    taken = 0
    while taken < ROUNDS:
        taken += 1
        evidence = model.evidence()
        persons: Counter[Ids] = Counter()
        households: Counter[Ids] = Counter()
        for rule, shown in found.items():
            total = [0.0, 0.0]
            for ids, pairs in shown.items():
                person, household = _kinds(evidence(ids), shares[rule])
                persons[ids] += person * pairs
                households[ids] += household * pairs
                total[0] += person * pairs
                total[1] += household * pairs
            everybody = sum(shown.values())
            shares[rule] = _within(total[0] / everybody), _within(total[1] / everybody)
        m = _counted(persons.items(), guesses[0])
        h = _impersonal(_counted(households.items(), guesses[1]), model.u)
        moved = max(abs(one - other) for one, other in zip(model.m, m, strict=True))
        model = Model(m, h, model.u)
        if moved < SETTLED:
            break
    return model, taken


def _within(share: float) -> float:
    return min(0.98, max(LEAST_SHARE, share))


def _impersonal(h: Shares, u: Shares) -> Shares:
    own = {one for name in PERSONAL for one in _places(name)}
    return [u[one] if one in own else h[one] for one in range(SIZE)]


def _places(name: str) -> range:
    offset = OFFSETS[NAMES.index(name)]
    return range(offset, offset + LEVELS[name])


def _strangers(sampled: Counter[Ids], model: Model, shares: Kinds) -> list[tuple[Ids, float]]:
    """The random pairs without those that are one person or household after all; in a small file they are not so few."""
    evidence = model.evidence()
    return [(ids, pairs * (1 - sum(_kinds(evidence(ids), shares)))) for ids, pairs in sampled.items()]


def _kinds_among(whole: Counter[Ids], everything: float, model: Model) -> Kinds:
    """How many pairs are one person, and one household, when any pair is as likely as any other before it is looked at."""
    evidence = model.evidence()
    odds = [(evidence(ids), pairs) for ids, pairs in whole.items()]
    found = (max(LEAST_PAIRS, everything**0.5 / 10),) * 2
    for _ in range(ROUNDS):
        shares = min(0.4, found[0] / everything), min(0.4, found[1] / everything)
        kinds = [(_kinds(one, shares), pairs) for one, pairs in odds]
        before = found
        found = tuple(max(LEAST_PAIRS, sum(kind[number] * pairs for kind, pairs in kinds)) for number in (0, 1))
        if abs(found[0] - before[0]) < SETTLED * before[0]:
            break
    return min(found[0], 0.4 * everything), min(found[1], 0.4 * everything)


def _rows(model: Model, seen: set[int]) -> list[Weight]:
    """One row for each level of the comparisons that any pair showed."""
    shown = [name for name in NAMES if not seen.isdisjoint(_places(name))]
    return [
        Weight(name, level, model.m[one], model.h[one], model.u[one]) for name in shown for level, one in enumerate(_places(name))
    ]
