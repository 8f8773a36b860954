"""A bulk operation: Shopify writes everything into a file of JSON lines, which is read as a stream."""

import logging
from collections.abc import Iterator
from typing import Any

import requests
from urllib3.exceptions import HTTPError as TransportError

from ingestion.client import VendorRefused, VendorSession, parse
from ingestion.pace import backoff
from ingestion.shopify import queries, settings
from ingestion.shopify.graphql import Shop
from mailhouse.errors import VendorUnreachable

log = logging.getLogger("mailhouse.ingestion")

FIRST_POLL, LONGEST_POLL = 0.1, 15.0  # seconds
LONGEST = 10 * 24 * 3600  # seconds; Shopify itself gives up after ten days
DOWNLOADS = 4
CHUNK = 1 << 16


def rows(shop: Shop, query: str) -> Iterator[dict[str, Any]]:
    """The objects of a bulk query as they stand in its file: parents, and their children with `__parentId`.

    Raises VendorRefused when the operation fails, VendorUnreachable when the file cannot be fetched whole.
    """
    done = _finished(shop, _started(shop, query))
    url = done.get("url")
    if url is None:  # nothing matched
        return
    expected = int(done.get("objectCount") or 0)
    taken = 0
    for attempt in range(1, DOWNLOADS + 1):
        try:
            for number, record in enumerate(_lines(shop, url), start=1):
                if number > taken:
                    taken = number
                    yield record
            if taken >= expected:
                return
        except (requests.RequestException, TransportError, ValueError) as error:
            log.info("connection %s: the bulk file broke off (%s), reading it again", shop.connection.id, type(error).__name__)
        shop.client.session.pace.wait(backoff(attempt))
    raise VendorUnreachable(
        f"connection {shop.connection.id}: the bulk file ended {DOWNLOADS} times after {taken} of {expected} objects;"
        " run again: nothing was lost"
    )


def _started(shop: Shop, query: str) -> str:
    waited = 0.0
    while True:
        answer = shop.ask(queries.RUN_BULK, query=query).get("bulkOperationRunQuery") or {}
        operation = answer.get("bulkOperation")
        if operation:
            return operation["id"]
        messages = [str(error.get("message", "")) for error in answer.get("userErrors") or []]
        if not any("already in progress" in message for message in messages):
            raise VendorRefused(
                f"connection {shop.connection.id}: Shopify refuses the bulk operation; check `settings: {{api_version: …}}`", 200
            )
        waited = _poll_pause(shop, waited)


def _finished(shop: Shop, identifier: str) -> dict[str, Any]:
    waited = 0.0
    while True:
        operation = shop.ask(queries.POLL_BULK, id=identifier).get("node")
        status = operation.get("status") if isinstance(operation, dict) else None
        if status == "COMPLETED":
            return operation
        if status not in ("CREATED", "RUNNING"):
            code = operation.get("errorCode") if isinstance(operation, dict) else None
            raise VendorRefused(
                f"connection {shop.connection.id}: Shopify's bulk operation ended as {status or 'unknown'} ({code or 'no code'});"
                " run again: nothing was lost",
                200,
            )
        waited = _poll_pause(shop, waited)


def _poll_pause(shop: Shop, waited: float) -> float:
    pause = min(LONGEST_POLL, FIRST_POLL + waited)
    if waited + pause > LONGEST:
        raise VendorUnreachable(
            f"connection {shop.connection.id}: a bulk operation does not end; cancel it in Shopify, run again"
        )
    shop.client.session.pace.wait(pause)
    return waited + pause


def _lines(shop: Shop, url: str) -> Iterator[dict[str, Any]]:
    # the address is signed: our token stays at home
    session = VendorSession(shop.connection, shop.clock, rate=settings.RATE, secret="client_secret")
    with session.get(url, stream=True) as response:
        for line in response.iter_lines(chunk_size=CHUNK):
            if line:
                record = parse(line)
                if not isinstance(record, dict):
                    raise ValueError("a line is no object")
                yield record
