"""The least calls that carry a plan: leavers list by list, contacts by 100, and whoever joins a list."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mailhouse.destinations.base import Call, Change
from mailhouse.destinations.hubspot.limits import BATCH_ROWS, MEMBER_ROWS


def calls(changes: Iterable[Change], rows: int = BATCH_ROWS, member_rows: int = MEMBER_ROWS) -> list[Call]:
    """Leavers of each list first, then contacts, then joinings of each list; in every call in the order of their keys.

    One call could add and remove at once. Ours never do: who leaves may have said no, and waits for nobody who joins.
    """
    ordered = sorted(changes, key=lambda change: change.key)
    planned: list[Call] = []
    for name, leaving in _by_list(ordered, "remove"):
        gone = [replace(change, write=False, add=(), remove=(name,)) for change in leaving]
        planned += [Call("leave", "", name, part) for part in _parts(gone, member_rows)]
    written = [replace(change, add=(), remove=()) for change in ordered if change.write]
    planned += [Call("write", "", "", part) for part in _parts(written, rows)]
    for name, joining in _by_list(ordered, "add"):
        some = [replace(change, write=False, add=(name,), remove=()) for change in joining]
        planned += [Call("join", "", name, part) for part in _parts(some, member_rows)]
    return planned


def _by_list(changes: Iterable[Change], kind: str) -> list[tuple[str, list[Change]]]:
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        for name in getattr(change, kind):
            found[name].append(change)
    return sorted(found.items())


def _parts(changes: Sequence[Change], rows: int) -> Iterator[tuple[Change, ...]]:
    for start in range(0, len(changes), rows):
        yield tuple(changes[start : start + rows])
