"""The least calls that carry a plan: leavers list by list, import jobs, and whoever joins a list that no job carries."""

from collections.abc import Iterable
from dataclasses import replace

from mailhouse.destinations.base import Call, Change
from mailhouse.destinations.klaviyo.arranging import Room, jobs
from mailhouse.destinations.moving import by_list, joinings, leavings


def calls(changes: Iterable[Change], room: Room | None = None) -> list[Call]:
    """Leavers of each list by 1,000 first, then import jobs of 10,000 profiles or 5 MB, then joinings by 1,000.

    A job's `membership` is the list that it carries, '' for none. Documents stand in the order of their keys in every call.
    """
    room = room or Room()
    ordered = sorted(changes, key=lambda change: change.key)
    planned = leavings(ordered, room.member_rows)
    carried: set[tuple[str, str]] = set()
    joining = {name: len(some) for name, some in by_list(ordered, "add")}
    for job in jobs([change for change in ordered if change.write], joining, room):
        joins = (job.list_name,) if job.list_name else ()
        written = [replace(one.change, add=joins, remove=()) for one in job.documents]
        carried |= {(change.key, job.list_name) for change in written}
        planned.append(Call("write", "", job.list_name, tuple(written)))
    return planned + joinings(ordered, room.member_rows, carried)
