"""The least calls that carry a plan: leavers list by list, import jobs, and whoever joins a list that no job carries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mailhouse.destinations.base import Call, Change
from mailhouse.destinations.klaviyo.arranging import Room, jobs


def calls(changes: Iterable[Change], room: Room | None = None) -> list[Call]:
    """Leavers of each list by 1,000 first, then import jobs of 10,000 profiles or 5 MB, then joinings by 1,000.

    A job's `membership` is the list that it carries, '' for none. Documents stand in the order of their keys in every call.
    """
    room = room or Room()
    ordered = sorted(changes, key=lambda change: change.key)
    planned: list[Call] = []
    for name, leaving in _by_list(ordered, "remove"):
        gone = [replace(change, write=False, add=(), remove=(name,)) for change in leaving]
        planned += [Call("leave", "", name, part) for part in _parts(gone, room.member_rows)]
    joining = _by_list(ordered, "add")
    carried: set[tuple[str, str]] = set()
    for job in jobs([change for change in ordered if change.write], {name: len(some) for name, some in joining}, room):
        joins = (job.list_name,) if job.list_name else ()
        written = [replace(one.change, add=joins, remove=()) for one in job.documents]
        carried |= {(change.key, job.list_name) for change in written}
        planned.append(Call("write", "", job.list_name, tuple(written)))
    for name, some in joining:
        left = [replace(change, write=False, add=(name,), remove=()) for change in some if (change.key, name) not in carried]
        planned += [Call("join", "", name, part) for part in _parts(left, room.member_rows)]
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
