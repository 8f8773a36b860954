"""Speaks JSON with one account of one vendor: waits its turn, tries again where that is safe, believes no nonsense."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import aiohttp
import orjson

from mailhouse.clock import Clock, stopwatch
from mailhouse.errors import CredentialsRejected, MalformedAnswer, NotAllowed, VendorUnreachable
from mailhouse.http.admission import TooLong
from mailhouse.http.answers import WORST_STATUS, Answer, OutcomeUnknown, Trouble, believed, said, used_up
from mailhouse.http.limits import Lane, Limits, limits_of
from mailhouse.http.metrics import Metric, Metrics
from mailhouse.http.traffic import Traffic, traffic_of
from mailhouse.http.waiting import next_wait, pause, timekeeper
from mailhouse.redaction import redacted, without
from mailhouse.settings import Connection

log = logging.getLogger("mailhouse.http")

# seconds after which it is looked whether the one call that may ask a vendor that was down has its answer
PROBE_PAUSE = 0.25
_Params = Mapping[str, str | int] | None


class HttpClient:
    """One account's client; use as an async context manager.

    `headers` carry the credentials; `secrets` never appear in an error or a log line, nor does any address. `authorization`
    gives the header of that name anew for each call, for credentials that end. `traffic` is what it shares with others of this
    process (`of` finds it); without one the client keeps to the limits alone.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        limits: Limits,
        clock: Clock,
        *,
        headers: Mapping[str, str],
        secrets: tuple[str, ...] = (),
        authorization: Callable[[], str] | None = None,
        media_type: str = "application/json",
        traffic: Traffic | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.name, self.limits, self.clock = name, limits, clock
        self._metrics = Metrics()
        self._base = base_url.rstrip("/")
        self._headers, self._secrets, self._media_type = dict(headers), secrets, media_type
        self._authorization = authorization
        self._traffic = traffic or Traffic(name, limits, clock)
        self._jitter = jitter or random.Random()
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, connection: Connection, limits: Limits, clock: Clock, *, path: str = "", **more: Any) -> "HttpClient":
        """The client of one connection: a vendor's limits as connections.yml changes them, shared with others of this process."""
        own = limits_of(connection, limits)
        return cls(connection.id, connection.url + path, own, clock, traffic=traffic_of(connection, limits, clock), **more)

    async def __aenter__(self) -> "HttpClient":
        self._traffic.circuit.opened_anew()
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            # how many connections there are is decided by the admission, over all clients of the account
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self.limits.timeout, sock_connect=min(30.0, self.limits.timeout)),
        )
        # the library would send a PUT or DELETE whose connection is cut once more without a word
        self._session._retry_connection = False
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def base_url(self) -> str:
        """Where the account is asked."""
        return self._base

    @property
    def calls(self) -> Counter[str]:
        """Calls made so far by "METHOD template status"."""
        return self._metrics.counts()

    def metrics(self) -> Mapping[str, Metric]:
        """What the calls came to, by "METHOD template"."""
        return dict(self._metrics.by_endpoint)

    async def read(self, path: str, template: str, params: _Params = None, *, lane: Lane = "ordinary") -> Answer:
        """GET; asked again whatever went wrong. Raises VendorUnreachable, MalformedAnswer or CredentialsRejected."""
        return await self._ask("GET", path, template, params, None, lane, again=True, is_write=False)

    async def ask(self, path: str, template: str, body: Any, *, lane: Lane = "ordinary") -> Answer:
        """A question that is put as a POST and changes nothing; asked again and raises as `read`."""
        return await self._ask("POST", path, template, None, orjson.dumps(body), lane, again=True, is_write=False)

    async def write(
        self, method: str, path: str, template: str, body: Any, *, lane: Lane = "ordinary", again: bool = True
    ) -> Answer:
        """Send a change; `again` says that it may be sent twice without harm (an upsert, a removal).

        `body` goes out as JSON unless it is bytes; None is empty. Raises OutcomeUnknown when it may have been taken,
        VendorUnreachable when it surely was not, CredentialsRejected.
        """
        if body is None:
            body = b""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self._ask(method, path, template, None, content, lane, again=again, is_write=True)

    async def _ask(
        self,
        method: str,
        path: str,
        template: str,
        params: _Params,
        body: bytes | None,
        lane: Lane,
        *,
        again: bool,
        is_write: bool,
    ) -> Answer:
        endpoint = f"{method} {template}"
        maybe_taken = False
        trouble = Trouble("was not asked")
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return await self._attempt(method, path, endpoint, params, body, lane)
            except VendorUnreachable as refused:
                if maybe_taken:
                    raise OutcomeUnknown(f"{refused}; an earlier attempt is read back") from refused
                raise
            except Trouble as failed:
                trouble = failed
            if is_write and trouble.taken:
                maybe_taken = True
                if not (again and trouble.repeat):
                    break
            if trouble.asked is not None and trouble.asked > self.limits.longest_wait:
                break
            if attempt < self.limits.attempts:
                wait = next_wait(attempt, trouble.asked, self.limits.first_wait, self.limits.longest_wait, self._jitter)
                log.info("%s: attempt %d, waiting %.1f s", self._line(endpoint, trouble.words), attempt, wait)
                self._metrics.waited(endpoint, wait)
                await pause(self.clock, wait)
        if maybe_taken:
            raise OutcomeUnknown(self._line(endpoint, f"{trouble.words}; it is read back"))
        if trouble.nonsense:
            raise MalformedAnswer(self._line(endpoint, f"{trouble.words}; try again later"))
        raise VendorUnreachable(
            self._line(endpoint, f"{trouble.words}, {self.limits.attempts} attempts at most; run again later")
        )

    async def _attempt(self, method: str, path: str, endpoint: str, params: _Params, body: bytes | None, lane: Lane) -> Answer:
        traffic, circuit = self._traffic, self._traffic.circuit
        began = self.clock.elapsed()
        rates = traffic.endpoint(endpoint, self.limits)
        try:
            while True:
                circuit.refuse(lane)
                if circuit.is_probing:
                    await pause(self.clock, PROBE_PAUSE)
                    continue
                async with traffic.admission.inside(lane, endpoint, rates, self.limits.longest_wait):
                    circuit.refuse(lane)
                    if circuit.is_probing:
                        continue
                    self._metrics.waited(endpoint, self.clock.elapsed() - began)
                    status, headers, raw = await self._call(method, path, endpoint, params, body, lane)
                    # inside, so that a pause the vendor asks for holds before the next call has its turn
                    return self._judged(endpoint, status, headers, raw)
        except TooLong as wait:
            raise VendorUnreachable(
                self._line(endpoint, f"may not be called for another {wait.seconds:.0f} s; run again later")
            ) from None

    async def _call(
        self, method: str, path: str, endpoint: str, params: _Params, body: bytes | None, lane: Lane
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request that counts: against the budget, for the breaker and in the metrics."""
        circuit, budget, metric = self._traffic.circuit, self._traffic.budget, self._metrics.of(endpoint)
        circuit.enter()
        began = stopwatch()
        try:
            if budget:
                budget.take(lane)
            metric.bytes_sent += len(body or b"")
            with timekeeper(self.clock).calling():
                status, headers, raw = await self._once(method, path, params, body)
        # the errors of the library are not kept as causes: some hold the address that was asked for
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            # refused before a byte was sent: nothing can have been taken
            circuit.failed()
            metric.statuses["unreachable"] += 1
            raise Trouble("does not accept connections") from None
        except (TimeoutError, aiohttp.ClientError) as error:
            circuit.failed()
            metric.statuses["no-answer"] += 1
            words = "did not answer in time" if isinstance(error, TimeoutError) else "cut the connection"
            raise Trouble(words, taken=True, repeat=False) from None
        except BaseException:
            circuit.abandoned()
            raise
        finally:
            metric.seconds += stopwatch() - began
        circuit.failed() if status >= WORST_STATUS else circuit.succeeded()
        metric.statuses[str(status)] += 1
        metric.bytes_received += len(raw)
        return status, headers, raw

    async def _once(self, method: str, path: str, params: _Params, body: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        headers = {"Content-Type": self._media_type} if body is not None else {}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization()
            self._secrets = (headers["Authorization"].rpartition(" ")[2],)
        # a redirect would carry the credentials to an address nobody configured
        async with self._session.request(
            method, self._base + path, params=params, data=body, headers=headers, allow_redirects=False
        ) as response:
            return response.status, response.headers, await response.read()

    def _judged(self, endpoint: str, status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
        try:
            answer = believed(status, headers, raw, self.limits, self.clock.now())
        except Trouble as trouble:
            if trouble.asked:
                self._traffic.close(endpoint, self.limits, trouble.asked)
            raise
        if spent := used_up(headers, self.clock.now()):
            self._traffic.close(endpoint, self.limits, spent)
        if status == 401:
            raise CredentialsRejected(f"{self.name}: the credentials are not accepted (401); set a valid secret and run again")
        if status == 403:
            raise NotAllowed(self._line(endpoint, f"not allowed (403): {self.detail(answer)}"))
        return answer

    def detail(self, answer: Answer) -> str:
        """What an error answer says, without addresses or secrets."""
        return redacted(said(answer), self._secrets)

    def _line(self, endpoint: str, trouble: str) -> str:
        return without(f"{self.name}: {endpoint}: {trouble}", self._secrets)
