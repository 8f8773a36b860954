"""Who is on which list of a SendGrid account: taken off by ids that are looked up, and read back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from mailhouse.destinations.base import Call, Change, Outcome, Settled
from mailhouse.destinations.isolating import Isolating, RefusedWhole
from mailhouse.destinations.jobs import not_remembered
from mailhouse.destinations.moving import all_accepted
from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.limits import LEAVE, LIST
from mailhouse.destinations.sendgrid.reading import by_address, document, exported, finished, settled
from mailhouse.destinations.sendgrid.setup import Lists
from mailhouse.destinations.settling import until_agreed
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown


class Members:
    """Takes contacts off lists; joining one is part of an upsert."""

    def __init__(self, client: HttpClient, lists: Lists) -> None:
        self._client, self._lists = client, lists

    async def leave(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:
        """Take the people of a call off its list: one look-up of their ids, one removal. Contacts stay."""
        list_id = await self._lists.id_of(call.membership)
        if list_id is None:
            # the list is gone, and with it every membership in it
            return all_accepted(call.changes)
        found = await by_address(self._client, [change.address for change in call.changes])
        # a removal also of whom the look-up does not show on the list: what it shows may be older than the last upsert
        there = tuple(replace(one, vendor_id=str(found[one.key]["id"])) for one in call.changes if one.key in found)
        absent = [Outcome(change.key, "accepted") for change in call.changes if change.key not in found]
        if not there:
            return absent

        async def send(part: Call) -> list[Outcome]:
            # the job of a part is not remembered: whoever finds the whole refused again starts the search anew
            return await self._removed(part, list_id, remember if part.changes == there else not_remembered)

        return absent + await Isolating(send, self.settle).outcomes(replace(call, changes=there))

    async def _removed(self, call: Call, list_id: str, remember: Callable[[str], None]) -> list[Outcome]:
        ids = ",".join(change.vendor_id for change in call.changes)
        answer = await self._client.write("DELETE", f"{LEAVE.format(id=quote(list_id))}?contact_ids={ids}", LEAVE, None)
        if answer.status in (400, 404):
            if answer.status == 404 and (len(call.changes) == 1 or await self._lists.is_gone(call.membership)):
                # either the list is gone, or the contact is since it was looked up
                return all_accepted(call.changes)
            raise RefusedWhole(f"http_{answer.status}", self._client.detail(answer), status=answer.status)
        if answer.status != 202:
            raise MalformedAnswer(f"{self._client.name}: DELETE {LEAVE}: {self._client.detail(answer)}; look there, run again")
        job_id = answer.body.get("job_id") if isinstance(answer.body, dict) else None
        if not isinstance(job_id, str) or not job_id:
            raise OutcomeUnknown(f"{self._client.name}: DELETE {LEAVE}: a removal without a job in the answer; it is read back")
        remember(job_id)
        return await self.outcomes_of(call, job_id)

    async def outcomes_of(self, call: Call, job_id: str) -> list[Outcome]:
        """Wait for a removal. Raises OutcomeUnknown when it has errors, or when such jobs cannot be asked about."""
        job = await finished(self._client, job_id)
        # that a removal can be asked about like an upsert is not said anywhere
        if job is None or job["status"] != "completed":
            raise OutcomeUnknown(f"{self._client.name}: what became of removal {job_id} is read back")
        return all_accepted(call.changes)

    async def settle(self, call: Call) -> list[Outcome]:
        """What became of a removal whose outcome is unknown."""
        list_id = await self._lists.id_of(call.membership)
        return await settled(self._client, call.changes, lambda change, found: self._left_or_not(change, found, list_id))

    def _left_or_not(self, change: Change, contact: Mapping[str, Any] | None, list_id: str | None) -> Outcome:
        if contact is None or list_id not in (contact.get("list_ids") or ()):
            return Outcome(change.key, "accepted", vendor_id=str(contact["id"]) if contact else "")
        return Outcome(change.key, "try_again", "still_there", "still on the list after a removal")

    async def actual(self, name: str) -> Settled:
        """Who is on a list, once its count agrees or the settle time is over: the list is exported."""
        list_id = await self._lists.id_of(name)
        if list_id is None:
            return Settled(frozenset(), 0, True)
        keys, counted = await until_agreed(self._client, lambda: self._keys(list_id), lambda: self._count(list_id))
        return Settled(keys, counted, counted == len(keys))

    async def _keys(self, list_id: str) -> frozenset[str]:
        return frozenset(wire.record(row, (), (), "").key for row in await exported(self._client, [list_id]))

    async def _count(self, list_id: str) -> int:
        answer = await self._client.read(LIST.format(id=quote(list_id)), LIST)
        count = document(self._client, f"GET {LIST}", answer).get("contact_count")
        if not isinstance(count, int):
            raise MalformedAnswer(f"{self._client.name}: the count of a list is not there; run again later")
        return count
