"""One HTTP client for what we write to ESPs and read back: each vendor's limits as data, waiting and retrying in one place."""

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import aiohttp
import orjson

from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MailhouseError, MalformedAnswer, VendorUnreachable

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+")
_DIGITS = re.compile(r"\+?\d[\d \-()]{7,}\d")
_WORST_STATUS = 500


class OutcomeUnknown(MailhouseError):
    """A write was sent and its answer did not come or cannot be believed: read back before doing anything else."""


@dataclass(frozen=True)
class Limits:
    """What one vendor allows, per account: simultaneous connections, calls a second (None: no such limit) with a burst.

    Times are seconds. `longest_wait` bounds a Retry-After that asks for more; such a call is given up and owed to the next run.
    """

    connections: int
    rate: float | None = None
    burst: int = 1
    timeout: float = 120.0
    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 300.0
    bodyless_403_is_throttle: bool = False
    settle_time: float = 60.0
    settle_pause: float = 5.0


@dataclass(frozen=True)
class Answer:
    """A vendor's answer that can be believed: its status (below 500, never a throttle) and its JSON body, {} when empty."""

    status: int
    body: Any


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without addresses, phone numbers and the given secrets, cut to 200 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "<secret>")
    text = _DIGITS.sub("<number>", _ADDRESS.sub("<address>", text))
    return " ".join(text.split())[:200]


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After header asks for: a number, an HTTP date, or None when absent, negative or nonsense."""
    if value is None:
        return None
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    return seconds if 0 <= seconds < float("inf") else None


class _Bucket:
    """Lets `burst` calls through at once and `rate` a second after that, in the clock's time."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._tokens, self._at = float(limits.burst), clock.now()
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        if self._limits.rate is None:
            return
        async with self._lock:
            self._refill()
            if self._tokens < 1:
                await pause(self._clock, (1 - self._tokens) / self._limits.rate)
                self._refill()
                # a clock that stands still while we wait (a sandbox's) must not stop us for ever
                self._tokens = max(self._tokens, 1.0)
            self._tokens -= 1

    def _refill(self) -> None:
        now = self._clock.now()
        passed = max(0.0, (now - self._at).total_seconds())
        self._tokens = min(float(self._limits.burst), self._tokens + passed * (self._limits.rate or 0))
        self._at = now


async def pause(clock: Clock, seconds: float) -> None:
    """Wait through the clock without stopping the other calls."""
    await asyncio.to_thread(clock.sleep, seconds)


