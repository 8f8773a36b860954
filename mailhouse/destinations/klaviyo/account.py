"""One Klaviyo account over HTTP: import jobs and list memberships out, profiles, members and counts back."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import orjson

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Outcome, Record, Settled
from mailhouse.destinations.jobs import Remember, carried, resume_job, send_job
from mailhouse.destinations.klaviyo import importing, wire
from mailhouse.destinations.klaviyo.limits import PAGE
from mailhouse.destinations.klaviyo.members import Members
from mailhouse.destinations.klaviyo.reading import PROFILES, by_address, client_of, none_open, pages
from mailhouse.destinations.klaviyo.setup import Lists
from mailhouse.destinations.whole_account import WholeAccount
from mailhouse.http import HttpClient
from mailhouse.settings import Connection


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The account of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client)


class Account(WholeAccount):
    """Implements `Destination` for Klaviyo: its one container is '', its memberships are lists."""

    def __init__(self, client: HttpClient) -> None:
        super().__init__(client)
        self._lists = Lists(client)
        self._members = Members(client, self._lists)

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:  # noqa: ARG002
        # a property needs no making: it is there as soon as one profile has it
        await self._lists.prepare(memberships)

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        found = await asyncio.gather(*(self._lists.flows(name) for name in memberships))
        return {name: flows for name, flows in zip(memberships, found, strict=True) if flows}

    # -- sending --------------------------------------------------------------------------------------------------------
    async def send(self, call: Call, remember: Remember) -> list[Outcome]:
        if call.action == "write":
            return await self._write(call, remember)
        return await self._members.move(call)

    async def _write(self, call: Call, remember: Remember) -> list[Outcome]:
        list_ids = [await self._lists.needed(name) for name in carried(call)]

        async def send(part: Call, noted: Remember) -> list[Outcome]:
            return await importing.send(self._client, part, list_ids, noted)

        return await send_job(call, remember, send, self.settle, self._lists.check)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        return await resume_job(importing.within_size(call.changes), partial(importing.outcomes_of, self._client, reference))

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        if call.action != "write":
            return await self._members.settle(call)
        # a job that is still under way would make a lie of what is read
        await none_open(self._client, importing.KIND)
        names = {name for change in call.changes for name in orjson.loads(change.fields)}
        addresses = [change.address for change in call.changes]
        found = await by_address(self._client, addresses, wire.asked_fields(names))
        listed = [await self._members.listed(name, call.changes) for name in carried(call)]
        outcomes = []
        for change in call.changes:
            profile = found.get(change.key)
            taken = profile and wire.is_as_sent(change, profile["attributes"]) and all(change.key in one for one in listed)
            missing = Outcome(change.key, "try_again", "not_taken", "not there when read back")
            outcomes.append(Outcome(change.key, "accepted", vendor_id=str(profile["id"])) if profile and taken else missing)
        return outcomes

    async def actual(self, container: str, membership: str) -> Settled:  # noqa: ARG002
        return await self._members.actual(membership)

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:  # noqa: ARG002
        on: dict[str, set[str]] = {}
        for name, list_id in (await self._lists.ids_of(memberships)).items():
            for profile_id in await self._members.ids(list_id) if list_id else ():
                on.setdefault(profile_id, set()).add(name)
        asked = ",".join([*wire.asked_fields(fields), "subscriptions"])
        params = {"fields[profile]": asked, "additional-fields[profile]": "subscriptions", "page[size]": PAGE}
        profiles = await pages(self._client, PROFILES, PROFILES, params)
        return [wire.record(profile, fields, on.get(str(profile["id"]), ())) for profile in profiles]
