"""The least calls that carry a plan: leavers list by list, and upserts, each of which puts all its contacts on its lists."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mailhouse.destinations.base import Call, Change
from mailhouse.destinations.moving import leavings
from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.limits import LEAVE_ROWS, UPSERT_BYTES, UPSERT_ROWS

# of an upsert beside its contacts: the brackets around them and its lists
ENVELOPE_BYTES = 8_192


@dataclass(frozen=True)
class Room:
    """What fits into one call."""

    rows: int = UPSERT_ROWS
    bytes: int = UPSERT_BYTES - ENVELOPE_BYTES
    leave_rows: int = LEAVE_ROWS


def calls(changes: Iterable[Change], room: Room | None = None) -> list[Call]:
    """Leavers of each list by 100 first, then upserts of 30,000 contacts or 6 MB.

    Two arrangements of the upserts are tried, and the one of fewer calls is taken: one upsert for all who join exactly the same
    lists, or one for each list, in which a document stands as often as it joins. Documents stand in the order of their keys.
    """
    room = room or Room()
    ordered = sorted(changes, key=lambda change: change.key)
    owed = [replace(change, remove=()) for change in ordered if change.write or change.add]
    return leavings(ordered, room.leave_rows) + min(_upserts(_alike(owed), room), _upserts(_by_list(owed), room), key=len)


def _alike(owed: Iterable[Change]) -> dict[tuple[str, ...], list[Change]]:
    found: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for change in owed:
        found[tuple(sorted(change.add))].append(change)
    return found


def _by_list(owed: Iterable[Change]) -> dict[tuple[str, ...], list[Change]]:
    found: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for change in owed:
        for name in change.add:
            # the fields go along each time: whichever upsert comes first makes the contact whole
            found[(name,)].append(replace(change, add=(name,)))
        if not change.add:
            found[()].append(change)
    return found


def _upserts(groups: Mapping[tuple[str, ...], Sequence[Change]], room: Room) -> list[Call]:
    return [Call("write", "", "", part) for _, some in sorted(groups.items()) for part in _parts(some, room)]


def _parts(changes: Sequence[Change], room: Room) -> Iterator[tuple[Change, ...]]:
    part: list[Change] = []
    filled = 0
    for change in changes:
        size = wire.size(change)
        if part and (len(part) == room.rows or filled + size > room.bytes):
            yield tuple(part)
            part, filled = [], 0
        part.append(change)
        filled += size
    if part:
        yield tuple(part)