class HttpClient:
    """Speaks JSON with one account of one vendor; use as an async context manager.

    `headers` carry the credentials; `secrets` never appear in an error or a log line, nor does any address.
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
        jitter: random.Random | None = None,
    ) -> None:
        self.name, self.limits, self.clock = name, limits, clock
        self.calls: Counter[str] = Counter()
        self._base = base_url.rstrip("/")
        self._headers, self._secrets = dict(headers), secrets
        self._jitter = jitter or random.Random()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "HttpClient":
        self._connections = asyncio.Semaphore(self.limits.connections)
        self._bucket = _Bucket(self.limits, self.clock)
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=self.limits.connections),
            timeout=aiohttp.ClientTimeout(total=self.limits.timeout, sock_connect=min(30.0, self.limits.timeout)),
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def read(self, path: str, template: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """GET; asked again whatever went wrong. Raises VendorUnreachable, MalformedAnswer or CredentialsRejected."""
        return await self._ask("GET", path, template, params=params, body=None)

    async def write(self, method: str, path: str, template: str, body: Any) -> Answer:
        """Send a change that may be sent twice without harm (an upsert, a removal).

        Raises OutcomeUnknown when it may have been taken, VendorUnreachable when it surely was not, CredentialsRejected.
        """
        return await self._ask(method, path, template, params=None, body=orjson.dumps(body))

    async def _ask(
        self, method: str, path: str, template: str, *, params: Mapping[str, str | int] | None, body: bytes | None
    ) -> Answer:
        writes = method != "GET"
        maybe_taken = False
        trouble = ""
        for attempt in range(1, self.limits.attempts + 1):
            asked_to_wait: float | None = None
            try:
                await self._bucket.take()
                async with self._connections:
                    status, headers, raw = await self._once(method, path, params, body)
            except aiohttp.ClientConnectorError:
                # refused before a byte was sent: nothing can have been taken
                trouble = "does not accept connections"
                self.calls[f"{method} {template} unreachable"] += 1
            except (TimeoutError, aiohttp.ClientError) as error:
                trouble = "did not answer in time" if isinstance(error, TimeoutError) else "cut the connection"
                self.calls[f"{method} {template} no-answer"] += 1
                if writes:
                    raise OutcomeUnknown(self._line(method, template, f"{trouble}; it is read back")) from error
            else:
                self.calls[f"{method} {template} {status}"] += 1
                if status == 401:
                    raise CredentialsRejected(
                        f"{self.name}: the credentials are not accepted (401); set a valid secret and run again"
                    )
                if self._throttled(status, raw):
                    trouble = f"asks us to slow down ({status})"
                    asked_to_wait = retry_after(headers.get("Retry-After"), self._vendor_now(headers))
                elif status >= _WORST_STATUS:
                    trouble = f"failed ({status})"
                    maybe_taken = writes
                    asked_to_wait = retry_after(headers.get("Retry-After"), self._vendor_now(headers))
                else:
                    try:
                        answer = Answer(status, orjson.loads(raw) if raw.strip() else {})
                    except orjson.JSONDecodeError as error:
                        trouble = f"answered {status} with something that is not JSON"
                        if writes:
                            raise OutcomeUnknown(self._line(method, template, f"{trouble}; it is read back")) from error
                    else:
                        if status == 403:
                            raise CredentialsRejected(self._line(method, template, f"not allowed (403): {self.detail(answer)}"))
                        return answer
            if asked_to_wait is not None and asked_to_wait > self.limits.longest_wait:
                trouble = f"{trouble}, for {asked_to_wait:.0f} s"
                break
            if attempt < self.limits.attempts:
                wait = self._wait(attempt, asked_to_wait)
                log.info("%s %s %s: %s; attempt %d, waiting %.1f s", self.name, method, template, trouble, attempt, wait)
                await pause(self.clock, wait)
        if maybe_taken:
            raise OutcomeUnknown(self._line(method, template, f"{trouble}; it is read back"))
        if "not JSON" in trouble:
            raise MalformedAnswer(self._line(method, template, f"{trouble}; try again later"))
        raise VendorUnreachable(
            self._line(method, template, f"{trouble}, {self.limits.attempts} attempts at most; run again later")
        )

    async def _once(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        headers = {"Content-Type": "application/json"} if body is not None else None
        # a redirect would carry the credentials to an address nobody configured
        async with self._session.request(
            method, self._base + path, params=params, data=body, headers=headers, allow_redirects=False
        ) as response:
            return response.status, response.headers, await response.read()

    def _vendor_now(self, headers: Mapping[str, str]) -> datetime:
        """The vendor's own time of its answer, so that a date in Retry-After does not depend on whose clock is right."""
        try:
            moment = parsedate_to_datetime(headers.get("Date", ""))
        except (TypeError, ValueError, IndexError):
            return self.clock.now()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _throttled(self, status: int, raw: bytes) -> bool:
        return status == 429 or (status == 403 and self.limits.bodyless_403_is_throttle and not raw.strip())

    def _wait(self, attempt: int, asked: float | None) -> float:
        """Full jitter up to the exponential step; never earlier than the vendor asked."""
        step = min(self.limits.longest_wait, self.limits.first_wait * 2 ** (attempt - 1))
        spread = self._jitter.uniform(0, step)
        return spread if asked is None else asked + min(spread, 1.0)

    def detail(self, answer: Answer) -> str:
        """What an error answer says, without addresses or secrets."""
        body = answer.body if isinstance(answer.body, Mapping) else {}
        said = ". ".join(str(body[key]) for key in ("title", "detail") if body.get(key)) or f"status {answer.status}"
        errors = body.get("errors")
        if isinstance(errors, list):
            said += "".join(f"; {e.get('field', '')}: {e.get('message', '')}" for e in errors[:3] if isinstance(e, Mapping))
        return redacted(said, self._secrets)

    def _line(self, method: str, template: str, trouble: str) -> str:
        return f"{self.name}: {method} {template}: {trouble}"
