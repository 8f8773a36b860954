"""The rule of ids once more, in plain Python: what each record's customer is called after what they were called before."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


def digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Memory:
    """Of each record the last id, and how many stretches it has had; of each id, which build gave it first."""

    last: dict[str, str] = field(default_factory=dict)
    stretches: Counter[str] = field(default_factory=Counter)
    given_in: dict[str, int] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    build: int = 0

    def call(self, ages: Mapping[str, int], clusters: Iterable[Sequence[str]]) -> Mapping[str, str]:
        """Record -> id. `ages`: record -> its place by age; each cluster's records are in that order."""
        self.build += 1
        of = {record: cluster for cluster in clusters for record in cluster}
        parts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for record in sorted(of, key=lambda record: ages[record]):
            if record in self.last:
                parts[self.last[record]][of[record][0]].append(record)
        claims: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for name, rivals in parts.items():
            holder, part = min(rivals.items(), key=lambda rival: (-len(rival[1]), ages[rival[1][0]]))
            claims[holder].append((self.given_in[name], ages[part[0]], name))
        names = {first: min(claimed)[2] for first, claimed in claims.items()}
        called = {record: names.get(cluster[0]) or self._newborn(cluster[0]) for record, cluster in of.items()}
        self._remember(called)
        return called

    def _newborn(self, founder: str) -> str:
        times = self.stretches[founder]
        return digest(f"#{times}/{founder}" if times else founder)

    def _remember(self, called: Mapping[str, str]) -> None:
        for record, name in called.items():
            if record not in self.present or self.last[record] != name:
                self.stretches[record] += 1
            self.last[record] = name
            self.given_in.setdefault(name, self.build)
        self.present = set(called)


def clusters_of(ages: Mapping[str, int], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The records that hang together, each cluster by age."""
    root = {record: record for record in ages}

    def find(record: str) -> str:
        while root[record] != record:
            root[record] = root[root[record]]
            record = root[record]
        return record

    for one, other in pairs:
        root[find(one)] = find(other)
    found: dict[str, list[str]] = defaultdict(list)
    for record in sorted(ages, key=lambda record: ages[record]):
        found[find(record)].append(record)
    return list(found.values())
