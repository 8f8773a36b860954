"""Putting people on lists and taking them off: the calls that are needed, and what is said of those who were moved."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Literal

from mailhouse.destinations.base import Call, Change, Outcome


def by_list(changes: Iterable[Change], kind: Literal["add", "remove"]) -> list[tuple[str, list[Change]]]:
    """Each list with those who join it, or leave it, in the order of the names."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        for name in getattr(change, kind):
            found[name].append(change)
    return sorted(found.items())


def leavings(changes: Iterable[Change], rows: int) -> list[Call]:
    """The removals from each list, by `rows`, in the order of the changes."""
    planned: list[Call] = []
    for name, leaving in by_list(changes, "remove"):
        gone = [replace(change, write=False, add=(), remove=(name,)) for change in leaving]
        planned += [Call("leave", "", name, part) for part in _parts(gone, rows)]
    return planned


def joinings(changes: Iterable[Change], rows: int, carried: Set[tuple[str, str]] = frozenset()) -> list[Call]:
    """As `leavings`, of whoever joins; `carried` are those (key, list) that another call puts on their list."""
    planned: list[Call] = []
    for name, joining in by_list(changes, "add"):
        left = [replace(one, write=False, add=(name,), remove=()) for one in joining if (one.key, name) not in carried]
        planned += [Call("join", "", name, part) for part in _parts(left, rows)]
    return planned


def _parts(changes: Sequence[Change], rows: int) -> Iterator[tuple[Change, ...]]:
    for start in range(0, len(changes), rows):
        yield tuple(changes[start : start + rows])


def all_accepted(changes: Iterable[Change]) -> list[Outcome]:
    """The outcomes of people who are where they should be."""
    return [Outcome(change.key, "accepted", vendor_id=change.vendor_id) for change in changes]
