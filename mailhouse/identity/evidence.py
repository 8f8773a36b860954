"""What joins records: the edges of a build as a graph, and the path of evidence from one record to another."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

# How sure a reason is, surest first; whatever else joins two records stands between names and a mailbox alone.
_SUREST = ("must link", "vendor", "email and name", "phone and name", "email and phone")
_WEAKEST = ("mailbox",)


@dataclass(frozen=True)
class Edge:
    """A reason to take two records (by number) for one person."""

    one: int
    other: int
    reason: str

    @property
    def rank(self) -> tuple[int, str]:
        if self.reason in _SUREST:
            return _SUREST.index(self.reason), self.reason
        return len(_SUREST) + (self.reason in _WEAKEST), self.reason


# Everything that evidence may join to some records: the clusters that all evidence drawn gives them and those that they ended
# in, which somebody's must-link may have made of several.
_AROUND = """
    with named as (
        select * from {int_identities_clustered}
        where cluster_number in (
            select clustered.cluster_number from {int_identities_clustered} as clustered
            where clustered.record_number in (select unnest($around::bigint[]))
        )
    )
    select record_number from {int_identities_proposed}
    where cluster_number in (
        select proposed.cluster_number from {int_identities_proposed} as proposed semi join named using (record_number)
    )
"""


def read_edges(
    connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str], name: str, around: Collection[int]
) -> list[Edge]:
    """The edges of the model `name` in the clusters that hold these records."""
    rows = connection.execute(
        f"select edges.record_number, edges.other_number, edges.reason from {relations[name]} as edges"
        f" where edges.record_number in ({_AROUND.format_map(relations)})",
        {"around": list(around)},
    ).fetchall()
    return [Edge(*row) for row in rows]


def path(edges: Iterable[Edge], start: Collection[int], end: Collection[int]) -> Sequence[Edge] | None:
    """The shortest way from one of `start` to one of `end`, each edge in the direction of travel; None when there is none.

    Of two edges between the same records the surer one is taken. A record that is in both is a way of no edges.
    """
    neighbours = _neighbours(edges)
    goal = set(end)
    before: dict[int, Edge | None] = dict.fromkeys(sorted(start))
    queue = deque(before)
    while queue:
        here = queue.popleft()
        if here in goal:
            return _way_back(before, here)
        for there, edge in sorted(neighbours.get(here, {}).items(), key=lambda item: (item[1].rank, item[0])):
            if there not in before:
                before[there] = edge
                queue.append(there)
    return None


def _neighbours(edges: Iterable[Edge]) -> Mapping[int, Mapping[int, Edge]]:
    found: dict[int, dict[int, Edge]] = {}
    for edge in edges:
        for one, other in ((edge.one, edge.other), (edge.other, edge.one)):
            known = found.setdefault(one, {}).get(other)
            turned = Edge(one, other, edge.reason)
            if known is None or turned.rank < known.rank:
                found[one][other] = turned
    return found


def _way_back(before: Mapping[int, Edge | None], end: int) -> Sequence[Edge]:
    way = []
    edge = before[end]
    while edge is not None:
        way.append(edge)
        edge = before[edge.one]
    return way[::-1]
