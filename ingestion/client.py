"""The HTTP client every source reads with: dlt's RESTClient on a session that waits, tries again, and judges each answer."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.client import PageData
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError as TransportError

from ingestion.pace import Pace, Rate, asked_wait, backoff
from mailhouse.clock import Clock
from mailhouse.destinations import rules_for
from mailhouse.errors import ConfigurationError, CredentialsRejected, MailhouseError, MalformedAnswer, VendorUnreachable
from mailhouse.http import Limits, traffic_of
from mailhouse.settings import Connection

log = logging.getLogger("mailhouse.ingestion")

ATTEMPTS = 6  # for server errors and a silent network
PATIENT_ATTEMPTS = 12  # for "slow down": the vendor is well and wants us back
MALFORMED_ATTEMPTS = 3  # a proxy's error page passes; a changed API does not
TIMEOUT = (10, 130)  # seconds to connect, to answer (Mailchimp itself gives up after 120)
# of a vendor whose accounts we do not write to by the sync, and which publishes no number
CONNECTIONS = Limits(connections=10, reserved_connections=1)
BROKEN_OFF = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, TransportError)
SlowDown = Callable[[requests.Response], float | None]
Renew = Callable[[requests.PreparedRequest], None]


class VendorRefused(MailhouseError):
    """A vendor understood a request and will not fulfil it; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def no_slow_down(response: requests.Response) -> float | None:
    """For vendors that say "slow down" with a 429 and nothing else."""
    return None


