"""Events as mails by HubSpot's single-send, one call each. Consent is not asked here, but by whoever calls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.event_settings import event_settings, positive
from mailhouse.destinations.events import Event, EventOutcome
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import client_of, paths_of
from mailhouse.destinations.telling import refused
from mailhouse.destinations.transport import Transport
from mailhouse.http import Answer, HttpClient, OutcomeUnknown
from mailhouse.settings import Connection

# under one sendId HubSpot sends once
KEEPS_KEYS = True
TEMPLATE = "/single-send"
ASKED = {"email": positive("the id of a mail that is saved for single-send")}
# HubSpot's words for a message that is on its way, at once or in its turn, or went out before under the same id
TAKEN = frozenset({"SENT", "IDEMPOTENT_IGNORE", "QUEUED"})


def email_ids(connection: Connection) -> dict[str, int]:
    """Name of an event -> the id of its mail. Raises ConfigurationError."""
    return {name: entry["email"] for name, entry in event_settings(connection, ASKED).items()}


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["SingleSend"]:
    """The portal of one connection, open for the time of the block. Raises CredentialsMissing, ConfigurationError."""
    known = email_ids(connection)
    async with client_of(connection, clock) as client:
        yield SingleSend(client, paths_of(connection), known)


class SingleSend(Transport):
    """Implements `EventTransport`: a mail's placeholders (`custom.…`) are filled with the event's values."""

    keeps_keys = KEEPS_KEYS

    def __init__(self, client: HttpClient, paths: Paths, known: Mapping[str, int]) -> None:
        super().__init__(client, known)
        self._paths = paths

    async def _tell(self, events: Sequence[Event]) -> list[EventOutcome]:
        (event,) = events
        body = {
            "emailId": self._known[event.name],
            "message": {"to": event.address, "sendId": event.key},
            "customProperties": {name: _value(value) for name, value in event.values.items()},
        }
        answer = await self._client.write("POST", self._paths.single_send, TEMPLATE, body, again=KEEPS_KEYS)
        if answer.status not in (200, 201, 202):
            raise refused(self._client, answer)
        return [self._outcome(event, answer)]

    def _outcome(self, event: Event, answer: Answer) -> EventOutcome:
        said = answer.body if isinstance(answer.body, Mapping) else {}
        if not said.get("status"):
            raise OutcomeUnknown(f"{self.name}: POST {TEMPLATE}: an answer that does not say what became of it")
        result = str(said.get("sendResult") or "QUEUED")
        if said["status"] != "CANCELED" and result in TAKEN:
            return EventOutcome(event.key, "accepted", vendor_id=str(said.get("statusId") or ""))
        return EventOutcome(event.key, "rejected", result.lower(), "HubSpot does not send it")


def _value(value: Any) -> Any:
    """As text, as HubSpot wants every value; a list or an object is for the mail's own program and stays one."""
    return value if isinstance(value, list | dict) else wire.text(value)
