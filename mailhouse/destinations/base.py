"""What an ESP is to the reverse sync: its rules (no network) and its connection (one account, spoken to)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from mailhouse.clock import Clock
from mailhouse.http import Limits
from mailhouse.settings import Connection

Action = Literal["write", "leave"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one document still owes its destination.

    `key` is the address in the ESP's own normal form, hashed; `fields` is canonical JSON, null clears a field. `write`
    says whether the document is sent at all (new, changed, or with memberships to `add`); `remove` are memberships we
    delivered and no longer want. `needs` are the purposes this write rests on. `personal` values stay out of reprs.
    """

    destination: str
    audience: str
    key: str
    customer_id: str
    address: str
    mailbox: str
    fields: str
    row_hash: str
    write: bool
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Change({self.destination}, {self.audience}, {self.key}, add={self.add}, remove={self.remove})"


@dataclass(frozen=True, slots=True)
class Call:
    """One write call that is planned: all its changes go to one audience, and for `leave` out of one tag."""

    action: Action
    audience: str
    tag: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the destination said to one change of a call; each change gets exactly one.

    `rejected` is about the row and waits with growing distance; `try_again` is about the moment and is owed to the next run.
    """

    key: str
    status: Literal["accepted", "rejected", "try_again"]
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Settled:
    """What a destination reports for one membership: the keys it lists, the count its statistics show, whether they agree."""

    keys: frozenset[str]
    reported: int
    settled: bool


@dataclass(frozen=True)
class Rules:
    """What is true of every account of one vendor: forms, sizes and limits, as data."""

    vendor: str
    needs_tag: bool
    limits: Limits
    key_sql: Callable[[str], str]
    field_trouble: Callable[[object], str | None]
    calls: Callable[[Iterable[Change]], list[Call]]
    connect: Callable[[Connection, Clock], AbstractAsyncContextManager["Destination"]]


class Destination(Protocol):
    """One account at one ESP: its wire format; nothing of dbt, Prefect, consent or the warehouse."""

    name: str
    limits: Limits

    async def prepare(self, audience: str, tags: Sequence[str], fields: Mapping[str, str]) -> None:
        """Find the audience and create the tags and fields it lacks; `fields` is name -> text | number | date.

        One-time calls. Raises ConfigurationError when the audience does not exist or a field has another type.
        """

    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        """Send one call and map its answer row by row; `remember` stores a reference (a job's id) before it is waited for.

        Raises OutcomeUnknown when the call may or may not have been taken, CredentialsRejected, VendorUnreachable.
        """

    async def settle(self, call: Call) -> list[Outcome]:
        """Read back what became of a call whose outcome is unknown; `try_again` for what is not there."""

    async def actual(self, audience: str, tag: str) -> Settled:
        """Who is in a membership, once the statistics agree with it or the settle time is over."""

    def counts(self) -> Mapping[str, int]:
        """Calls made so far by `METHOD path-template status`."""
