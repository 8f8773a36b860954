"""Events of a member of a Mailchimp list, which start automations. Consent is not asked here, but by whoever calls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from mailhouse.clock import Clock
from mailhouse.destinations.event_settings import event_settings, matching, text
from mailhouse.destinations.events import Event, EventOutcome
from mailhouse.destinations.mailchimp.account import client_of
from mailhouse.destinations.mailchimp.setup import Lists
from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.destinations.telling import refused
from mailhouse.destinations.transport import Transport
from mailhouse.http import HttpClient
from mailhouse.settings import Connection

# the same event once more is a second event, which may start the automation again: no call is ever repeated
KEEPS_KEYS = False
TEMPLATE = "/lists/{id}/members/{member}/events"
ASKED = {
    "list": text("the name of the list whose member the person is", 100),
    "event": matching(r"[A-Za-z0-9_-]{2,30}", "Mailchimp's name of the event: 2 to 30 letters, digits, - and _"),
}


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """What an event is at Mailchimp: an event of that name of a member of that list."""

    list: str
    event: str


def member_events(connection: Connection) -> dict[str, MemberEvent]:
    """Name of an event -> what it is at Mailchimp. Raises ConfigurationError."""
    return {name: MemberEvent(**entry) for name, entry in event_settings(connection, ASKED).items()}


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["MemberEvents"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing, ConfigurationError."""
    known = member_events(connection)
    async with client_of(connection, clock) as client:
        yield MemberEvents(client, known)


class MemberEvents(Transport):
    """Implements `EventTransport`: one call an event; who is no member of the list is refused and never made one."""

    keeps_keys = KEEPS_KEYS

    def __init__(self, client: HttpClient, known: Mapping[str, MemberEvent]) -> None:
        super().__init__(client, known)
        self._lists = Lists(client)

    async def _calls(self, events: Sequence[Event]) -> Sequence[Sequence[Event]]:
        # a list that is not there is found out before anything goes out
        for name in sorted({self._known[event.name].list for event in events}):
            await self._lists.known(name)
        return await super()._calls(events)

    async def _tell(self, events: Sequence[Event]) -> list[EventOutcome]:
        (event,) = events
        known = self._known[event.name]
        path = f"/lists/{(await self._lists.known(known.list)).id}/members/{key_of(event.address)}/events"
        body = {
            "name": known.event,
            "occurred_at": event.occurred_at.isoformat(timespec="seconds"),
            "properties": {name: _text(value) for name, value in event.values.items()},
            # true would keep automations from starting
            "is_syncing": False,
        }
        answer = await self._client.write("POST", path, TEMPLATE, body, again=KEEPS_KEYS)
        if answer.status == 404:
            return [EventOutcome(event.key, "rejected", "not_a_member", f"nobody of that address is on the list {known.list}")]
        if answer.status not in (200, 204):
            raise refused(self._client, answer)
        return [EventOutcome(event.key, "accepted")]


def _text(value: Any) -> str:
    """A value as Mailchimp wants every property: as text; what is neither text nor null as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
