"""One SendGrid account over HTTP: upserts and removals out, contacts, lists and counts back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Change, Outcome, Record, Settled
from mailhouse.destinations.jobs import Remember, carried, resume_job, send_job
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.sendgrid import importing, wire
from mailhouse.destinations.sendgrid.importing import Importing
from mailhouse.destinations.sendgrid.members import Members
from mailhouse.destinations.sendgrid.reading import client_of, exported, settled, suppressed
from mailhouse.destinations.sendgrid.setup import Fields, Lists
from mailhouse.destinations.whole_account import WholeAccount
from mailhouse.http import HttpClient
from mailhouse.settings import Connection


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The account of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client)


class Account(WholeAccount):
    """Implements `Destination` for SendGrid: its one container is '', its memberships are lists."""

    def __init__(self, client: HttpClient) -> None:
        super().__init__(client)
        self._lists, self._fields = Lists(client), Fields(client)
        self._members = Members(client, self._lists)

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:  # noqa: ARG002
        await self._lists.prepare(memberships)
        await self._fields.prepare(fields)

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        # joining a list may start one, and no endpoint tells which: docs/sendgrid.md says so
        return {}

    # -- sending --------------------------------------------------------------------------------------------------------
    async def send(self, call: Call, remember: Remember) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.leave(call, remember)
        names = carried(call)
        upserts = Importing(self._client, await self._fields.definitions(), [await self._lists.needed(name) for name in names])

        return await send_job(call, remember, upserts.send, self.settle, self._lists.check)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.outcomes_of(call, reference)
        return await resume_job(importing.within_size(call.changes), partial(importing.outcomes_of, self._client, reference))

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        if call.action == "leave":
            return await self._members.settle(call)
        lists = {await self._lists.id_of(name) for name in carried(call)}

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
            list_id = await self._lists.id_of(name)
            for row in await exported(self._client, [list_id]) if list_id else ():
                on.setdefault(row.get("contact_id", ""), set()).add(name)
        barred = await suppressed(self._client)
        records = []
        for row in await exported(self._client):
            status = barred.get(key_of(row.get("email", "")), "not_suppressed")
            records.append(wire.record(row, fields, on.get(row.get("contact_id", ""), ()), status))
        return records
