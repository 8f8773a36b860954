"""HubSpot: the deletion for privacy, after which the address is on the portal's block list."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import client_of, paths_of
from mailhouse.errors import MalformedAnswer
from mailhouse.privacy.vendors.base import Person, VendorReceipt
from mailhouse.settings import Connection
from mailhouse.withdrawals.lane import RightOfWay

READ_ROWS = 100


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["HubSpotEraser"]:
    """The portal of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield HubSpotEraser(RightOfWay(client), paths_of(connection))


class HubSpotEraser:
    """Implements `Eraser` for one portal."""

    def __init__(self, client: RightOfWay, paths: Paths) -> None:
        self._client = client
        self._contacts = paths.contacts

    async def erase(self, person: Person) -> VendorReceipt:
        there = await self._there(person.ids("contact")) | await self._there(person.addresses, by="email")
        for identifier in sorted(there):
            await self._delete({"objectId": identifier})
        # also an address that no contact has: it is blocked, so that nobody brings it back
        for address in person.addresses:
            await self._delete({"objectId": address, "idProperty": "email"})
        left = await self._there(sorted(there))
        if left:
            return VendorReceipt(self._client.name, "failed", len(left), f"{len(left)} contacts are still there; run again")
        says = f"{len(there)} contacts deleted for privacy, {len(person.addresses)} addresses on the block list"
        return VendorReceipt.of_deleted(self._client.name, len(there), says)

    async def _delete(self, body: dict[str, Any]) -> None:
        answer = await self._client.write("POST", f"{self._contacts}/gdpr-delete", "/contacts/gdpr-delete", body)
        if answer.status not in (200, 204, 404):
            raise MalformedAnswer(f"{self._client.name}: gdpr-delete: {self._client.detail(answer)}; run again later")

    async def _there(self, keys: Sequence[str], by: str = "id") -> set[str]:
        """The ids of those contacts that the portal has, archived ones included."""
        found: set[str] = set()
        asked: dict[str, Any] = {"properties": ["hs_object_id"]} | ({"idProperty": by} if by != "id" else {})
        for start in range(0, len(keys), READ_ROWS):
            inputs = [{"id": key} for key in keys[start : start + READ_ROWS]]
            for archived in ("false", "true"):
                path = f"{self._contacts}/batch/read?archived={archived}"
                answer = await self._client.ask(path, "/contacts/batch/read", asked | {"inputs": inputs})
                results = answer.body.get("results") if isinstance(answer.body, dict) else None
                if answer.status not in (200, 207) or not isinstance(results, list):
                    raise MalformedAnswer(f"{self._client.name}: reading back: {self._client.detail(answer)}; run again later")
                found |= {str(result["id"]) for result in results}
        return found
