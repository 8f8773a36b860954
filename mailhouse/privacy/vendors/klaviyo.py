"""Klaviyo: a data privacy deletion job for each profile; done a little later, and read back until it is."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.klaviyo.reading import PROFILES, by_address, client_of, document
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient
from mailhouse.privacy.vendors.base import Person, VendorReceipt, until_gone
from mailhouse.settings import Connection

DELETION = "data-privacy-deletion-job"
PATH = f"/api/{DELETION}s"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["KlaviyoEraser"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield KlaviyoEraser(client)


class KlaviyoEraser:
    """Implements `Eraser` for one account."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def erase(self, person: Person) -> VendorReceipt:
        wanted = set(person.ids("profile")) | await self._of(person.addresses)
        there = await self._there(wanted)
        for identifier in sorted(there):
            await self._delete(identifier)
        left = await until_gone(self._client, there, self._there)
        if not left:
            return VendorReceipt.of_deleted(self._client.name, len(there), f"{len(there)} profiles deleted for privacy")
        says = f"the deletion of {len(there)} profiles was taken, and {len(left)} are not gone yet"
        return VendorReceipt(self._client.name, "accepted", len(there), says)

    async def _of(self, addresses: Iterable[str]) -> set[str]:
        found = await by_address(self._client, addresses, lane="withdrawal")
        return {str(profile["id"]) for profile in found.values()}

    async def _delete(self, identifier: str) -> None:
        # one identifier and no more, or Klaviyo refuses it
        profile = {"data": {"type": "profile", "id": identifier, "attributes": {}}}
        body = {"data": {"type": DELETION, "attributes": {"profile": profile}}}
        answer = await self._client.write("POST", PATH, PATH, body, lane="withdrawal")
        if answer.status >= 300:
            raise MalformedAnswer(f"{self._client.name}: POST {PATH}: {self._client.detail(answer)}; run again later")

    async def _there(self, ids: Iterable[str]) -> set[str]:
        found = set()
        for identifier in sorted(ids):
            params = {"fields[profile]": "created"}
            answer = await self._client.read(f"{PROFILES}/{identifier}", f"{PROFILES}/{{id}}", params, lane="withdrawal")
            if answer.status != 404:
                document(self._client, "GET /api/profiles/{id}", answer)
                found.add(identifier)
        return found
