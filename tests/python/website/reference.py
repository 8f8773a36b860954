"""Whose the events of a website are and which visits they make, said once more in plain Python."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple


class Event(NamedTuple):
    """One event: at a browser, by an account or by nobody known."""

    event_id: str
    browser: str
    account: str | None
    at: datetime


def owners(events: list[Event], customer_of: dict[str, str]) -> dict[str, str | None]:
    """Event -> the customer it belongs to."""
    named: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    for event in events:
        if event.account is not None:
            named[event.browser].append((event.at, event.event_id, customer_of[event.account]))
    found: dict[str, str | None] = {}
    for event in events:
        if event.account is not None:
            found[event.event_id] = customer_of[event.account]
            continue
        there = sorted(named[event.browser])
        people = {customer for _, _, customer in there}
        before = [customer for at, _, customer in there if at <= event.at]
        if len(people) == 1:
            found[event.event_id] = people.pop()
        else:
            found[event.event_id] = before[-1] if before else None
    return found


def sessions(events: list[Event], owner_of: dict[str, str | None], silence: timedelta) -> set[tuple[str, ...]]:
    """The visits, each as the ids of its events in order."""
    streams: dict[tuple[str, str | None], list[Event]] = defaultdict(list)
    for event in events:
        streams[event.browser, owner_of[event.event_id]].append(event)
    visits: list[list[Event]] = []
    for stream in streams.values():
        for event in sorted(stream, key=lambda one: (one.at, one.event_id)):
            goes_on = visits and visits[-1][-1] in stream and event.at - visits[-1][-1].at < silence
            if goes_on:
                visits[-1].append(event)
            else:
                visits.append([event])
    return {tuple(event.event_id for event in visit) for visit in visits}
