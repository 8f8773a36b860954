"""One SendGrid account: listings by token or offset, a search that tells little, and exports, which tell all."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from urllib3.exceptions import HTTPError as TransportError

from ingestion.auth import Authorization
from ingestion.client import VendorClient, VendorSession, address
from ingestion.pace import LONGEST_WAIT, backoff
from ingestion.sendgrid import settings
from mailhouse.clock import Clock
from mailhouse.errors import ConfigurationError, CredentialsRejected, VendorUnreachable
from mailhouse.http import until_reset
from mailhouse.settings import Connection

Record = dict[str, Any]
DOWNLOADS = 3
PAGE = 5_000
FIRST_POLL, LONGEST_POLL = 0.5, 15.0


class Account:
    """The account behind one API key; makes no call until it is asked. Raises CredentialsMissing."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection, self.clock = connection, clock
        self._url = address(connection)
        self._client = VendorClient(
            self._session(),
            base_url=self._url,
            auth=Authorization(connection, "api_key"),
            headers={"Accept": "application/json"},
        )

    def _session(self) -> VendorSession:
        said = self.connection.settings.get("calls_per_minute", settings.CALLS_PER_MINUTE)
        if not isinstance(said, int) or isinstance(said, bool) or said < 1:
            raise ConfigurationError(f"connection {self.connection.id}: settings.calls_per_minute must be a positive number")
        return VendorSession(
            self.connection,
            self.clock,
            rate=settings.rate(said),
            secret="api_key",
            slow_down=lambda answer: slow_down(answer, self.clock),
        )

    # -- listings ---------------------------------------------------------------------------------------------------
    def pages(self, path: str, key: str, size: int) -> Iterator[list[Record]]:
        """Every page of a listing that goes by tokens."""
        token: str | None = None
        while True:
            asked = {"page_size": size} if token is None else {"page_size": size, "page_token": token}
            response = self._client.get(path, params=asked)
            if page := self._client.extract_response(response, key):
                yield page
            # only the token is taken of the link: the key goes to no address but the connection's
            metadata = response.json().get("_metadata")
            following = str(metadata.get("next") or "") if isinstance(metadata, Mapping) else ""
            tokens = parse_qs(urlsplit(following).query).get("page_token")
            if not tokens:
                return
            if tokens[0] == token:
                raise self._client.malformed(response, "a page that is followed by itself")
            token = tokens[0]

    def suppressions(self, name: str, since: datetime | None) -> Iterator[list[Record]]:
        """Every page of a list of suppressions, from a moment on."""
        offset = 0
        while True:
            asked: Record = {"limit": settings.SUPPRESSIONS_PAGE, "offset": offset}
            if since is not None:
                asked["start_time"] = int(since.timestamp())
            page = self.entries(settings.SUPPRESSIONS_PATH.format(name=name), asked)
            if page:
                yield page
            if len(page) < settings.SUPPRESSIONS_PAGE:
                return
            offset += len(page)

    def entries(self, path: str, query: Record | None = None) -> list[Record]:
        """A listing that is a bare list."""
        response = self._client.get(path, params=query or {})
        found = response.json()
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise self._client.malformed(response, "no list of records")
        return found

    # -- contacts ---------------------------------------------------------------------------------------------------
    def count(self) -> int:
        """How many contacts the account has."""
        return self._number(self._client.read(settings.COUNT), "contact_count")

    def changed_since(self, moment: datetime) -> tuple[list[Record], int]:
        """The first 50 contacts that changed since, and how many there are."""
        query = f"updated_at >= '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
        body = self._client.read(settings.SEARCH, "POST", json={"query": query})
        found = body.get("result") or []
        return [flat(one) for one in found if isinstance(one, Mapping)], self._number(body, "contact_count")

    def exported(self, list_id: str | None = None) -> Iterator[list[Record]]:
        """All contacts of the account, or of one list, in pages; an export is made, waited for and fetched.

        Raises VendorUnreachable when it does not come about, or cannot be fetched whole.
        """
        taken = 0
        for attempt in range(1, DOWNLOADS + 1):
            export = self._export(list_id)
            read = 0
            try:
                for url in export.get("urls") or ():
                    for page in self._file(str(url)):
                        fresh = page[max(0, taken - read) :]
                        read += len(page)
                        if fresh:
                            taken += len(fresh)
                            yield fresh
            except (requests.RequestException, TransportError, CredentialsRejected, OSError, EOFError):
                # cut off, or its address has expired: another export has another address
                self._client.session.pace.wait(backoff(attempt))
                continue
            if read == export.get("contact_count", read):
                return
        raise VendorUnreachable(
            f"connection {self.connection.id}: an export of contacts could not be fetched whole, {DOWNLOADS} times;"
            " run again: nothing was lost"
        )

    def _export(self, list_id: str | None) -> Record:
        body: Record = {"file_type": "csv", **({"list_ids": [list_id]} if list_id else {})}
        export_id = self._client.read(settings.EXPORTS, "POST", json=body).get("id")
        waited, pause = 0.0, FIRST_POLL
        while True:
            export = self._client.read(f"{settings.EXPORTS}/{export_id}")
            if export.get("status") == "ready":
                return export
            if export.get("status") != "pending" or waited > settings.LONGEST_EXPORT:
                raise VendorUnreachable(
                    f"connection {self.connection.id}: an export of contacts did not come about; run again: nothing was lost"
                )
            self._client.session.pace.wait(pause)
            waited, pause = waited + pause, min(LONGEST_POLL, pause * 2)

    def _file(self, url: str) -> Iterator[list[Record]]:
        """The rows of one file, the names of its columns in lower case. The address is signed: the key stays at home."""
        parts, base = urlsplit(url), urlsplit(self._url)
        if parts.scheme != "https" and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            raise VendorUnreachable(f"connection {self.connection.id}: an export lies at an address that is not encrypted")
        with self._session().get(url, stream=True) as response:
            # or it would be closed at its end under the reader's hands
            response.raw.auto_close = False
            raw = io.BufferedReader(response.raw)
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            reader = csv.reader(io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, "utf-8-sig", newline=""))
            names = [name.strip().lower() for name in next(reader, [])]
            page: list[Record] = []
            for row in reader:
                page.append(_of_export(dict(zip(names, row, strict=False))))
                if len(page) == PAGE:
                    yield page
                    page = []
            if page:
                yield page

    def _number(self, body: Record, name: str) -> int:
        found = body.get(name)
        if not isinstance(found, int):
            raise VendorUnreachable(f"connection {self.connection.id}: SendGrid does not say its {name}; run again")
        return found


def slow_down(response: requests.Response, clock: Clock) -> float | None:
    """Seconds until the window of an endpoint ends, where SendGrid asks for a pause: it says so in no other way."""
    if response.status_code != 429:
        return None
    wait = until_reset(response.headers.get("X-RateLimit-Reset"), _vendor_now(response, clock))
    return min(wait, LONGEST_WAIT) if wait else 1.0


def _vendor_now(response: requests.Response, clock: Clock) -> datetime:
    """The vendor's own time of its answer, so that the end of a window does not depend on whose clock is right."""
    try:
        return datetime.strptime(response.headers.get("Date", ""), "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return clock.now()


def flat(contact: Mapping[str, Any]) -> Record:
    """A contact that was looked up, in the shape of an exported one."""
    own = contact.get("custom_fields")
    return {**(own if isinstance(own, Mapping) else {}), **contact}


def _of_export(row: Record) -> Record:
    return {**{name: value or None for name, value in row.items()}, "id": row.get("contact_id")}


def moment_of(seconds: Any) -> str | None:
    """A time of SendGrid's lists, seconds since 1970, as ISO 8601."""
    return datetime.fromtimestamp(float(seconds), UTC).isoformat() if isinstance(seconds, int | float) else None
