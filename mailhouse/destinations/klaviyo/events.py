"""Events of a Klaviyo profile, which start flows. Consent is not asked here, but by whoever calls, and never written."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from mailhouse.clock import Clock
from mailhouse.destinations.event_settings import event_settings, text
from mailhouse.destinations.events import Event, EventOutcome
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import EVENT_BYTES, EVENT_ROWS
from mailhouse.destinations.klaviyo.reading import client_of
from mailhouse.destinations.telling import refused
from mailhouse.destinations.transport import Transport
from mailhouse.settings import Connection

# of one unique_id, profile and metric Klaviyo records the first
KEEPS_KEYS = True
ONE, MANY = "/api/events", "/api/event-bulk-create-jobs"
ASKED = {"metric": text("the name of the metric that the event counts as", 127)}


def metrics(connection: Connection) -> dict[str, str]:
    """Name of an event -> its metric. Raises ConfigurationError."""
    return {name: entry["metric"] for name, entry in event_settings(connection, ASKED).items()}


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["ProfileEvents"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing, ConfigurationError."""
    known = metrics(connection)
    async with client_of(connection, clock) as client:
        yield ProfileEvents(client, known)


class ProfileEvents(Transport):
    """Implements `EventTransport`: one event by itself, more of them by jobs of 1,000 events or 5 MB.

    A repeated unique_id is passed over by the call for one event, but fails a job as a whole. So a job that is refused is
    sent again in parts, and whatever ends up alone goes by the other call, where having been taken before does no harm.
    """

    keeps_keys = KEEPS_KEYS

    async def _calls(self, events: Sequence[Event]) -> Sequence[Sequence[Event]]:
        calls: list[list[Event]] = []
        filled = 0
        for event in events:
            size = len(orjson.dumps(self._entry(event))) + 1
            if not calls or len(calls[-1]) == EVENT_ROWS or filled + size > EVENT_BYTES:
                calls.append([])
                filled = 0
            calls[-1].append(event)
            filled += size
        return calls

    async def _tell(self, events: Sequence[Event]) -> list[EventOutcome]:
        path, body = (ONE, self._one(events[0])) if len(events) == 1 else (MANY, self._many(events))
        answer = await self._client.write("POST", path, path, body, again=KEEPS_KEYS)
        if answer.status not in (200, 201, 202):
            errors = answer.body.get("errors") if isinstance(answer.body, Mapping) else None
            named = frozenset(events[at].key for at in wire.rows_at_fault(errors, len(events)))
            raise refused(self._client, answer, named)
        return [EventOutcome(event.key, "accepted") for event in events]

    # -- forms ----------------------------------------------------------------------------------------------------------
    def _one(self, event: Event) -> dict[str, Any]:
        return {"data": {"type": "event", "attributes": self._attributes(event) | {"profile": _profile(event)}}}

    def _many(self, events: Sequence[Event]) -> dict[str, Any]:
        attributes = {"events-bulk-create": {"data": [self._entry(event) for event in events]}}
        return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}

    def _entry(self, event: Event) -> dict[str, Any]:
        events = {"data": [{"type": "event", "attributes": self._attributes(event)}]}
        return {"type": "event-bulk-create", "attributes": {"profile": _profile(event), "events": events}}

    def _attributes(self, event: Event) -> dict[str, Any]:
        return {
            "properties": dict(event.values),
            "time": event.occurred_at.isoformat(timespec="seconds"),
            "unique_id": event.key,
            "metric": {"data": {"type": "metric", "attributes": {"name": self._known[event.name]}}},
        }


def _profile(event: Event) -> dict[str, Any]:
    """Who it is about, by the address alone: nothing of the profile is written."""
    return {"data": {"type": "profile", "attributes": {"email": event.address}}}
