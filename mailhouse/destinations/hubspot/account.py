"""One HubSpot portal over HTTP: batches of contacts and list memberships out, contacts, members and sizes back."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import orjson

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Outcome, Record, Settled
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.hubspot.limits import PAGE
from mailhouse.destinations.hubspot.members import Members
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import by_address, client_of, pages, paths_of
from mailhouse.destinations.hubspot.setup import Lists, prepare_properties
from mailhouse.destinations.isolating import Isolating, RefusedWhole
from mailhouse.destinations.whole_account import WholeAccount
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown
from mailhouse.settings import Connection

UPSERT = "/contacts/batch/upsert"
REFUSED = (400, 409, 413, 422)


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The portal of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client, paths_of(connection))


class Account(WholeAccount):
    """Implements `Destination` for HubSpot: its one container is '', its memberships are lists kept by hand."""

    def __init__(self, client: HttpClient, paths: Paths) -> None:
        super().__init__(client)
        self._paths = paths
        self._lists = Lists(client, paths)
        self._members = Members(client, paths, self._lists)

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:  # noqa: ARG002
        await self._lists.prepare(memberships)
        await prepare_properties(self._client, self._paths, fields)

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        # which workflows a list enrols in is not to be read from any call that lists are described by
        return {}

    # -- sending --------------------------------------------------------------------------------------------------------
    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:  # noqa: ARG002
        # HubSpot answers in the same call: there is no job whose id would have to be remembered
        if call.action != "write":
            return await self._members.move(call)
        return await Isolating(self._upsert, self.settle).outcomes(call)

    async def _upsert(self, call: Call) -> list[Outcome]:
        path = f"{self._paths.contacts}/batch/upsert"
        answer = await self._client.write("POST", path, UPSERT, wire.upsert(call.changes))
        if answer.status in REFUSED:
            raise RefusedWhole(f"http_{answer.status}", self._client.detail(answer), status=answer.status)
        if answer.status not in (200, 201, 207):
            raise MalformedAnswer(f"{self.name}: POST {UPSERT}: {self._client.detail(answer)}; look there, run again")
        outcomes = wire.outcomes_of(call, answer.body)
        if outcomes is None:
            raise OutcomeUnknown(f"{self.name}: the answer to a batch does not say what became of each; it is read back")
        return outcomes

    async def resume(self, call: Call, reference: str) -> list[Outcome]:  # noqa: ARG002
        return await self.settle(call)

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        if call.action != "write":
            return await self._members.settle(call)
        names = {name for change in call.changes for name in orjson.loads(change.fields)}
        found = await by_address(self._client, self._paths, [change.address for change in call.changes], names)
        outcomes = []
        for change in call.changes:
            contact = found.get(change.key)
            if contact and wire.is_as_sent(change, contact):
                outcomes.append(Outcome(change.key, "accepted", vendor_id=str(contact["id"])))
            else:
                outcomes.append(Outcome(change.key, "try_again", "not_taken", "not there when read back"))
        return outcomes

    async def actual(self, container: str, membership: str) -> Settled:  # noqa: ARG002
        return await self._members.actual(membership)

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:  # noqa: ARG002
        on: dict[str, set[str]] = {}
        for name in memberships:
            list_id = await self._lists.id_of(name)
            for contact_id in await self._members.ids(list_id) if list_id else ():
                on.setdefault(contact_id, set()).add(name)
        params = {"limit": PAGE, "properties": ",".join(["email", wire.OPTED_OUT, *fields])}
        contacts = await pages(self._client, self._paths.contacts, "/contacts", params)
        return [wire.record(contact, fields, on.get(str(contact["id"]), ())) for contact in contacts]
