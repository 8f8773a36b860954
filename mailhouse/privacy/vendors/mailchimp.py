"""Mailchimp: a member is deleted for good on every list, and Mailchimp lets no import bring the address back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.mailchimp.account import client_of
from mailhouse.destinations.mailchimp.setup import Lists
from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.errors import MalformedAnswer
from mailhouse.privacy.vendors.base import Person, VendorReceipt
from mailhouse.settings import Connection
from mailhouse.withdrawals.lane import RightOfWay

ONE = "/lists/{id}/members/{member}"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["MailchimpEraser"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield MailchimpEraser(RightOfWay(client))


class MailchimpEraser:
    """Implements `Eraser` for one account."""

    def __init__(self, client: RightOfWay) -> None:
        self._client = client
        self._lists = Lists(client)

    async def erase(self, person: Person) -> VendorReceipt:
        params = {"fields": "lists.id,total_items"}
        lists = [str(entry["id"]) for entry in await self._lists.pages("/lists", "/lists", "lists", params)]
        members = sorted({*person.ids("member"), *(key_of(address) for address in person.addresses)})
        deleted = 0
        for list_id in lists:
            for member in members:
                deleted += await self._delete(list_id, member)
        left = sum([await self._is_there(list_id, member) for list_id in lists for member in members])
        if left:
            return VendorReceipt(self._client.name, "failed", left, f"{left} members are still there; run again")
        says = f"{deleted} members deleted for good on {len(lists)} lists; no import brings them back"
        return VendorReceipt.of_deleted(self._client.name, deleted, says)

    async def _delete(self, list_id: str, member: str) -> bool:
        path = f"/lists/{list_id}/members/{member}/actions/delete-permanent"
        answer = await self._client.write("POST", path, f"{ONE}/actions/delete-permanent", {})
        if answer.status not in (200, 204, 404):
            raise MalformedAnswer(f"{self._client.name}: deleting a member: {self._client.detail(answer)}; run again later")
        return answer.status != 404

    async def _is_there(self, list_id: str, member: str) -> bool:
        answer = await self._client.read(f"/lists/{list_id}/members/{member}", ONE, {"fields": "id,status"})
        if answer.status not in (200, 404):
            raise MalformedAnswer(f"{self._client.name}: reading back: {self._client.detail(answer)}; run again later")
        return answer.status == 200
