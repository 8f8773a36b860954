"""Who is on which list of a Klaviyo account: put on, taken off, and read back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from mailhouse.destinations.base import Call, Change, Outcome, Settled
from mailhouse.destinations.isolating import Isolating
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.isolating import REFUSED, refused_whole
from mailhouse.destinations.klaviyo.limits import PAGE, PROFILE_COUNT
from mailhouse.destinations.klaviyo.reading import FIRST_PAUSE, MEMBER_FIELDS, MEMBERS, by_address, document, pages
from mailhouse.destinations.klaviyo.setup import Lists
from mailhouse.destinations.moving import all_accepted
from mailhouse.destinations.settling import until_agreed
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, OutcomeUnknown, pause

MEMBER_IDS = "/api/lists/{id}/relationships/profiles"


class Members:
    """Moves profiles by Klaviyo's own ids, which are looked up by address where a change does not bring one."""

    def __init__(self, client: HttpClient, lists: Lists) -> None:
        self._client, self._lists = client, lists

    async def move(self, call: Call) -> list[Outcome]:
        """Put the people of a call on its list, or take them off. Raises ConfigurationError when they cannot join any more."""
        list_id = await self._lists.id_of(call.membership)
        if list_id is None and call.action == "leave":
            # the list is gone, and with it every membership in it
            return all_accepted(call.changes)
        return await self._on_or_off(call, list_id or await self._lists.needed(call.membership))

    async def _on_or_off(self, call: Call, list_id: str) -> list[Outcome]:
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
                return all_accepted(part.changes)
            if answer.status not in REFUSED:
                raise MalformedAnswer(
                    f"{self._client.name}: {method} {MEMBER_IDS}: {self._client.detail(answer)}; look there, run again"
                )
            refused = refused_whole(self._client, answer, part.changes)
            if answer.status == 404 and not refused.rows and await self._lists.is_gone(call.membership):
                if call.action == "leave":
                    return all_accepted(part.changes)
                await self._lists.needed(call.membership)
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
            if not unknown or call.action == "leave" or waited >= self._client.limits.settle_time:
                break
            await pause(self._client.clock, wait)
            waited, wait = waited + wait, wait * 2
        if call.action == "leave":
            # whoever has no profile is on no list
            return tuple(known), [Outcome(change.key, "accepted") for change in unknown]
        absent = [Outcome(change.key, "rejected", "no_profile", "there is no profile of that address") for change in unknown]
        return tuple(known), absent

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        """What became of a joining or a removal whose outcome is unknown."""
        there = await self.listed(call.membership, call.changes)
        return [_moved_or_not(call, change, there.get(change.key)) for change in call.changes]

    async def listed(self, name: str, changes: Sequence[Change]) -> dict[str, Mapping[str, Any]]:
        """Key -> profile for those of the changes that are on the list."""
        list_id = await self._lists.id_of(name)
        if list_id is None:
            return {}
        path = MEMBERS.format(id=quote(list_id))
        addresses = [change.address for change in changes]
        return await by_address(self._client, addresses, MEMBER_FIELDS, path=path, template=MEMBERS)

    async def actual(self, name: str) -> Settled:
        """Who is on a list, once its count agrees or the settle time is over."""
        list_id = await self._lists.id_of(name)
        if list_id is None:
            return Settled(frozenset(), 0, True)
        keys, counted = await until_agreed(self._client, lambda: self._keys(list_id), lambda: self._count(list_id))
        return Settled(keys, counted, counted == len(keys))

    async def ids(self, list_id: str) -> list[str]:
        """Klaviyo's ids of everybody on a list."""
        members = await pages(self._client, MEMBER_IDS.format(id=quote(list_id)), MEMBER_IDS, {"page[size]": PAGE})
        return [str(member["id"]) for member in members]

    async def _keys(self, list_id: str) -> frozenset[str]:
        params = {"fields[profile]": ",".join(MEMBER_FIELDS), "page[size]": PAGE}
        members = await pages(self._client, MEMBERS.format(id=quote(list_id)), MEMBERS, params)
        return frozenset(wire.record(member, (), ()).key for member in members)

    async def _count(self, list_id: str) -> int:
        params = {"additional-fields[list]": "profile_count", "fields[list]": "profile_count"}
        answer = await self._client.read(f"/api/lists/{quote(list_id)}", PROFILE_COUNT, params)
        count = document(self._client, "GET /api/lists/{id}", answer)["data"].get("attributes", {}).get("profile_count")
        if not isinstance(count, int):
            raise MalformedAnswer(f"{self._client.name}: the count of a list is not there; run again later")
        return count


def _moved_or_not(call: Call, change: Change, profile: Mapping[str, Any] | None) -> Outcome:
    if (profile is None) == (call.action == "leave"):
        return Outcome(change.key, "accepted", vendor_id=str(profile["id"]) if profile else change.vendor_id)
    if profile is None:
        return Outcome(change.key, "try_again", "not_taken", "not on the list when read back")
    return Outcome(change.key, "try_again", "still_there", "still on the list after a removal")
