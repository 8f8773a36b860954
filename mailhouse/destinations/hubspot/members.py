"""Who is on which list of a HubSpot portal: put on, taken off, and read back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mailhouse.destinations.base import Call, Change, Outcome, Settled
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.hubspot.limits import MEMBER_PAGE
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import by_address, by_id, pages
from mailhouse.destinations.hubspot.setup import Lists
from mailhouse.destinations.isolating import Isolating, RefusedWhole
from mailhouse.destinations.moving import all_accepted
from mailhouse.destinations.settling import until_agreed
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, OutcomeUnknown

MEMBERS, MOVE = "/lists/{id}/memberships", "/lists/{id}/memberships/add-and-remove"
REFUSED = (400, 413, 422)


class Members:
    """Moves contacts by HubSpot's own ids, which are looked up by address where a change does not bring one."""

    def __init__(self, client: HttpClient, paths: Paths, lists: Lists) -> None:
        self._client, self._paths, self._lists = client, paths, lists

    async def move(self, call: Call) -> list[Outcome]:
        """Put the people of a call on its list, or take them off. Raises ConfigurationError when they cannot join any more."""
        list_id = await self._lists.id_of(call.membership)
        if list_id is None:
            if call.action == "leave":
                # the list is gone, and with it every membership in it
                return all_accepted(call.changes)
            await self._lists.needed(call.membership)
        return await Isolating(self._send, self.settle).outcomes(call)

    async def _send(self, call: Call) -> list[Outcome]:
        """Move by the ids that are known; an id that is not HubSpot's any more is looked up by the address."""
        known = [change for change in call.changes if change.vendor_id]
        moved, missing = await self._moved(replace(call, changes=tuple(known))) if known else ([], [])
        unknown = [change for change in call.changes if not change.vendor_id] + missing
        if not unknown:
            return moved
        try:
            found = await by_address(self._client, self._paths, [change.address for change in unknown])
            there = [replace(change, vendor_id=str(found[change.key]["id"])) for change in unknown if change.key in found]
            again, gone = await self._moved(replace(call, changes=tuple(there))) if there else ([], [])
        except (VendorUnreachable, MalformedAnswer, RefusedWhole) as error:
            if not moved:
                raise
            raise OutcomeUnknown(f"{self._client.name}: {error}; who was moved before is read back") from error
        nobody = [change for change in unknown if change.key not in found] + gone
        if call.action == "leave":
            # whoever is no contact is on no list
            return moved + again + all_accepted(replace(change, vendor_id="") for change in nobody)
        absent = [Outcome(change.key, "rejected", "no_contact", "there is no contact of that address") for change in nobody]
        return moved + again + absent

    async def _moved(self, call: Call) -> tuple[list[Outcome], list[Change]]:
        """The outcomes of those whom HubSpot knows by these ids, and those whom it does not."""
        list_id = await self._lists.needed(call.membership)
        ids = [change.vendor_id for change in call.changes]
        leaves = call.action == "leave"
        body = {"recordIdsToAdd": [] if leaves else ids, "recordIdsToRemove": ids if leaves else []}
        path = f"{self._paths.memberships(list_id)}/add-and-remove"
        answer = await self._client.write("PUT", path, MOVE, body)
        if answer.status in REFUSED:
            raise RefusedWhole(f"http_{answer.status}", self._client.detail(answer), status=answer.status)
        if answer.status == 404 and await self._lists.is_gone(call.membership):
            if leaves:
                return all_accepted(call.changes), []
            await self._lists.needed(call.membership)
        missing = answer.body.get("recordIdsMissing", []) if isinstance(answer.body, Mapping) else None
        if answer.status != 200 or not isinstance(missing, list):
            raise MalformedAnswer(f"{self._client.name}: PUT {MOVE}: {self._client.detail(answer)}; look there, run again")
        gone = {str(one) for one in missing}
        done = all_accepted(change for change in call.changes if change.vendor_id not in gone)
        return done, [change for change in call.changes if change.vendor_id in gone]

    # -- reading back ---------------------------------------------------------------------------------------------------
    async def settle(self, call: Call) -> list[Outcome]:
        """What became of a joining or a removal whose outcome is unknown."""
        list_id = await self._lists.id_of(call.membership)
        on = set(await self.ids(list_id)) if list_id else set()
        found = await by_address(self._client, self._paths, [change.address for change in call.changes])
        outcomes = []
        for change in call.changes:
            contact = found.get(change.key)
            is_on = contact is not None and str(contact["id"]) in on
            if is_on != (call.action == "leave"):
                outcomes.append(Outcome(change.key, "accepted", vendor_id=str(contact["id"]) if contact else ""))
            elif is_on:
                outcomes.append(Outcome(change.key, "try_again", "still_there", "still on the list after a removal"))
            else:
                outcomes.append(Outcome(change.key, "try_again", "not_taken", "not on the list when read back"))
        return outcomes

    async def actual(self, name: str) -> Settled:
        """Who is on a list, once its size agrees or the settle time is over."""
        list_id = await self._lists.id_of(name)
        if list_id is None:
            return Settled(frozenset(), 0, True)
        ids, counted = await until_agreed(self._client, lambda: self.ids(list_id), lambda: self._lists.size(list_id))
        contacts: list[Mapping[str, Any]] = await by_id(self._client, self._paths, ids)
        return Settled(frozenset(wire.record(one, (), ()).key for one in contacts), counted, counted == len(ids))

    async def ids(self, list_id: str) -> list[str]:
        """HubSpot's ids of everybody on a list."""
        found = await pages(self._client, self._paths.memberships(list_id), MEMBERS, {"limit": MEMBER_PAGE})
        return [str(one["recordId"]) for one in found]
