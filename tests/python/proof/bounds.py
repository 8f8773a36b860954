"""The least write calls that a sync without faults can make, by a formula of our own (DESIGN.md 4 and 6)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from math import ceil

from tests.python.proof.effects import Document
from tests.python.proof.expected import Delivered, Expected, Wanted


@dataclass(frozen=True)
class Sizes:
    """How many rows one call carries."""

    mailchimp_batch: int
    mailchimp_leave: int
    klaviyo_job: int
    klaviyo_members: int
    sendgrid_upsert: int
    sendgrid_leave: int
    hubspot_batch: int
    hubspot_members: int


@dataclass(frozen=True)
class Waiting:
    """Rows that the ESP refused and whose time has not come: (document, row hash), and (document, membership) of moves."""

    writes: Set[tuple[Document, str]] = frozenset()
    joins: Set[tuple[Document, str]] = frozenset()
    leaves: Set[tuple[Document, str]] = frozenset()


@dataclass(frozen=True)
class Bound:
    """Calls by (destination, action): the least, and the most that a greedy arrangement of jobs may need."""

    least: Mapping[tuple[str, str], int]
    most: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class _Owed:
    """What one container is owed: documents to write, and people to join and leave by membership."""

    written: dict[Document, Wanted]
    joins: dict[str, set[Document]]
    leaves: dict[str, set[Document]]


def bound(expected: Expected, delivered: Mapping[Document, Delivered], waiting: Waiting, sizes: Sizes) -> Bound:
    """From what should be, what is delivered and what has to wait."""
    least: dict[tuple[str, str], int] = defaultdict(int)
    most: dict[tuple[str, str], int] = defaultdict(int)
    containers = sorted({document[:2] for document in [*expected.documents, *delivered]})
    for destination, container in containers:
        owed = _owed(expected, delivered, waiting, destination, container)
        if destination == "mailchimp":
            documents = owed.written.keys() | {one for some in owed.joins.values() for one in some}
            calls = {
                "write": ceil(len(documents) / sizes.mailchimp_batch),
                "leave": sum(ceil(len(some) / sizes.mailchimp_leave) for some in owed.leaves.values()),
            }
            bounds = (calls, calls)
        elif destination in ("hubspot", "sendgrid"):
            calls = (_hubspot if destination == "hubspot" else _sendgrid)(owed, sizes)
            bounds = (calls, calls)
        else:
            bounds = _klaviyo(owed, sizes)
        for calls, total in zip(bounds, (least, most), strict=True):
            for action, number in calls.items():
                total[destination, action] += number
    return Bound(least, most)


def _owed(
    expected: Expected, delivered: Mapping[Document, Delivered], waiting: Waiting, destination: str, container: str
) -> _Owed:
    owed = _Owed({}, defaultdict(set), defaultdict(set))
    for document, wanted in expected.documents.items():
        if document[:2] != (destination, container) or (document, wanted.row_hash) in waiting.writes:
            continue
        before = delivered.get(document)
        for membership in wanted.memberships - (before.memberships if before else set()):
            if (document, membership) not in waiting.joins:
                owed.joins[membership].add(document)
        differs = before and (before.fields != wanted.fields or before.address != wanted.address)
        if before is None or (differs and not wanted.is_inserted_only):
            owed.written[document] = wanted
    for document, before in delivered.items():
        if document[:2] == (destination, container):
            for membership in before.memberships:
                gone = document[2] not in expected.members[destination, container, membership]
                if gone and (document, membership) not in waiting.leaves:
                    owed.leaves[membership].add(document)
    return owed


def _sendgrid(owed: _Owed, sizes: Sizes) -> dict[str, int]:
    """An upsert for each choice of lists that somebody joins, or one for each list: whichever are fewer."""
    rows, documents = sizes.sendgrid_upsert, owed.written.keys() | {one for some in owed.joins.values() for one in some}
    alike = Counter(frozenset(name for name, some in owed.joins.items() if one in some) for one in documents)
    by_list = [len(some) for some in owed.joins.values()] + [alike[frozenset()]]
    return {
        "write": min(sum(ceil(count / rows) for count in counts) for counts in (alike.values(), by_list)),
        "leave": sum(ceil(len(some) / sizes.sendgrid_leave) for some in owed.leaves.values()),
    }


def _hubspot(owed: _Owed, sizes: Sizes) -> dict[str, int]:
    """Documents by themselves, joiners and leavers list by list."""
    moves = {"join": owed.joins, "leave": owed.leaves}
    calls = {name: sum(ceil(len(some) / sizes.hubspot_members) for some in lists.values()) for name, lists in moves.items()}
    return {**calls, "write": ceil(len(owed.written) / sizes.hubspot_batch)}


def _klaviyo(owed: _Owed, sizes: Sizes) -> tuple[dict[str, int], dict[str, int]]:
    """Jobs carry a list where all their profiles join it; the rest is joined list by list."""
    rows, members = sizes.klaviyo_job, sizes.klaviyo_members
    jobs = ceil(len(owed.written) / rows)
    all_joins = sum(ceil(len(some) / members) for some in owed.joins.values())
    calls = {"write": jobs, "leave": sum(ceil(len(some) / members) for some in owed.leaves.values())}
    if jobs <= 1:
        carried = [
            ceil(len(some) / members) - ceil((len(some) - len(owed.written)) / members)
            for some in owed.joins.values()
            if owed.written and owed.written.keys() <= some
        ]
        exact = {**calls, "join": all_joins - max(carried, default=0)}
        return exact, exact
    # which of several jobs carries which list is a puzzle of its own; a job saves at most what its profiles would fill
    return {**calls, "join": max(0, all_joins - jobs * ceil(rows / members))}, {**calls, "join": all_joins}
