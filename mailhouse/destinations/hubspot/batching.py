"""The least calls that carry a plan: leavers list by list, contacts by 100, and whoever joins a list."""

from collections.abc import Iterable
from dataclasses import replace

from mailhouse.destinations.base import Call, Change
from mailhouse.destinations.hubspot.limits import BATCH_ROWS, MEMBER_ROWS
from mailhouse.destinations.moving import joinings, leavings


def calls(changes: Iterable[Change], rows: int = BATCH_ROWS, member_rows: int = MEMBER_ROWS) -> list[Call]:
    """Leavers of each list first, then contacts, then joinings of each list; in every call in the order of their keys.

    One call could add and remove at once. Ours never do: who leaves may have said no, and waits for nobody who joins.
    """
    ordered = sorted(changes, key=lambda change: change.key)
    written = [replace(change, add=(), remove=()) for change in ordered if change.write]
    writes = [Call("write", "", "", tuple(written[start : start + rows])) for start in range(0, len(written), rows)]
    return [*leavings(ordered, member_rows), *writes, *joinings(ordered, member_rows)]
