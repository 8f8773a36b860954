"""Single messages by a dynamic template: what a trigger will send. Consent is not asked here, but by whoever calls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.limits import SEND, SEND_ROWS
from mailhouse.errors import ConfigurationError
from mailhouse.http import HttpClient, OutcomeUnknown, redacted

# under this name each message carries its key, which comes back with every event of it
KEY = "mailhouse_key"


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one address; `key` names the event that caused it, so that it is sent once."""

    key: str
    address: str = field(repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message. `unknown`: it may have been sent, and nobody can ask: it is not sent again."""

    key: str
    status: Literal["accepted", "rejected", "unknown"]
    reason: str = ""


class Messages:
    """Sends by one template from one verified address, up to 1,000 messages in a call.

    SendGrid takes a message as often as it is asked to and has no key against that. So no call is ever repeated: a key that
    stands twice in what is given is sent once, and what has no answer is `unknown`, which the caller must keep.
    """

    def __init__(self, client: HttpClient, template_id: str, sender: str, group_id: int | None = None) -> None:
        """Raises ConfigurationError for a template that is not dynamic."""
        if not template_id.startswith("d-"):
            raise ConfigurationError(f"{client.name}: {template_id} is no dynamic template; their ids begin with d-")
        self._client, self._template, self._sender, self._group = client, template_id, sender, group_id

    async def send(self, messages: Sequence[Message]) -> list[Sent]:
        """One outcome for each key. Raises VendorUnreachable, CredentialsRejected when the first call surely was not taken."""
        found: list[Sent] = []
        for part in _parts(list({message.key: message for message in messages}.values())):
            found += await self._part(part)
        return found

    async def _part(self, messages: Sequence[Message]) -> list[Sent]:
        try:
            answer = await self._client.write("POST", SEND, SEND, self._body(messages), again=False)
        except OutcomeUnknown as unknown:
            return [Sent(message.key, "unknown", str(unknown)) for message in messages]
        if answer.status == 202:
            return [Sent(message.key, "accepted") for message in messages]
        if len(messages) == 1 or answer.status not in (400, 413):
            reason = redacted(self._client.detail(answer))
            return [Sent(message.key, "rejected", reason) for message in messages]
        # none of a refused call was sent: one bad address is found by halving, and the others still go
        middle = len(messages) // 2
        return await self._part(messages[:middle]) + await self._part(messages[middle:])

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        envelopes = [
            {
                "to": [{"email": wire.normal(message.address)}],
                "dynamic_template_data": dict(message.data),
                "custom_args": {KEY: message.key},
            }
            for message in messages
        ]
        asm = {"asm": {"group_id": self._group}} if self._group is not None else {}
        return {"from": {"email": self._sender}, "template_id": self._template, "personalizations": envelopes, **asm}


def _parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), SEND_ROWS):
        yield messages[start : start + SEND_ROWS]