class VendorSession(requests.Session):
    """Sends one request as often as it takes: paced, with backoff, honouring Retry-After; gives back 2xx answers only.

    `slow_down(response)` knows the vendor's own ways of asking for a pause: seconds, or None when it did not ask.
    `renew(request)` puts fresh credentials on a request that was refused, for vendors whose credentials end.
    Raises CredentialsRejected at once, VendorUnreachable and MalformedAnswer after bounded tries, VendorRefused else.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        rate: Rate | Sequence[Rate],
        secret: str,
        slow_down: SlowDown = no_slow_down,
        renew: Renew | None = None,
    ) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, netrc or certificate from the environment: only settings.py reads it
        self.connection = connection
        self.clock = clock
        self.pace = Pace(rate, clock)
        # what is read and what is written go through the same connections and count into the same day
        rules = rules_for(connection.vendor)
        self.traffic = traffic_of(connection, rules.limits if rules else CONNECTIONS, clock)
        self.secret = secret
        self.slow_down = slow_down
        self.renew = renew

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT
        kwargs["allow_redirects"] = False  # a redirect would carry the credential to another address
        streamed = bool(kwargs.get("stream"))
        tried = malformed = 0
        renewed = False
        while True:
            tried += 1
            self.pace.take()
            try:
                with self.traffic.reading():
                    response = super().send(request, **kwargs)
                    if response.ok and not streamed:
                        response.content  # noqa: B018  read here, so that a cut connection counts as a failed try
            except BROKEN_OFF as error:
                self._wait(tried, None, f"{type(error).__name__}", request)
                continue
            except requests.exceptions.ContentDecodingError:
                malformed = self._malformed(malformed, request)
                continue
            wait = self.slow_down(response)
            if wait is not None or response.status_code == 429 or response.status_code >= 500:
                asked = asked_wait(response.headers, self.clock.now())
                response.close()
                most = ATTEMPTS if wait is None and response.status_code >= 500 else PATIENT_ATTEMPTS
                self._wait(tried, asked if asked is not None else wait or None, f"HTTP {response.status_code}", request, most)
                continue
            if response.status_code == 401 and self.renew is not None and not renewed:
                self.renew(request)
                renewed = True
                continue
            self._judge(response, request)
            if streamed:
                return response
            try:
                parsed = parse(response.content)
            except ValueError:
                malformed = self._malformed(malformed, request)
                continue
            return _parsed(response, parsed)

    def _wait(self, tried: int, asked: float | None, why: str, request: requests.PreparedRequest, most: int = ATTEMPTS) -> None:
        if tried >= most:
            raise VendorUnreachable(
                f"{self.where(request)} gave no answer in {most} tries (last: {why});"
                " check the address and the vendor's status page, then run again: nothing was lost"
            )
        # never earlier than asked; growing when nothing was asked
        self.pace.wait(asked if asked is not None else backoff(tried))

    def _malformed(self, malformed: int, request: requests.PreparedRequest) -> int:
        if malformed + 1 >= MALFORMED_ATTEMPTS:
            raise MalformedAnswer(
                f"{self.where(request)} answered {MALFORMED_ATTEMPTS} times something that is not JSON;"
                " check the connection's url and any proxy, then run again: nothing of it was taken"
            )
        self.pace.wait(backoff(malformed + 1))
        return malformed + 1

    def _judge(self, response: requests.Response, request: requests.PreparedRequest) -> None:
        if response.status_code in (401, 403):
            raise CredentialsRejected(
                f"{self.where(request)} refused our credentials (HTTP {response.status_code});"
                f" check {credential_name(self.connection, self.secret)} and what it is allowed to read"
            )
        if not 200 <= response.status_code < 300:
            raise VendorRefused(
                f"{self.where(request)} answered HTTP {response.status_code}; check the connection's url and settings",
                response.status_code,
            )

    def where(self, request: requests.PreparedRequest) -> str:
        """The connection and the endpoint, without the query, which may hold what is searched for."""
        path = (request.url or "").split("?")[0].split("//", 1)[-1].partition("/")[2]
        return f"connection {self.connection.id}: {request.method} /{path}"


class VendorClient(RESTClient):
    """RESTClient that takes a page only when it has the promised shape."""

    def __init__(self, session: VendorSession, *, base_url: str, auth: AuthBase | None = None, headers: Any = None) -> None:
        super().__init__(base_url=base_url, auth=auth, headers=headers, session=session)

    def paginate(self, path: str = "", *args: Any, **kwargs: Any) -> Iterator[PageData[Any]]:
        """RESTClient's pages, without its own judgement of a status: the session has judged already, and knows when to wait."""
        return super().paginate(path, *args, **{"hooks": {"response": []}, **kwargs})

    def extract_response(self, response: requests.Response, data_selector: Any) -> list[Any]:
        """The records at `data_selector` (dots descend), which must be a list of objects. Raises MalformedAnswer."""
        found = response.json()
        for step in str(data_selector).split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if not isinstance(found, list) or not all(isinstance(record, Mapping) for record in found):
            raise self.malformed(response, f"no list of records at `{data_selector}`")
        return found

    def read(self, path: str, method: Any = "GET", **kwargs: Any) -> dict[str, Any]:
        """One JSON object. Raises MalformedAnswer when it is something else."""
        response = self.request(path, method, **kwargs)
        body = response.json()
        if not isinstance(body, dict):
            raise self.malformed(response, "no JSON object")
        return body

    def malformed(self, response: requests.Response, what: str) -> MalformedAnswer:
        """The error for an answer of the wrong shape, naming the endpoint and never what it held."""
        return MalformedAnswer(
            f"{self.session.where(response.request)} answered {what};"
            " nothing of it was taken, see whether the vendor's API changed"
        )


def address(connection: Connection) -> str:
    """Where the connection is asked. Raises VendorUnreachable when it points at a sandbox and none runs."""
    if connection.url == "sandbox":
        raise VendorUnreachable(
            f"connection {connection.id}: no sandbox serves this work directory; start one with `mailhouse sandbox serve`"
        )
    if not connection.url.startswith(("https://", "http://")):
        raise ConfigurationError(f"connection {connection.id}: its `url` must begin with https://; correct connections.yml")
    return connection.url


def _parsed(response: requests.Response, parsed: Any) -> requests.Response:
    response.json = lambda **_: parsed  # type: ignore[method-assign]  parsed once, numbers as decimals
    return response


def parse(body: bytes) -> Any:
    """JSON with numbers kept exactly. Raises ValueError for anything else, NaN and bottomless nesting included."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def credential_name(connection: Connection, secret: str) -> str:
    """How the reader finds a secret: where it comes from, or its name in connections.yml."""
    source = connection.source(secret)
    return source.place if source else f"the secret `{secret}` of connections.yml"
