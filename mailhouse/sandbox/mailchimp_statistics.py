"""Mailchimp's figures about a list and its tags, which catch up with writes only after a while."""

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from mailhouse.sandbox.runtime import Runtime

MEMBER = "mailchimp.member"

OF_LIST = "select json_extract(body, '$.status'), count(*) from object where kind = ? and parent = ? group by 1"
OF_TAGS = """
select tag_member.segment_id, json_extract(object.body, '$.status'), count(*)
from tag_member join object on object.kind = ? and object.id = tag_member.member_id and object.parent = tag_member.list_id
where tag_member.list_id = ? group by 1, 2
"""


@dataclass(slots=True)
class Figures:
    """What was true at one moment: members by status, and members of each tag by status."""

    statuses: dict[str, int]
    tags: dict[str, dict[str, int]]
    days_passed: int


class Statistics:
    """Remembers figures until the lag after the last write is over; writers say so before they write."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._figures: dict[str, Figures] = {}
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def before_write(self, list_id: str) -> None:
        """Keeps the figures from before the write, to be served until the lag is over."""
        with self._lock:
            self._current(list_id)
            self._due[list_id] = self._runtime.ticks.now() + self._runtime.limits["mailchimp"]["stats_lag_seconds"]

    def of(self, list_id: str) -> Figures:
        """The figures as Mailchimp would tell them now."""
        with self._lock:
            return self._current(list_id)

    def _current(self, list_id: str) -> Figures:
        known = self._figures.get(list_id)
        due = self._due.get(list_id)
        overdue = due is not None and self._runtime.ticks.now() >= due
        if known is None or overdue or known.days_passed != self._runtime.days_passed:
            self._due.pop(list_id, None)
            known = self._figures[list_id] = self._count(list_id)
        return known

    def _count(self, list_id: str) -> Figures:
        tags: dict[str, dict[str, int]] = defaultdict(dict)
        for segment, status, members in self._runtime.store.query(OF_TAGS, (MEMBER, list_id)):
            tags[segment][status] = members
        statuses = dict(self._runtime.store.query(OF_LIST, (MEMBER, list_id)))
        return Figures(statuses, dict(tags), self._runtime.days_passed)


def list_stats(figures: Figures, **more: Any) -> dict[str, Any]:
    """The `stats` of a list."""
    statuses = figures.statuses
    return {
        "member_count": statuses.get("subscribed", 0),
        "total_contacts": sum(count for status, count in statuses.items() if status != "archived"),
        "unsubscribe_count": statuses.get("unsubscribed", 0),
        "cleaned_count": statuses.get("cleaned", 0),
        **more,
    }
