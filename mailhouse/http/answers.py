"""What comes back from a vendor: an answer that can be believed, or the knowledge that there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from mailhouse.errors import MailhouseError
from mailhouse.http.limits import Limits
from mailhouse.http.waiting import retry_after, until_reset

WORST_STATUS = 500


class OutcomeUnknown(MailhouseError):
    """A write was sent and its answer did not come or cannot be believed: read back before doing anything else."""


@dataclass(frozen=True)
class Answer:
    """A vendor's answer that can be believed: its status (below 500, never a throttle) and its JSON body, {} when empty."""

    status: int
    body: Any


class Trouble(Exception):
    """An attempt came to nothing, and another may do better.

    `taken`: the vendor may have done what it was asked all the same, and `repeat`: asking again does no harm where doing it
    twice does none. `asked`: the seconds for which the vendor wants to be left alone.
    """

    def __init__(
        self, words: str, *, taken: bool = False, repeat: bool = True, nonsense: bool = False, asked: float | None = None
    ) -> None:
        super().__init__(words)
        self.words, self.taken, self.repeat, self.nonsense, self.asked = words, taken, repeat, nonsense, asked


def believed(status: int, headers: Mapping[str, str], raw: bytes, limits: Limits, now: datetime) -> Answer:
    """The answer as it came over the line. Raises Trouble for a throttle, a failure of the vendor's and for what is not JSON."""
    throttled = status == 429 or (status == 403 and _is_throttle(raw, limits))
    if throttled or status >= WORST_STATUS:
        vendor_now = _vendor_now(headers, now)
        asked = retry_after(headers.get("Retry-After"), vendor_now)
        if throttled and asked is None:
            asked = until_reset(headers.get("X-RateLimit-Reset"), vendor_now)
        words = f"asks us to slow down ({status})" if throttled else f"failed ({status})"
        words += f", for {asked:.0f} s" if asked is not None and asked > limits.longest_wait else ""
        raise Trouble(words, taken=not throttled, asked=asked)
    if status == 401:
        return Answer(status, {})
    try:
        return Answer(status, orjson.loads(raw) if raw.strip() else {})
    except orjson.JSONDecodeError:
        words = f"answered {status} with something that is not JSON"
        raise Trouble(words, taken=True, repeat=False, nonsense=True) from None


def used_up(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until one more call is let through, where an answer says that it was the last; None where it does not."""
    if headers.get("X-RateLimit-Remaining", "").strip() != "0":
        return None
    return until_reset(headers.get("X-RateLimit-Reset"), _vendor_now(headers, now))


def _is_throttle(raw: bytes, limits: Limits) -> bool:
    """Whether a 403 is one vendor's way of asking for a pause and no refusal of our credentials."""
    if limits.throttle_word and limits.throttle_word.encode() in raw:
        return True
    return limits.bodyless_403_is_throttle and not raw.strip()


def _vendor_now(headers: Mapping[str, str], now: datetime) -> datetime:
    """The vendor's own time of its answer, so that a date in Retry-After does not depend on whose clock is right."""
    try:
        moment = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, IndexError):
        return now
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def said(answer: Answer) -> str:
    """What an error answer says of itself; it may name people."""
    if isinstance(answer.body, list):
        return "; ".join(_said_by(error) for error in answer.body[:3] if isinstance(error, Mapping)) or f"status {answer.status}"
    body = answer.body if isinstance(answer.body, Mapping) else {}
    words = ". ".join(str(body[key]) for key in ("title", "detail") if body.get(key)) or f"status {answer.status}"
    errors = body.get("errors")
    if isinstance(errors, list):
        words += "".join(f"; {_said_by(error)}" for error in errors[:3] if isinstance(error, Mapping))
    return words


def _said_by(error: Mapping[str, Any]) -> str:
    """One entry of `errors`: Mailchimp names the field and a message, JSON:API a code and a detail, Salesforce an errorCode."""
    field = error.get("field") or error.get("code") or error.get("errorCode") or ""
    return f"{field}: {error.get('message') or error.get('detail') or error.get('title') or ''}"
