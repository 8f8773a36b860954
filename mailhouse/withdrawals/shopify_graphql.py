"""Shopify's GraphQL for withdrawals and whoever else must not wait: a token, queries, and pauses while no points are left."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer, NotAllowed, VendorUnreachable
from mailhouse.http import Answer, HttpClient, Limits, pause, redacted
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import BatchRefused
from mailhouse.withdrawals.lane import RightOfWay

API_VERSION = "2026-07"
TOKEN = "/admin/oauth/access_token"
GRAPHQL = "/graphql.json"
# the shop counts points, not calls; one lane keeps the account of them simple
LIMITS = Limits(connections=2, timeout=60.0)
THROTTLED_AT_MOST = 8
LONGEST_PAUSE = 30.0


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


class Shop:
    """One shop that is asked and changed."""

    def __init__(self, client: RightOfWay, version: str) -> None:
        self.client = client
        self._path = f"/admin/api/{version}/graphql.json"

    async def read(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The `data` of a query. Raises NotAllowed, BatchRefused, MalformedAnswer, VendorUnreachable, CredentialsRejected."""
        return await self._data(query, variables, lambda body: self.client.ask(self._path, GRAPHQL, body))

    async def change(self, mutation: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The `data` of a mutation. Raises as `read`, and OutcomeUnknown."""
        return await self._data(mutation, variables, lambda body: self.client.write("POST", self._path, GRAPHQL, body))

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
                await pause(self.client.clock, _until_refilled(body))
                continue
            if "ACCESS_DENIED" in codes:
                raise NotAllowed(f"{self.client.name}: the app may not do this; give it {_wanted(errors)}")
            if isinstance(body.get("data"), Mapping):
                return body["data"]
            if errors:
                said = redacted("; ".join(str(error.get("message", "")) for error in errors if isinstance(error, Mapping)))
                raise BatchRefused(said or "refused", "graphql")
            raise MalformedAnswer(f"{self.client.name}: the answer holds no data: {self.client.detail(answer)}; run again later")
        raise VendorUnreachable(f"{self.client.name}: has no points left for us; run again later")


def _until_refilled(body: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the request asks for."""
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    return min(LONGEST_PAUSE, max(0.1, math.ceil(missing) / max(1.0, float(status.get("restoreRate") or 50.0))))


def _wanted(errors: Any) -> str:
    """The scope that a refusal names, in Shopify's words."""
    named = ((error.get("extensions") or {}).get("requiredAccess") for error in errors if isinstance(error, Mapping))
    return redacted(str(next(filter(None, named), "the scopes that docs/connections.md names")).rstrip("."))
