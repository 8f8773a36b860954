"""What an ESP is to a trigger: told that something happened to somebody, at most once under one key.

Consent is not asked here, but by whoever calls: an event about somebody who said no must not be given to a transport.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import orjson

from mailhouse.clock import Clock
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person, and shall be answered by a mail.

    `key` is ours, says nothing of the person, and under it the event goes out at most once. `name` is one of the names in the
    connection's `settings.events`. `occurred_at` is UTC. `values` are what the mail is filled with: what JSON can hold, money
    as text. Raises ValueError for a time without a zone and for values that JSON cannot hold.
    """

    key: str
    name: str
    address: str = field(repr=False)
    occurred_at: datetime
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError(f"event {self.key}: occurred_at has no time zone")
        object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        try:
            orjson.dumps(dict(self.values))
        except TypeError:
            raise ValueError(f"event {self.key}: its values hold something that JSON cannot") from None


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of one event; each key gets exactly one.

    `accepted`: taken by the ESP, which may still decide not to mail. `rejected`: about this event, and final. `try_again`: it
    may be given once more, since it surely was not taken, or the ESP keeps our key and would not mail twice. `unknown`: it may
    have been taken and the ESP keeps no key, so it is never given again.
    """

    key: str
    status: Literal["accepted", "rejected", "try_again", "unknown"]
    code: str = ""
    reason: str = ""
    vendor_id: str = ""


class EventTransport(Protocol):
    """One account at one ESP, told of events; nothing of consent, triggers or the warehouse."""

    name: str

    async def send(self, events: Sequence[Event]) -> list[EventOutcome]:
        """One outcome for each key, in no order; of two events under one key the first goes out.

        Whoever calls writes the keys down before: of a process that dies on the way nobody knows what was taken. Raises only
        while nothing has been sent: ConfigurationError for an event that the connection does not name, and where something
        must be looked up first CredentialsRejected, VendorUnreachable, MalformedAnswer.
        """

    def counts(self) -> Mapping[str, int]:
        """Calls made so far by `METHOD path-template status`."""


@dataclass(frozen=True)
class EventRules:
    """What is true of the events of every account of one vendor.

    `keeps_keys`: the vendor knows an event again by our key, so that one whose call was not answered may be given once more.
    `names(connection)` are the events that the connection's settings name; raises ConfigurationError for settings that cannot
    be meant, and so does `connect`, which also raises CredentialsMissing.
    """

    vendor: str
    keeps_keys: bool
    names: Callable[[Connection], Iterable[str]]
    connect: Callable[[Connection, Clock], AbstractAsyncContextManager[EventTransport]]


def once(events: Iterable[Event]) -> list[Event]:
    """The first event of each key, in their order."""
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.key, event)
    return list(found.values())


def check_named(connection_id: str, events: Iterable[Event], known: Iterable[str]) -> None:
    """Raises ConfigurationError for events that the connection's settings do not name."""
    if missing := sorted({event.name for event in events} - set(known)):
        raise ConfigurationError(
            f"connection {connection_id}: settings.events does not name {', '.join(missing)}; add it, see docs/events.md"
        )
