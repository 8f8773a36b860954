"""What an ESP is to the reverse sync: its rules (no network) and its connection (one account, spoken to)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mailhouse.clock import Clock
from mailhouse.http import Limits
from mailhouse.settings import Connection

Action = Literal["write", "join", "leave"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one document (one person's record at a destination) still owes it.

    `container` is where documents live: a Mailchimp list, '' for an account whose records are of the whole account. `key` is
    the address in the ESP's own normal form, hashed; `vendor_id` the ESP's own id of the record, '' while nobody knows it.
    `fields` is canonical JSON: null clears a field, an absent one is left alone. `write` says whether the document itself is
    sent; `add` and `remove` are memberships to join and memberships we delivered and no longer want. `needs` are the
    purposes this rests on. Personal values stay out of reprs.
    """

    destination: str
    container: str
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
    vendor_id: str = ""

    def __repr__(self) -> str:
        return f"Change({self.destination}, {self.container}, {self.key}, add={self.add}, remove={self.remove})"


@dataclass(frozen=True, slots=True)
class Call:
    """One write call that is planned: `write` sends documents, `join` and `leave` move records in and out of a membership.

    In a call a change's `add` is what this very call adds: a Mailchimp batch carries every tag of its documents, a Klaviyo
    job at most the one list (`membership`) that all its documents join.
    """

    action: Action
    container: str
    membership: str
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
    vendor_id: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the destination has it now. `status` is the ESP's own word for whether it may be mailed, lower case.

    `fields` are in the ESP's names, as canonical JSON of those asked for; the address stays out of reprs.
    """

    key: str
    address: str = field(repr=False)
    status: str
    fields: str = field(repr=False)
    memberships: frozenset[str]
    vendor_id: str = ""


@dataclass(frozen=True)
class Settled:
    """What a destination reports for one membership: the keys it lists, the count its statistics show, whether they agree."""

    keys: frozenset[str]
    reported: int
    settled: bool


@dataclass(frozen=True)
class Rules:
    """What is true of every account of one vendor: forms, sizes and limits, as data.

    `key_sql` and `key_of` give a document's key, in SQL and of one address; `place` turns a segment's (audience, tag) into
    (container, membership); `mailable` are the ESP's own words for a record that it would mail, `billed` for one that it counts
    as a contact to be paid for; `keeps(ours, theirs)` says whether a field's value of ours is kept as that one there.
    `told(rules, connection)` are the rules as the settings of one connection change them, None when no setting does.
    """

    vendor: str
    needs_tag: bool
    limits: Limits
    key_sql: Callable[[str], str]
    key_of: Callable[[str], str]
    place: Callable[[str, str], tuple[str, str]]
    field_trouble: Callable[[object], str | None]
    mailable: frozenset[str]
    billed: frozenset[str]
    keeps: Callable[[object, object], bool]
    calls: Callable[[Iterable[Change]], list[Call]]
    connect: Callable[[Connection, Clock], AbstractAsyncContextManager["Destination"]]
    told: Callable[["Rules", Connection], "Rules"] | None = None


class Destination(Protocol):
    """One account at one ESP: its wire format; nothing of dbt, Prefect, consent or the warehouse."""

    name: str
    limits: Limits

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:
        """Find the container and create the memberships and fields it lacks; `fields` is name -> text | number | date | boolean.

        One-time calls. Raises ConfigurationError when the container does not exist or a field has another type.
        """

    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        """Send one call and map its answer row by row; `remember` stores a reference (a job's id) before it is waited for.

        Raises OutcomeUnknown when the call may or may not have been taken, CredentialsRejected, VendorUnreachable.
        """

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        """What became of a call whose reference an earlier run stored; as `send`, without sending anything."""

    async def settle(self, call: Call) -> list[Outcome]:
        """Read back what became of a call whose outcome is unknown; `try_again` for what is not there."""

    async def actual(self, container: str, membership: str) -> Settled:
        """Who is in a membership, once the statistics agree with it or the settle time is over."""

    async def containers(self) -> Sequence[str]:
        """Every container of the account, also those that no segment feeds; reads only."""

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:
        """Every record of the container, with those of the named memberships it is in and the named fields; reads only."""

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Membership -> names of the live automations that joining it starts; reads only."""

    def counts(self) -> Mapping[str, int]:
        """Calls made so far by `METHOD path-template status`."""
