"""`mailhouse identity explain`: by what evidence two records are one customer, or why they are two."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from mailhouse.errors import WarehouseMissing
from mailhouse.identity.evidence import Edge, path, read_edges
from mailhouse.identity.named import Record, named_records
from mailhouse.platforms import platform_of
from mailhouse.query import published_manifest
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

# The edges on their way through the build, and why one that comes no further was taken away.
DRAWN, UNCHAINED, CONFIRMED = "int_identity_edges_drawn", "int_identity_edges_unchained", "int_identity_edges_confirmed"
GUARDED, CLUSTERED, SCORED = "int_identity_edges_guarded", "int_identities_clustered", "int_identity_pairs_scored"
TAKEN_BY_NAMES = "clearly different people in one cluster: a mailbox alone joins nobody there"
TAKEN_BY_DECISION = "on the other side of a decision that two records are not one person"
TAKEN_BY_GUARD = "the guard against chains stopped it"

_SHARED_POINTS = """
    select distinct mine.kind, coalesce(mine.wide_value, mine.value) as value
    from {int_contact_points_united} as mine
    inner join {int_contact_points_united} as theirs
        on mine.kind = theirs.kind and coalesce(mine.wide_value, mine.value) = coalesce(theirs.wide_value, theirs.value)
    where
        mine.is_valid and theirs.is_valid
        and mine.record_key in (select unnest($mine::varchar[])) and theirs.record_key in (select unnest($theirs::varchar[]))
    order by all
"""
_DECISIONS = """
    select decisions.record_key, decisions.other_record_key, decisions.reason, decisions.decided_by, decisions.decided_at
    from {identity_cannot_link} as decisions
    inner join {int_identities_resolved} as one on decisions.record_key = one.record_key
    inner join {int_identities_resolved} as other on decisions.other_record_key = other.record_key
    where
        least(one.customer_id, other.customer_id) = least($mine, $theirs)
        and greatest(one.customer_id, other.customer_id) = greatest($mine, $theirs)
    order by all
"""
_WEIGHT = """
    select cast(match_weight as double) from {int_identity_pairs_scored}
    where record_number = greatest($one::bigint, $other::bigint) and other_number = least($one::bigint, $other::bigint)
"""
_SHARED_MAILBOX = "select count_records from {int_mailboxes_judged} where email = $value and is_shared"


@dataclass(frozen=True)
class Hop:
    """One edge of the path: from one record to the next, for which reason, by which common values; a score's weight in bits."""

    record_key: str
    other_record_key: str
    reason: str
    weight: float | None
    values: Sequence[str]
    is_kept: bool = True
    why_not: str = ""


@dataclass(frozen=True)
class Explanation:
    """Whether two records are one customer. `path`: the evidence, weak links included when they are not; `reasons`: why not."""

    is_one: bool
    records: Sequence[str]
    customers: Sequence[str]
    path: Sequence[Hop]
    reasons: Sequence[str]

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)


def explain_published(settings: Settings, one: str, other: str) -> Explanation:
    """Explain two records of the published copy, each named by its key or an address.

    Of several records with one address, those two are explained that lie nearest to each other. Raises ConfigurationError
    for a name that no record has, WarehouseMissing when nothing was built, ElsewhereKept where it is built elsewhere.
    """
    platform_of(settings).require_raw("mailhouse identity explain")
    manifest = published_manifest(settings)
    with Warehouse(settings).read() as connection:
        return Explainer(connection, manifest).explain(one, other)


