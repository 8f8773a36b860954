"""Random histories: records that come, go and come back, evidence that appears and vanishes, people who say who is who."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

REASONS = ("vendor", "mailbox", "email and name", "phone and name", "email and phone")
JOINED = 0.9  # the probability at which a score joins, as dbt_project.yml has it
Pair = tuple[str, str]


@dataclass
class World:
    """What the sources and the seeds say now. Records are born with an age of their own, whenever they come."""

    dice: Random
    ages: dict[str, float] = field(default_factory=dict)
    here: set[str] = field(default_factory=set)
    evidence: dict[Pair, str] = field(default_factory=dict)
    scores: dict[Pair, float] = field(default_factory=dict)
    must: set[Pair] = field(default_factory=set)
    cannot: set[Pair] = field(default_factory=set)

    def step(self) -> None:
        """One to four things happen between two builds."""
        acts = (self.come, self.come, self.go, self.come_back, self.match, self.score, self.part, self.decide, self.take_back)
        for act in self.dice.choices(acts, k=self.dice.randint(1, 4)):
            act()

    def come(self) -> None:
        for _ in range(self.dice.randint(1, 3)):
            key = f"crm/contact/{len(self.ages)}"
            self.ages[key] = self.dice.random()
            self.here.add(key)
            self.match()

    def go(self) -> None:
        if len(self.here) > 2:
            self.here.remove(self.dice.choice(sorted(self.here)))

    def come_back(self) -> None:
        if gone := sorted(set(self.ages) - self.here):
            self.here.add(self.dice.choice(gone))

    def match(self) -> None:
        if pair := self._pair():
            self.evidence[pair] = self.dice.choice(REASONS)

    def score(self) -> None:
        """Fields agree: in bits, in the weight that joins and somewhat more or less."""
        if pair := self._pair():
            self.scores[pair] = self.dice.choice((-3.0, 2.0, 4.0, 5.0, 9.0, 20.0))

    def part(self) -> None:
        for known in (self.evidence, self.scores):
            if known and self.dice.random() < 0.7:
                del known[self.dice.choice(sorted(known))]

    def decide(self) -> None:
        if pair := self._pair():
            self.dice.choice((self.must, self.cannot, self.cannot)).add(pair)

    def take_back(self) -> None:
        if said := [(seed, pair) for seed in (self.must, self.cannot) for pair in sorted(seed)]:
            seed, pair = self.dice.choice(said)
            seed.remove(pair)

    def numbers(self) -> dict[str, int]:
        """Record -> its place by age among those that are here, from 1."""
        return {key: number for number, key in enumerate(sorted(self.here, key=lambda key: (self.ages[key], key)), 1)}

    def given(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that the models read, in whatever order they come."""
        numbers = self.numbers()
        edges = [
            {"record_number": numbers[one], "other_number": numbers[other], "reason": reason}
            for (one, other), reason in self.evidence.items()
            if one in numbers and other in numbers
        ]
        scored = [
            {
                "record_number": max(numbers[one], numbers[other]),
                "other_number": min(numbers[one], numbers[other]),
                "match_weight": bits,
                "match_probability": 1 / (1 + 2**-bits),
                "is_contradicted": False,
            }
            for (one, other), bits in {tuple(sorted(pair)): bits for pair, bits in sorted(self.scores.items())}.items()
            if one in numbers and other in numbers
        ]
        # how much is known of a pair stays as it is from build to build, as its score does
        compared = [
            {
                **{name: row[name] for name in ("record_number", "other_number")},
                "count_known": 3 + int(abs(row["match_weight"])) % 3,
            }
            for row in scored
        ]
        edges += [
            {"record_number": row["record_number"], "other_number": row["other_number"], "reason": "score"}
            for row in scored
            if row["match_probability"] >= JOINED
        ]
        tables: dict[str, list[dict[str, Any]]] = {
            "int_people_united": [{"record_number": number, "record_key": key} for key, number in numbers.items()],
            "int_identity_pairs_scored": scored,
            "int_identity_pairs_compared": compared,
            "int_identity_records_given": [{"record_number": number, "is_strict": True} for number in numbers.values()],
            "int_identity_edges_drawn": edges,
            "int_identity_edges_unchained": edges,
            "identity_must_link": [{"record_key": one, "other_record_key": other} for one, other in sorted(self.must)],
            "identity_cannot_link": [{"record_key": one, "other_record_key": other} for one, other in sorted(self.cannot)],
        }
        return {name: self.dice.sample(rows, len(rows)) for name, rows in tables.items()}

    def _pair(self) -> Pair | None:
        if len(self.here) < 2:
            return None
        one, other = self.dice.sample(sorted(self.here), 2)
        return one, other
