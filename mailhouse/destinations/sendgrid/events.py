"""Events as mails by a dynamic template of SendGrid. Consent is not asked here, but by whoever calls."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.event_settings import event_settings, matching, optional, positive
from mailhouse.destinations.events import Event, EventOutcome
from mailhouse.destinations.keys import normal
from mailhouse.destinations.sendgrid.groups import group_of
from mailhouse.destinations.sendgrid.limits import SEND, SEND_ROWS
from mailhouse.destinations.sendgrid.reading import client_of
from mailhouse.destinations.telling import refused
from mailhouse.destinations.transport import Transport
from mailhouse.settings import Connection

# SendGrid takes a mail as often as it is asked to: no call is ever repeated
KEEPS_KEYS = False
# under this name each mail carries its key, which comes back with all that happens to it
KEY = "mailhouse_key"
ASKED = {
    "template": matching(r"d-[0-9a-zA-Z]+", "the id of a dynamic template; those begin with d-"),
    "sender": matching(r"[^@\s]+@[^@\s]+", "the verified address that the mail comes from"),
    "group": optional(positive("the number of an unsubscribe group")),
}


@dataclass(frozen=True, slots=True)
class Mail:
    """What an event is at SendGrid: a template, who it comes from, and the group that people can leave by it."""

    template: str
    sender: str = field(repr=False)
    group: int | None


def mails(connection: Connection) -> dict[str, Mail]:
    """Name of an event -> its mail; without a group of its own it goes out under the one that refusals go into.

    Raises ConfigurationError.
    """
    group = group_of(connection)
    usual = int(group) if group is not None else None
    found = event_settings(connection, ASKED)
    return {name: Mail(one["template"], one["sender"], one["group"] or usual) for name, one in found.items()}


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Mails"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing, ConfigurationError."""
    known = mails(connection)
    async with client_of(connection, clock) as client:
        yield Mails(client, known)


class Mails(Transport):
    """Implements `EventTransport`: events of one kind go out by up to 1,000 in a call, each to its own address."""

    keeps_keys = KEEPS_KEYS

    async def _calls(self, events: Sequence[Event]) -> Sequence[Sequence[Event]]:
        # each call is about one kind of event: it has one template
        by_name: dict[str, list[Event]] = {}
        for event in events:
            by_name.setdefault(event.name, []).append(event)
        return [some[start : start + SEND_ROWS] for some in by_name.values() for start in range(0, len(some), SEND_ROWS)]

    async def _tell(self, events: Sequence[Event]) -> list[EventOutcome]:
        answer = await self._client.write("POST", SEND, SEND, _body(self._known[events[0].name], events), again=KEEPS_KEYS)
        if answer.status != 202:
            raise refused(self._client, answer)
        return [EventOutcome(event.key, "accepted") for event in events]


def _body(mail: Mail, events: Iterable[Event]) -> dict[str, Any]:
    envelopes = [
        {
            "to": [{"email": normal(event.address)}],
            "dynamic_template_data": dict(event.values),
            "custom_args": {KEY: event.key},
        }
        for event in events
    ]
    group = {"asm": {"group_id": mail.group}} if mail.group is not None else {}
    return {"from": {"email": mail.sender}, "template_id": mail.template, "personalizations": envelopes, **group}