class Explainer:
    """Reads the tables of one build, by the names that its manifest has for them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
        nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
        self._connection = connection
        self._relations = {node["name"]: f'"{node["schema"]}"."{node["alias"]}"' for node in nodes}
        if CLUSTERED not in self._relations:
            raise WarehouseMissing("the published build holds no identities; run `mailhouse run`")
        # a build may do without the guard and without scores
        self._last = GUARDED if GUARDED in self._relations else CONFIRMED

    def explain(self, one: str, other: str) -> Explanation:
        mine = named_records(self._connection, self._relations, one)
        theirs = named_records(self._connection, self._relations, other)
        numbers = [record.number for record in (*mine, *theirs)]
        start, end = [record.number for record in mine], [record.number for record in theirs]
        kept = path(self._edges(self._last, numbers), start, end)
        if kept is not None:
            first, last = _ends(kept, mine, theirs)
            return self._explanation(first, last, self._hops(kept, {}), ())
        drawn = path([*self._edges(DRAWN, numbers), *self._edges(CONFIRMED, numbers)], start, end)
        first, last = _ends(drawn or (), mine, theirs)
        hops = self._hops(drawn or (), self._takers(numbers))
        return self._explanation(first, last, hops, self._reasons(first, last, hops))

    def _edges(self, name: str, around: Collection[int]) -> list[Edge]:
        return read_edges(self._connection, self._relations, name, around)

    def _takers(self, around: Collection[int]) -> Mapping[tuple[int, int, str], str]:
        """Each edge that was drawn and did not stay -> what took it away."""
        stages = [
            (DRAWN, UNCHAINED, TAKEN_BY_NAMES),
            (UNCHAINED, CONFIRMED, TAKEN_BY_DECISION),
            (CONFIRMED, self._last, TAKEN_BY_GUARD),
        ]
        takers: dict[tuple[int, int, str], str] = {}
        for before, after, why in stages:
            stays = {_pair(edge) for edge in self._edges(after, around)}
            takers |= {_pair(edge): why for edge in self._edges(before, around) if _pair(edge) not in stays}
        return takers

    def _hops(self, edges: Sequence[Edge], takers: Mapping[tuple[int, int, str], str]) -> list[Hop]:
        keys = self._keys([number for edge in edges for number in (edge.one, edge.other)])
        hops = []
        for edge in edges:
            one, other = keys[edge.one], keys[edge.other]
            why_not = takers.get(_pair(edge), "")
            values = [value for _, value in self._shared([one], [other])]
            hops.append(Hop(one, other, edge.reason, self._weight(edge), values, not why_not, why_not))
        return hops

    def _weight(self, edge: Edge) -> float | None:
        if edge.reason != "score" or SCORED not in self._relations:
            return None
        query = _WEIGHT.format_map(self._relations)
        rows = self._connection.execute(query, {"one": edge.one, "other": edge.other}).fetchall()
        return rows[0][0] if rows else None

    def _reasons(self, one: Record, other: Record, hops: Sequence[Hop]) -> list[str]:
        query = _DECISIONS.format_map(self._relations)
        decided = self._connection.execute(query, {"mine": one.customer_id, "theirs": other.customer_id}).fetchall()
        reasons = [
            f"{by} decided on {at:%Y-%m-%d} that {key} and {other_key} are not one person: {why}"
            for key, other_key, why, by, at in decided
        ]
        reasons += dict.fromkeys(hop.why_not for hop in hops if hop.why_not)
        if not hops:
            reasons += self._shared_values(one, other)
        return reasons or ["no evidence leads from one to the other"]

    def _shared_values(self, one: Record, other: Record) -> list[str]:
        """What they have in common, and why that joins nobody."""
        found = []
        for kind, value in self._shared([one.key], [other.key]):
            query = _SHARED_MAILBOX.format_map(self._relations)
            shared = self._connection.execute(query, {"value": value}).fetchall() if kind == "email" else []
            if shared:
                found.append(f"{value} is a shared mailbox ({shared[0][0]} records): there only the same full name joins")
            else:
                found.append(f"{value} is a {kind} of both, and their names are not the same")
        return found

    def _shared(self, mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
        query = _SHARED_POINTS.format_map(self._relations)
        return self._connection.execute(query, {"mine": mine, "theirs": theirs}).fetchall()

    def _keys(self, numbers: Sequence[int]) -> Mapping[int, str]:
        query = "select record_number, record_key from {int_people_united} where record_number in (select unnest($n::bigint[]))"
        return dict(self._connection.execute(query.format_map(self._relations), {"n": list(numbers)}).fetchall())

    def _explanation(self, one: Record, other: Record, hops: Sequence[Hop], reasons: Sequence[str]) -> Explanation:
        customers = [one.customer_id, other.customer_id]
        return Explanation(one.customer_id == other.customer_id, [one.key, other.key], customers, hops, reasons)


def _ends(way: Sequence[Edge], mine: Sequence[Record], theirs: Sequence[Record]) -> tuple[Record, Record]:
    """The records at both ends of a path; of an empty one, a record that both names have, else the oldest of each."""
    if way:
        first = next(record for record in mine if record.number == way[0].one)
        return first, next(record for record in theirs if record.number == way[-1].other)
    both = next((record for record in mine if record in theirs), None)
    return (both, both) if both else (mine[0], theirs[0])


def _pair(edge: Edge) -> tuple[int, int, str]:
    return min(edge.one, edge.other), max(edge.one, edge.other), edge.reason
