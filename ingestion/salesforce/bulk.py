"""A first load by Bulk API 2.0: Salesforce runs the query by itself, and its result is fetched as CSV in pieces."""

import csv
import io
import logging
from collections.abc import Iterator

import requests
from urllib3.exceptions import HTTPError as TransportError

from ingestion.client import VendorRefused
from ingestion.pace import backoff
from ingestion.salesforce import settings
from ingestion.salesforce.org import Org, Record
from mailhouse.errors import MalformedAnswer, VendorUnreachable

log = logging.getLogger("mailhouse.ingestion")

FIRST_POLL, LONGEST_POLL = 1.0, 30.0  # seconds
LONGEST = 24 * 3600  # seconds; a job that takes longer is stuck
RUNNING = ("UploadComplete", "InProgress")
LAST = "null"
DOWNLOADS = 4


def rows(org: Org, soql: str) -> Iterator[list[Record]]:
    """The records of a query in pieces, every value as text.

    Raises VendorRefused when the job fails, VendorUnreachable when it does not end, MalformedAnswer for a broken piece.
    """
    path = settings.BULK.format(version=org.version)
    job = str(org.client.read(path, "POST", json={"operation": "queryAll", "query": soql}).get("id") or "")
    if not job.isalnum():
        raise MalformedAnswer(f"connection {org.connection.id}: Salesforce takes a bulk query without giving its id; run again")
    expected = _finished(org, f"{path}/{job}")
    taken, locator = 0, ""
    while locator != LAST:
        piece, locator = _piece(org, f"{path}/{job}/results", locator)
        taken += len(piece)
        if piece:
            yield piece
    if taken != expected:
        raise MalformedAnswer(
            f"connection {org.connection.id}: a bulk query gave {taken} of {expected} records; run again: nothing was lost"
        )


def _finished(org: Org, path: str) -> int:
    """How many records the job found."""
    waited = 0.0
    while True:
        job = org.client.read(path)
        state = job.get("state")
        if state == "JobComplete":
            return int(job.get("numberRecordsProcessed") or 0)
        if state not in RUNNING:
            raise VendorRefused(
                f"connection {org.connection.id}: a bulk query ended as {state or 'unknown'}; run again: nothing was lost", 200
            )
        pause = min(LONGEST_POLL, FIRST_POLL + waited)
        if waited + pause > LONGEST:
            raise VendorUnreachable(
                f"connection {org.connection.id}: a bulk query does not end; abort it in Salesforce, run again"
            )
        org.session.pace.wait(pause)
        waited += pause


def _piece(org: Org, path: str, locator: str) -> tuple[list[Record], str]:
    asked = {"maxRecords": str(settings.BULK_PAGE)} | ({"locator": locator} if locator else {})
    text, following = _downloaded(org, path, asked)
    if not following or following == locator:
        raise MalformedAnswer(f"connection {org.connection.id}: a bulk result does not say where it goes on; run again")
    found = list(csv.DictReader(io.StringIO(text)))
    if any(None in row or None in row.values() for row in found):
        raise MalformedAnswer(f"connection {org.connection.id}: a bulk result has lines of unequal length; run again")
    return [{name: value or None for name, value in row.items()} for row in found], following


def _downloaded(org: Org, path: str, asked: dict[str, str]) -> tuple[str, str | None]:
    """The CSV of one piece and where the next one begins; asked for again when it breaks off."""
    for attempt in range(1, DOWNLOADS + 1):
        try:
            with org.session.get(f"{org.connection.url}{path}", params=asked, auth=org.auth, stream=True) as response:
                return response.content.decode("utf-8"), response.headers.get("Sforce-Locator")
        except (requests.RequestException, TransportError, UnicodeDecodeError) as error:
            log.info("connection %s: a bulk result broke off (%s), reading it again", org.connection.id, type(error).__name__)
        org.session.pace.wait(backoff(attempt))
    raise VendorUnreachable(
        f"connection {org.connection.id}: a bulk result broke off {DOWNLOADS} times; run again: nothing was lost"
    )
