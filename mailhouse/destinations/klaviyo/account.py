"""One Klaviyo account over HTTP: import jobs and list memberships out, profiles, members and counts back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Change, Outcome, Record, Settled
from mailhouse.destinations.klaviyo import importing, wire
from mailhouse.destinations.klaviyo.isolating import REFUSED, Isolating, RefusedWhole, refused_whole
from mailhouse.destinations.klaviyo.limits import PAGE, PROFILE_COUNT
from mailhouse.destinations.klaviyo.reading import (
    FIRST_PAUSE,
    MEMBER_FIELDS,
    MEMBERS,
    PROFILES,
    by_address,
    client_of,
    document,
    none_open,
    pages,
)
from mailhouse.destinations.klaviyo.setup import Lists
from mailhouse.errors import ConfigurationError, MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, OutcomeUnknown, pause
from mailhouse.settings import Connection

MEMBER_IDS = "/api/lists/{id}/relationships/profiles"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The account of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client)


class Account:
    """Implements `Destination` for Klaviyo: its one container is '', its memberships are lists."""

    def __init__(self, client: HttpClient) -> None:
        self.name = client.name
        self.limits = client.limits
        self._client = client
        self._lists = Lists(client)

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def containers(self) -> Sequence[str]:
        return ("",)

    async def prepare(self, container: str, memberships: Sequence[str], fields: Mapping[str, str]) -> None:  # noqa: ARG002
        # a property needs no making: it is there as soon as one profile has it
        await self._lists.prepare(memberships)

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        found = await asyncio.gather(*(self._lists.flows(name) for name in memberships))
        return {name: flows for name, flows in zip(memberships, found, strict=True) if flows}

    # -- sending --------------------------------------------------------------------------------------------------------
    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        if call.action == "write":
            return await self._write(call, remember)
        list_id = await self._lists.id_of(call.membership)
        if list_id is None and call.action == "leave":
            return _all_accepted(call)
        return await self._move(call, list_id or await self._needed(call.membership))

    async def _write(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        list_ids = [await self._needed(name) for name in _carried(call)]

        async def send(part: Call) -> list[Outcome]:
            # the job of a part is not remembered: whoever finds the whole refused again starts the search anew
            noted = remember if part is call else _not_remembered
            try:
                return await importing.send(self._client, part, list_ids, noted)
            except RefusedWhole as refused:
                if refused.status == 404:
                    await self._check_lists(_carried(call))
                raise

        return await Isolating(send, self.settle).outcomes(call)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        changes, too_large = importing.within_size(call.changes)
        try:
            return too_large + await importing.outcomes_of(self._client, reference, changes)
        except RefusedWhole as refused:
            return too_large + [Outcome(change.key, "try_again", refused.code, refused.reason) for change in changes]

    async def _move(self, call: Call, list_id: str) -> list[Outcome]:
        """Put profiles on a list or take them off; an id that is not Klaviyo's any more is looked up by the address."""
        known, absent = await self._with_ids(call)
        outcomes = absent + await self._moved(replace(call, changes=known), list_id)
        given = {change.key for change in call.changes if change.vendor_id}
        stale = {outcome.key for outcome in outcomes if outcome.status == "rejected" and outcome.key in given}
        if not stale:
            return outcomes
        nameless = tuple(replace(change, vendor_id="") for change in call.changes if change.key in stale)
        try:
            known, absent = await self._with_ids(replace(call, changes=nameless))
            again = absent + await self._moved(replace(call, changes=known), list_id)
        except VendorUnreachable as error:
            raise OutcomeUnknown(f"{error}; who was moved before is read back") from error
        return [outcome for outcome in outcomes if outcome.key not in stale] + again

    async def _moved(self, call: Call, list_id: str) -> list[Outcome]:
        if not call.changes:
            return []
        method = "DELETE" if call.action == "leave" else "POST"

        async def send(part: Call) -> list[Outcome]:
            body = wire.members(change.vendor_id for change in part.changes)
            answer = await self._client.write(method, MEMBER_IDS.format(id=quote(list_id)), MEMBER_IDS, body)
            if answer.status in (200, 202, 204):
                return _all_accepted(part)
            if answer.status not in REFUSED:
                raise MalformedAnswer(f"{self.name}: {method} {MEMBER_IDS}: {self._client.detail(answer)}; look there, run again")
            refused = refused_whole(self._client, answer, part.changes)
            if answer.status == 404 and not refused.rows and call.action == "leave" and await self._is_gone(call.membership):
                # the list is gone, and with it every membership in it
                return _all_accepted(part)
            if answer.status == 404 and not refused.rows:
                await self._check_lists([call.membership])
            raise refused

        return await Isolating(send, self.settle).outcomes(call)

    async def _with_ids(self, call: Call) -> tuple[tuple[Change, ...], list[Outcome]]:
        """The changes with Klaviyo's id of each, and the outcomes of those who have no profile there.

        A profile that was just written may be found a little later only: for a joining it is waited for.
        """
        known = [change for change in call.changes if change.vendor_id]
        unknown = [change for change in call.changes if not change.vendor_id]
        waited, wait = 0.0, FIRST_PAUSE
        while unknown:
            found = await by_address(self._client, [change.address for change in unknown])
            known += [replace(change, vendor_id=str(found[change.key]["id"])) for change in unknown if change.key in found]
            unknown = [change for change in unknown if change.key not in found]
            if not unknown or call.action == "leave" or waited >= self.limits.settle_time:
                break
            await pause(self._client.clock, wait)
            waited, wait = waited + wait, wait * 2
        if call.action == "leave":
            # whoever has no profile is on no list
            return tuple(known), [Outcome(change.key, "accepted") for change in unknown]
        absent = [Outcome(change.key, "rejected", "no_profile", "there is no profile of that address") for change in unknown]
        return tuple(known), absent

    async def _needed(self, name: str) -> str:
        list_id = await self._lists.id_of(name)
        if list_id is None:
            raise ConfigurationError(f"{self.name}: there is no list called {name!r} any more; run again, which makes it")
        return list_id

    async def _is_gone(self, name: str) -> bool:
        self._lists.forget(name)
        return await self._lists.id_of(name) is None

    async def _check_lists(self, names: Sequence[str]) -> None:
        """Raise ConfigurationError where it is the list itself that Klaviyo does not know."""
        for name in names:
            if await self._is_gone(name):
                await self._needed(name)

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        if call.action != "write":
            there = await self._listed(call.membership, call.changes)
            return [_moved_or_not(call, change, there.get(change.key)) for change in call.changes]
        # a job that is still under way would make a lie of what is read
        await none_open(self._client, importing.KIND)
        names = {name for change in call.changes for name in orjson.loads(change.fields)}
        addresses = [change.address for change in call.changes]
        found = await by_address(self._client, addresses, wire.asked_fields(names))
        listed = [await self._listed(name, call.changes) for name in _carried(call)]
        outcomes = []
        for change in call.changes:
            profile = found.get(change.key)
            taken = profile and wire.is_as_sent(change, profile["attributes"]) and all(change.key in one for one in listed)
            missing = Outcome(change.key, "try_again", "not_taken", "not there when read back")
            outcomes.append(Outcome(change.key, "accepted", vendor_id=str(profile["id"])) if profile and taken else missing)
        return outcomes

    async def _listed(self, name: str, changes: Sequence[Change]) -> dict[str, Mapping[str, Any]]:
        """Key -> profile for those of the changes that are on the list."""
        list_id = await self._lists.id_of(name)
        if list_id is None:
            return {}
        path = MEMBERS.format(id=quote(list_id))
        addresses = [change.address for change in changes]
        return await by_address(self._client, addresses, MEMBER_FIELDS, path=path, template=MEMBERS)

    async def actual(self, container: str, membership: str) -> Settled:  # noqa: ARG002
        list_id = await self._lists.id_of(membership)
        if list_id is None:
            return Settled(frozenset(), 0, True)
        waited, wait = 0.0, FIRST_PAUSE
        keys, counted = await self._member_keys(list_id), await self._member_count(list_id)
        while counted != len(keys) and waited < self.limits.settle_time:
            await pause(self._client.clock, wait)
            waited, wait = waited + wait, min(self.limits.settle_pause, wait * 2)
            keys, counted = await self._member_keys(list_id), await self._member_count(list_id)
        return Settled(keys, counted, counted == len(keys))

    async def _member_keys(self, list_id: str) -> frozenset[str]:
        params = {"fields[profile]": ",".join(MEMBER_FIELDS), "page[size]": PAGE}
        members = await pages(self._client, MEMBERS.format(id=quote(list_id)), MEMBERS, params)
        return frozenset(wire.record(member, (), ()).key for member in members)

    async def _member_count(self, list_id: str) -> int:
        params = {"additional-fields[list]": "profile_count", "fields[list]": "profile_count"}
        answer = await self._client.read(f"/api/lists/{quote(list_id)}", PROFILE_COUNT, params)
        count = document(self._client, "GET /api/lists/{id}", answer)["data"].get("attributes", {}).get("profile_count")
        if not isinstance(count, int):
            raise MalformedAnswer(f"{self.name}: the count of a list is not there; run again later")
        return count

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:  # noqa: ARG002
        on: dict[str, set[str]] = {}
        for name, list_id in (await self._lists.ids_of(memberships)).items():
            if list_id is not None:
                path = MEMBER_IDS.format(id=quote(list_id))
                for member in await pages(self._client, path, MEMBER_IDS, {"page[size]": PAGE}):
                    on.setdefault(str(member["id"]), set()).add(name)
        asked = ",".join([*wire.asked_fields(fields), "subscriptions"])
        params = {"fields[profile]": asked, "additional-fields[profile]": "subscriptions", "page[size]": PAGE}
        profiles = await pages(self._client, PROFILES, PROFILES, params)
        return [wire.record(profile, fields, on.get(str(profile["id"]), ())) for profile in profiles]


def _carried(call: Call) -> tuple[str, ...]:
    """The lists that all documents of a job join by it."""
    return call.changes[0].add if call.changes else ()


def _all_accepted(call: Call) -> list[Outcome]:
    return [Outcome(change.key, "accepted", vendor_id=change.vendor_id) for change in call.changes]


def _moved_or_not(call: Call, change: Change, profile: Mapping[str, Any] | None) -> Outcome:
    if (profile is None) == (call.action == "leave"):
        return Outcome(change.key, "accepted", vendor_id=str(profile["id"]) if profile else change.vendor_id)
    if profile is None:
        return Outcome(change.key, "try_again", "not_taken", "not on the list when read back")
    return Outcome(change.key, "try_again", "still_there", "still on the list after a removal")


def _not_remembered(reference: str) -> None:
    """Jobs that search for a bad row leave no reference."""
