"""What joins records: the edges of a build as a graph, and the path of evidence from one record to another."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

# How sure a reason is, surest first; whatever else joins two records stands between names and a mailbox alone.
_SUREST = ("must link", "vendor", "email and name", "phone and name")
_WEAKEST = ("mailbox",)


@dataclass(frozen=True)
class Edge:
    """A reason to take two records (by number) for one person; `weight` in bits, where the reason is a score."""

    one: int
    other: int
    reason: str
    weight: float | None = None

    @property
    def rank(self) -> tuple[int, str]:
        if self.reason in _SUREST:
            return _SUREST.index(self.reason), self.reason
        return len(_SUREST) + (self.reason in _WEAKEST), self.reason


def read_edges(connection: duckdb.DuckDBPyConnection, relation: str, around: Collection[int]) -> list[Edge]:
    """Every edge of one table in the clusters that these records have there, by following them outwards."""
    columns = {name for name, *_ in connection.execute(f"describe {relation}").fetchall()}
    weight = "edges.weight" if "weight" in columns else "null"
    # pointer-free and plain: a cluster is read in as many steps as it is wide, and stars are two wide
    rows = connection.execute(
        f"""
        with recursive both_ways as (
            select record_number, other_number from {relation}
            union
            select other_number, record_number from {relation}
        ),
        near(record_number) as (
            select unnest($around::bigint[])
            union
            select both_ways.other_number from near inner join both_ways on near.record_number = both_ways.record_number
        )
        select edges.record_number, edges.other_number, edges.reason, {weight}
        from {relation} as edges
        semi join near on edges.record_number = near.record_number
        """,
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
            turned = Edge(one, other, edge.reason, edge.weight)
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
