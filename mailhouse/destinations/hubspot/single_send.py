"""One message to one person by HubSpot's single-send: how something that just happened is answered by a mail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.base import Outcome
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import client_of, paths_of
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown
from mailhouse.settings import Connection

TEMPLATE = "/single-send"
# HubSpot's words for a message that is on its way, at once or in its turn, or went out before under the same id
TAKEN = frozenset({"SENT", "IDEMPOTENT_IGNORE", "QUEUED"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `send_id` is ours, and under one id HubSpot sends once; `values` fill the mail's own placeholders."""

    send_id: str
    email_id: int
    address: str = field(repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class SingleSend:
    """Sends messages from one portal. Whoever calls has looked at consent: nothing here does."""

    def __init__(self, client: HttpClient, paths: Paths) -> None:
        self._client, self._paths = client, paths

    @classmethod
    @asynccontextmanager
    async def connect(cls, connection: Connection, clock: Clock) -> AsyncIterator["SingleSend"]:
        """The portal of one connection, open for the time of the block. Raises CredentialsMissing."""
        async with client_of(connection, clock) as client:
            yield cls(client, paths_of(connection))

    async def send(self, message: Message) -> Outcome:
        """Send one message; its outcome carries the message's id for a key.

        A message whose answer was lost is `try_again`: asked again under the same id it goes out once.
        Raises VendorUnreachable, CredentialsRejected, MalformedAnswer.
        """
        body = {
            "emailId": message.email_id,
            "message": {"to": message.address, "sendId": message.send_id},
            "customProperties": {name: wire.text(value) for name, value in message.values.items()},
        }
        try:
            answer = await self._client.write("POST", self._paths.single_send, TEMPLATE, body)
        except OutcomeUnknown:
            return Outcome(message.send_id, "try_again", "no_answer", "whether it was taken is not known")
        if answer.status in (400, 422):
            return Outcome(message.send_id, "rejected", f"http_{answer.status}", self._client.detail(answer))
        said = answer.body if isinstance(answer.body, Mapping) else {}
        if answer.status not in (200, 201, 202) or not said.get("status"):
            raise MalformedAnswer(f"{self._client.name}: POST {TEMPLATE}: {self._client.detail(answer)}; look there, run again")
        result = str(said.get("sendResult") or "QUEUED")
        if said["status"] != "CANCELED" and result in TAKEN:
            return Outcome(message.send_id, "accepted", vendor_id=str(said.get("statusId") or ""))
        return Outcome(message.send_id, "rejected", result.lower(), "HubSpot does not send it")
