"""How SendGrid says things: refusals, identifiers, times, pages and where its files lie."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from mailhouse.sandbox.store import Store, stamp
from mailhouse.sandbox.wire import BodyNotReadable, Call, Handler, Reply

COUNTER = "sendgrid.counter"
# paths under which files are served that a vendor's storage would serve, to whoever has the address
FILES = "/files/"
_NAMESPACE = uuid.UUID("6f0f35a1-3f2e-4b11-9a43-4d6b6c1d0a55")
_MESSAGES = {
    400: "bad request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "request entity too large",
    429: "too many requests",
}


@dataclass
class Refused(Exception):
    """A refusal in SendGrid's shape; `field` is what it is about. Bare: a list of errors without the word `errors`."""

    status: int
    message: str = ""
    field: str = ""
    bare: bool = False

    def reply(self) -> Reply:
        error = {"message": self.message or _MESSAGES.get(self.status, "internal error")}
        if self.field:
            error["field"] = self.field
        return Reply(self.status, [error] if self.bare else {"errors": [error]})


def speaking(handler: Handler) -> Handler:
    """The handler, its refusals as replies."""

    def speak(call: Call) -> Reply:
        try:
            return handler(call)
        except Refused as refused:
            return refused.reply()

    return speak


def identifier(key: str) -> str:
    """A UUID that the key decides."""
    return str(uuid.uuid5(_NAMESPACE, key))


def fresh(store: Store, what: str) -> Callable[[int], Callable[[], str]]:
    """Gives, for so many, a function that makes UUIDs which were never given out before."""

    def several(count: int) -> Callable[[], str]:
        number = store.numbers(COUNTER, count)
        return lambda: identifier(f"{what}:{number()}")

    return several


def shown(moment: datetime | str | None) -> str:
    """A time as contacts and jobs have it: ISO 8601, UTC, whole seconds; '' for none."""
    return stamp(moment)[:19] + "Z" if moment else ""


def epoch(moment: datetime | str) -> int:
    """A time as suppressions have it: seconds since 1970."""
    return int(datetime.fromisoformat(stamp(moment)).timestamp())


def of_epoch(seconds: int) -> str:
    """The reverse of `epoch`, in the form of the store."""
    return stamp(datetime.fromtimestamp(seconds, UTC))


def body_of(call: Call) -> dict[str, Any]:
    """The body, which must be a JSON object; raises Refused."""
    try:
        found = call.json()
    except BodyNotReadable as error:
        raise Refused(400, "invalid json") from error
    if not isinstance(found, dict):
        raise Refused(400, "the body must be an object")
    return found


def texts(body: dict[str, Any], name: str, *, most: int | None = None, required: bool = False) -> list[str]:
    """A list of texts of the body; raises Refused for another type, for too many, and for none where one is required."""
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refused(400, f"{name} must be a list of strings", name)
    if (required and not found) or (most is not None and len(found) > most):
        raise Refused(400, f"{name} must have from 1 to {most or 'any number of'} entries", name)
    return found


def number_of(call: Call, name: str, default: int, least: int, most: int | None = None) -> int:
    """A whole number of the query; raises Refused."""
    text = call.query.get(name)
    if text is None:
        return default
    if not text.lstrip("-").isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise Refused(400, f"{name} must be a number from {least}" + (f" to {most}" if most is not None else ""), name)
    return int(text)


def page(call: Call, key: str, found: list[dict[str, Any]], token: str | None, count: int) -> Reply:
    """A page of a listing that goes by tokens; `token` leads to the next one."""
    here = f"{call.base_url}{call.path}"
    metadata: dict[str, Any] = {"self": here, "count": count}
    if token is not None:
        metadata["next"] = f"{here}?{urlencode({**call.query, 'page_token': token})}"
    return Reply(body={key: found, "_metadata": metadata})
