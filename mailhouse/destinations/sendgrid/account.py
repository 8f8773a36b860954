"""One SendGrid account over HTTP: upserts and removals out, contacts, lists and counts back."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Change, Outcome, Record, Settled
from mailhouse.destinations.isolating import Isolating, RefusedWhole
from mailhouse.destinations.sendgrid import importing, wire
from mailhouse.destinations.sendgrid.importing import Importing
from mailhouse.destinations.sendgrid.members import Members
from mailhouse.destinations.sendgrid.reading import client_of, exported, settled, suppressed
from mailhouse.destinations.sendgrid.setup import Setup
from mailhouse.http import HttpClient
from mailhouse.settings import Connection


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The account of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client)


class Account:
    """Implements `Destination` for SendGrid: its one container is '', its memberships are lists."""

    def __init__(self, client: HttpClient) -> None:
        self.name = client.name
        self.limits = client.limits
        self._client = client
        self._setup = Setup(client)
        self._members = Members(client, self._setup)

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def containers(self) -> Sequence[str]:
        return ("",)

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:  # noqa: ARG002
        await self._setup.prepare(memberships, fields)

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        # joining a list may start one, and no endpoint tells which: docs/sendgrid.md says so
        return {}

    # -- sending --------------------------------------------------------------------------------------------------------
    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.leave(call, remember)
        names = _carried(call)
        upserts = Importing(self._client, await self._setup.definitions(), [await self._setup.needed(name) for name in names])

        async def send(part: Call) -> list[Outcome]:
            # the job of a part is not remembered: whoever finds the whole refused again starts the search anew
            try:
                return await upserts.send(part, remember if part is call else _not_remembered)
            except RefusedWhole as refused:
                if refused.status == 404:
                    await self._setup.check(names)
                raise

        return await Isolating(send, self.settle).outcomes(call)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.outcomes_of(call, reference)
        changes, too_long = importing.within_size(call.changes)
        try:
            return too_long + await importing.outcomes_of(self._client, reference, changes)
        except RefusedWhole as refused:
            return too_long + [Outcome(change.key, "try_again", refused.code, refused.reason) for change in changes]

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.settle(call)
        lists = {await self._setup.list_id(name) for name in _carried(call)}

        def judged(change: Change, contact: Mapping[str, Any] | None) -> Outcome:
            if contact and wire.is_as_sent(change, contact) and lists <= set(contact.get("list_ids") or ()):
                return Outcome(change.key, "accepted", vendor_id=str(contact["id"]))
            return Outcome(change.key, "try_again", "not_taken", "not there when read back")

        return await settled(self._client, call.changes, judged)

    async def actual(self, container: str, membership: str) -> Settled:  # noqa: ARG002
        return await self._members.actual(membership)

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:  # noqa: ARG002
        on: dict[str, set[str]] = {}
        for name in memberships:
            list_id = await self._setup.list_id(name)
            for row in await exported(self._client, [list_id]) if list_id else ():
                on.setdefault(row.get("contact_id", ""), set()).add(name)
        barred = await suppressed(self._client)
        records = []
        for row in await exported(self._client):
            status = barred.get(wire.key_of(row.get("email", "")), "not_suppressed")
            records.append(wire.record(row, fields, on.get(row.get("contact_id", ""), ()), status))
        return records


def _carried(call: Call) -> tuple[str, ...]:
    """The lists that all documents of an upsert join by it."""
    return call.changes[0].add if call.changes else ()


def _not_remembered(reference: str) -> None:
    """Jobs that search for a bad row leave no reference."""
