"""Shopify: a customer's consent to marketing mail is set to what was said, with its own date, 20 customers a request."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer, VendorUnreachable
from mailhouse.http import Answer, HttpClient, Limits, pause, redacted
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import READ_BACK, UNKNOWN_THERE, BatchRefused, Told, Withdrawal
from mailhouse.withdrawals.lane import RightOfWay

API_VERSION = "2026-07"
TOKEN = "/admin/oauth/access_token"
GRAPHQL = "/graphql.json"
# the shop counts points, not calls; one lane keeps the account of them simple
LIMITS = Limits(connections=2, timeout=60.0)
THROTTLED_AT_MOST = 8
LONGEST_PAUSE = 30.0
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


@asynccontextmanager
async def opened(connection: Connection, clock: Clock) -> AsyncIterator[tuple[RightOfWay, str]]:
    """A client with a fresh token, and the version of the API that it speaks. Raises CredentialsMissing, -Rejected."""
    token, secrets = await _token(connection, clock)
    headers = {"X-Shopify-Access-Token": token}
    async with HttpClient.of(connection, LIMITS, clock, headers=headers, secrets=secrets) as client:
        yield RightOfWay(client), str(connection.settings.get("api_version", API_VERSION))


async def _token(connection: Connection, clock: Clock) -> tuple[str, tuple[str, ...]]:
    """A token and all that must not be logged; the permanent token of an older app when the connection names one."""
    if "client_secret" not in connection.secret_names and "client_secret" not in connection.sandbox_secrets:
        token = connection.secret("token")
        return token, (token,)
    client_id, client_secret = connection.secret("client_id"), connection.secret("client_secret")
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    async with HttpClient.of(connection, LIMITS, clock, headers={}, secrets=(client_secret,)) as client:
        answer = await RightOfWay(client).write("POST", TOKEN, TOKEN, asked)
    token = answer.body.get("access_token") if isinstance(answer.body, Mapping) else None
    if not isinstance(token, str):
        raise CredentialsRejected(f"{connection.id}: the shop grants no token ({answer.status}); is the app still installed?")
    return token, (token, client_secret)


class ShopifyWriter:
    """Implements `Writer` for one shop."""

    # ten points each: 200 of a bucket that holds 2,000 on the smallest plan
    batch = 20
    lanes = 1
    is_dated = True

    def __init__(self, client: RightOfWay, version: str) -> None:
        self._client = client
        self._path = f"/admin/api/{version}/graphql.json"

    def counts(self) -> Mapping[str, int]:
        return self._client.counts()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        found, told = [], []
        for start in range(0, len(unseen), self.batch):
            part = unseen[start : start + self.batch]
            variables = {f"q{n}": f'email:"{one.address}"' for n, one in enumerate(part)}
            types = ", ".join(f"$q{n}: String!" for n in range(len(part)))
            data = await self._read(BY_ADDRESS % (types, " ".join(FOUND % (n, n) for n in range(len(part)))), variables)
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
        data = await self._data(f"mutation ({types}) {{ {fields} }}", variables, self._write)
        told = [self._outcome(one, data.get(f"c{n}")) for n, one in enumerate(batch)]
        refused = [one.withdrawal for one in told if one.status == "rejected"]
        if not refused:
            return told
        # a customer who is gone cannot be mailed, and the answer says so in words only
        gone = {one.withdrawal.key: one for one in await self.read_back(refused) if one.code == UNKNOWN_THERE}
        return [gone.get(one.withdrawal.key, one) for one in told]

    def _input(self, one: Withdrawal) -> dict[str, Any]:
        # with its own date the refusal comes back as the act that it is, and is no newer one
        now = self._client.clock.now()
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
        nodes = (await self._read(CUSTOMERS, {"ids": ids}))["nodes"]
        told = []
        for one, node in zip(batch, nodes, strict=True):
            if node is None:
                told.append(Told(one, "accepted", UNKNOWN_THERE))
            else:
                told.append(Told(one, "accepted", READ_BACK) if _state(node) in REFUSED else Told(one, "unknown"))
        return told

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:  # noqa: ARG002
        return {}

    async def _write(self, body: Mapping[str, Any]) -> Answer:
        return await self._client.write("POST", self._path, GRAPHQL, body)

    async def _read(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._data(query, variables, lambda body: self._client.ask(self._path, GRAPHQL, body))

    async def _data(
        self, query: str, variables: Mapping[str, Any], send: Callable[[Mapping[str, Any]], Awaitable[Answer]]
    ) -> Mapping[str, Any]:
        """The `data` of one request; waits while the shop has no points left, which it says with status 200."""
        for _ in range(THROTTLED_AT_MOST):
            answer = await send({"query": query, "variables": variables})
            body = answer.body if isinstance(answer.body, Mapping) else {}
            errors = body.get("errors") or []
            codes = {(error.get("extensions") or {}).get("code") for error in errors if isinstance(error, Mapping)}
            if "THROTTLED" in codes:
                await pause(self._client.clock, _until_refilled(body))
                continue
            if "ACCESS_DENIED" in codes:
                raise CredentialsRejected(f"{self._client.name}: the app may not write consent; give it write_customers")
            if isinstance(body.get("data"), Mapping):
                return body["data"]
            if errors:
                said = redacted("; ".join(str(error.get("message", "")) for error in errors if isinstance(error, Mapping)))
                raise BatchRefused(said or "refused", "graphql")
            raise MalformedAnswer(
                f"{self._client.name}: the answer holds no data: {self._client.detail(answer)}; run again later"
            )
        raise VendorUnreachable(f"{self._client.name}: has no points left for us; run again later")


def _until_refilled(body: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the request asks for."""
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    return min(LONGEST_PAUSE, max(0.1, math.ceil(missing) / max(1.0, float(status.get("restoreRate") or 50.0))))


def _state(customer: Any) -> str:
    consent = customer.get("emailMarketingConsent") if isinstance(customer, Mapping) else None
    return str((consent or {}).get("marketingState") or "")


def _number(identifier: str) -> str:
    return identifier.rpartition("/")[2]
