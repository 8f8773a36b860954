"""Shopify: a customer's consent to marketing mail is set to what was said, with its own date, 20 customers a request."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.http import redacted
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import READ_BACK, UNKNOWN_THERE, Told, Withdrawal
from mailhouse.withdrawals.shopify_graphql import Shop, opened

# what cannot be mailed: everything else may change into it by the shop's own doing
REFUSED = ("UNSUBSCRIBED", "NOT_SUBSCRIBED", "REDACTED", "INVALID")

INPUT = "$c%d: CustomerEmailMarketingConsentUpdateInput!"
FIELD = (
    "c%d: customerEmailMarketingConsentUpdate(input: $c%d)"
    " { customer { id emailMarketingConsent { marketingState } } userErrors { field message code } }"
)
CUSTOMERS = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { id emailMarketingConsent { marketingState } } } }"
BY_ADDRESS = "query (%s) { %s }"
FOUND = "c%d: customers(first: 5, query: $q%d) { nodes { id email } }"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["ShopifyWriter"]:
    """The shop of one connection, open for the time of the block. Raises CredentialsMissing, CredentialsRejected."""
    async with opened(connection, clock) as (client, version):
        yield ShopifyWriter(client, version)


class ShopifyWriter(Shop):
    """Implements `Writer` for one shop."""

    # ten points each: 200 of a bucket that holds 2,000 on the smallest plan
    batch = 20
    lanes = 1
    is_dated = True

    def counts(self) -> Mapping[str, int]:
        return self.client.counts()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        found, told = [], []
        for start in range(0, len(unseen), self.batch):
            part = unseen[start : start + self.batch]
            variables = {f"q{n}": f'email:"{one.address}"' for n, one in enumerate(part)}
            types = ", ".join(f"$q{n}: String!" for n in range(len(part)))
            data = await self.read(BY_ADDRESS % (types, " ".join(FOUND % (n, n) for n in range(len(part)))), variables)
            for n, one in enumerate(part):
                # a search is not an exact match
                nodes = [node for node in data[f"c{n}"]["nodes"] if str(node["email"]).lower() == one.address.lower()]
                found += [replace(one, record_id=_number(node["id"]), is_known=True) for node in nodes]
                told += [] if nodes else [Told(one, "accepted", UNKNOWN_THERE)]
        return found, told

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        numbers = range(len(batch))
        types, fields = ", ".join(INPUT % n for n in numbers), " ".join(FIELD % (n, n) for n in numbers)
        variables = {f"c{n}": self._input(one) for n, one in enumerate(batch)}
        data = await self.change(f"mutation ({types}) {{ {fields} }}", variables)
        told = [self._outcome(one, data.get(f"c{n}")) for n, one in enumerate(batch)]
        refused = [one.withdrawal for one in told if one.status == "rejected"]
        if not refused:
            return told
        # a customer who is gone cannot be mailed, and the answer says so in words only
        gone = {one.withdrawal.key: one for one in await self.read_back(refused) if one.code == UNKNOWN_THERE}
        return [gone.get(one.withdrawal.key, one) for one in told]

    def _input(self, one: Withdrawal) -> dict[str, Any]:
        # with its own date the refusal comes back as the act that it is, and is no newer one
        now = self.client.clock.now()
        said = min(one.refused_at or now, now).astimezone(UTC)
        consent = {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": f"{said:%Y-%m-%dT%H:%M:%SZ}"}
        return {"customerId": f"gid://shopify/Customer/{one.record_id}", "emailMarketingConsent": consent}

    @staticmethod
    def _outcome(one: Withdrawal, said: Any) -> Told:
        if not isinstance(said, Mapping):
            return Told(one, "unknown", "no_answer", "the answer leaves this customer out")
        errors = said.get("userErrors") or []
        if errors:
            return Told(one, "rejected", str(errors[0].get("code") or "refused").lower(), redacted(str(errors[0].get("message"))))
        return Told(one, "accepted") if _state(said.get("customer")) == "UNSUBSCRIBED" else Told(one, "unknown")

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        ids = [f"gid://shopify/Customer/{one.record_id}" for one in batch]
        nodes = (await self.read(CUSTOMERS, {"ids": ids}))["nodes"]
        told = []
        for one, node in zip(batch, nodes, strict=True):
            if node is None:
                told.append(Told(one, "accepted", UNKNOWN_THERE))
            else:
                told.append(Told(one, "accepted", READ_BACK) if _state(node) in REFUSED else Told(one, "unknown"))
        return told

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:  # noqa: ARG002
        return {}


def _state(customer: Any) -> str:
    consent = customer.get("emailMarketingConsent") if isinstance(customer, Mapping) else None
    return str((consent or {}).get("marketingState") or "")


def _number(identifier: str) -> str:
    return identifier.rpartition("/")[2]
