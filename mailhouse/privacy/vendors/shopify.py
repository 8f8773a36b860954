"""Shopify: a customer without orders is deleted; of one with orders the shop erases what is personal, in its own time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.http import redacted
from mailhouse.privacy.vendors.base import Person, VendorReceipt
from mailhouse.settings import Connection
from mailhouse.withdrawals.shopify import ShopifyWriter
from mailhouse.withdrawals.shopify_graphql import opened

FIND = "query ($q: String!) { customers(first: 50, query: $q) { nodes { id email } } }"
STATES = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { id email } } }"
DELETE = "mutation ($id: ID!) { customerDelete(input: {id: $id}) { deletedCustomerId userErrors { field message } } }"
ERASE = "mutation ($id: ID!) { customerRequestDataErasure(customerId: $id) { customerId userErrors { field message } } }"
PREFIX = "gid://shopify/Customer/"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["ShopifyEraser"]:
    """The shop of one connection, open for the time of the block. Raises CredentialsMissing, CredentialsRejected."""
    async with opened(connection, clock) as (client, version):
        yield ShopifyEraser(client, version)


class ShopifyEraser(ShopifyWriter):
    """Implements `Eraser` for one shop, by the queries that its withdrawals are told with."""

    async def erase(self, person: Person) -> VendorReceipt:
        found = {f"{PREFIX}{number}" for number in person.ids("customer")}
        for address in person.addresses:
            nodes = (await self.read(FIND, {"q": f'email:"{address}"'}))["customers"]["nodes"]
            # a search is not an exact match
            found |= {node["id"] for node in nodes if str(node["email"]).lower() == address}
        there = await self._known(found)
        deleted, asked, refused = 0, 0, ""
        for identifier in sorted(there):
            if not self._refusal(await self._change(DELETE, "customerDelete", identifier)):
                deleted += 1
                continue
            # the orders stay, so the shop keeps a customer without a name
            refused = self._refusal(await self._change(ERASE, "customerRequestDataErasure", identifier)) or refused
            asked += 1
        name = self.client.name
        if refused:
            return VendorReceipt(name, "failed", len(there), f"the shop refuses the erasure of a customer: {refused}; run again")
        left = sum(email is not None for email in (await self._known(there)).values())
        says = f"{deleted} customers deleted, {asked} with orders to be erased by the shop"
        if left:
            return VendorReceipt(name, "accepted", len(there), f"{says}, {left} of them not yet")
        return VendorReceipt.of_deleted(name, len(there), says)

    async def _known(self, ids: Any) -> dict[str, str | None]:
        """The address of each of the customers that the shop has."""
        if not ids:
            return {}
        nodes = (await self.read(STATES, {"ids": sorted(ids)}))["nodes"]
        return {node["id"]: node["email"] for node in nodes if node}

    async def _change(self, mutation: str, name: str, identifier: str) -> Mapping[str, Any]:
        return (await self.change(mutation, {"id": identifier}))[name]

    @staticmethod
    def _refusal(said: Mapping[str, Any]) -> str:
        errors = said.get("userErrors") or []
        return redacted(str(errors[0].get("message") or "refused")) if errors else ""
