"""Asking Shopify's GraphQL: throttling is told in the body, errors too, and a nested page is drained to its end."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from ingestion.client import VendorClient, VendorRefused, VendorSession, address, parse
from ingestion.shopify import settings
from ingestion.shopify.auth import ClientCredentials, PermanentToken
from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer
from mailhouse.settings import Connection

Node = dict[str, Any]


class TooCostly(VendorRefused):
    """A query's pages are too large for the shop's cost limit."""


class Shop:
    """One shop's GraphQL endpoint; makes no call until it is asked. Raises CredentialsMissing."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        url = address(connection)
        granted = "client_secret" in connection.secret_names or "client_secret" in connection.sandbox_secrets
        auth = ClientCredentials(connection, clock) if granted else PermanentToken(connection)
        session = VendorSession(
            connection,
            clock,
            rate=settings.RATE,
            secret="client_secret" if granted else "token",
            slow_down=throttled,
            renew=auth.renew if isinstance(auth, ClientCredentials) else None,
        )
        self.client = VendorClient(session, base_url=url, auth=auth)
        self._path = settings.GRAPHQL.format(version=connection.settings.get("api_version", settings.API_VERSION))

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The `data` of one query. Raises TooCostly, CredentialsRejected, VendorRefused, MalformedAnswer."""
        response = self.client.post(self._path, json={"query": query, "variables": variables})
        body = response.json()
        errors = body.get("errors") if isinstance(body, dict) else None
        if errors:
            raise self._refused(errors)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise self.client.malformed(response, "no `data`")
        return data

    def pages(self, connection: str, query: str, first: int, /, **variables: Any) -> Iterator[list[Node]]:
        """The nodes of a top-level connection page by page; pages are halved when the shop finds them too costly."""
        after: str | None = None
        while True:
            try:
                data = self.ask(query, first=first, after=after, **variables)
            except TooCostly:
                if first == 1:
                    raise
                first = max(1, first // 2)
                continue
            nodes, after = self.page(data.get(connection), connection)
            if nodes:
                yield nodes
            if after is None:
                return

    def page(self, connection: Any, name: str) -> tuple[list[Node], str | None]:
        """The nodes of one page of a connection and the cursor of the next, None at the end. Raises MalformedAnswer."""
        try:
            nodes = [edge["node"] for edge in connection["edges"]]
            info = connection["pageInfo"]
            more, cursor = info["hasNextPage"], info["endCursor"]
        except (TypeError, KeyError) as error:
            raise self.malformed(f"no page of `{name}`") from error
        if not all(isinstance(node, Mapping) for node in nodes) or (more and not isinstance(cursor, str)):
            raise self.malformed(f"no page of `{name}`")
        return nodes, cursor if more else None

    def drain(self, owner: str, connection: Any, name: str, rest: str) -> list[Node]:
        """All nodes of a nested connection whose first page is at hand; `rest` asks `owner` for the others."""
        nodes, after = self.page(connection, name)
        while after is not None:
            node = self.ask(rest, id=owner, first=settings.DRAIN_PAGE, after=after).get("node")
            if node is None:
                break  # deleted while we read it; the count at the end will tell
            more, after = self.page(node.get(name), name)
            nodes = nodes + more
        return nodes

    def malformed(self, what: str) -> MalformedAnswer:
        """The error for an answer of the wrong shape."""
        return MalformedAnswer(
            f"connection {self.connection.id}: POST {self._path} answered {what};"
            " nothing of it was taken, see whether the vendor's API changed"
        )

    def _refused(self, errors: Any) -> Exception:
        codes = sorted(error_codes(errors))
        said = ", ".join(codes) or "no code"
        if "ACCESS_DENIED" in codes:
            return CredentialsRejected(
                f"connection {self.connection.id}: Shopify denies access to what is asked ({said});"
                " give the app read_customers, read_orders, read_all_orders and read_products,"
                " and its user manage_abandoned_checkouts or the connection `settings: {abandoned_checkouts: false}`"
            )
        kind = TooCostly if "MAX_COST_EXCEEDED" in codes else VendorRefused
        return kind(
            f"connection {self.connection.id}: POST {self._path} refuses the query ({said});"
            " check `settings: {api_version: …}` of the connection",
            200,
        )


def throttled(response: requests.Response) -> float | None:
    """Seconds until the cost bucket holds what the query asks for; Shopify says so in the body, whatever the status."""
    if "json" not in response.headers.get("Content-Type", "") or b"throttled" not in response.content.lower():
        return None
    try:
        body = parse(response.content)
    except ValueError:
        return None
    if not isinstance(body, dict) or not body.get("errors"):
        return None
    is_throttled = "THROTTLED" in error_codes(body["errors"]) or any(
        isinstance(error, dict) and error.get("message") == "Throttled" for error in body["errors"]
    )
    return wait_for_bucket(body) if is_throttled else None


def wait_for_bucket(body: Mapping[str, Any]) -> float:
    """(requested - available) / restore rate, or two seconds when the answer does not tell."""
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    try:
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.1, missing / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 2.0


def error_codes(errors: Any) -> set[str]:
    """The codes of GraphQL errors: identifiers, so that they can be shown."""
    found = set()
    for error in errors if isinstance(errors, list) else []:
        code = (error.get("extensions") or {}).get("code") if isinstance(error, dict) else None
        if isinstance(code, str) and code.replace("_", "").isalnum():
            found.add(code)
    return found
