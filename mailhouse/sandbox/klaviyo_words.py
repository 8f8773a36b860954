"""Klaviyo's shapes that every part of its API has: errors, documents, pages, times, identifiers."""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from mailhouse.sandbox.store import Store, stamp
from mailhouse.sandbox.wire import Call, Handler, Reply

MEDIA = "application/vnd.api+json"
REVISION = "2026-07-15"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"

# code, title and detail of the refusals that are not about a request's content
REFUSALS = {
    400: ("invalid", "Invalid input.", "The payload provided in the request is invalid."),
    401: ("authentication_failed", "Incorrect authentication credentials.", "Incorrect authentication credentials."),
    403: ("permission_denied", "You do not have permission to perform this action.", "The key lacks a required scope."),
    404: ("not_found", "Not found.", "The requested resource does not exist."),
    405: ("method_not_allowed", "Method not allowed.", "The method is not allowed for this resource."),
    409: ("conflict", "Conflict.", "The request conflicts with another one."),
    413: ("payload_too_large", "Payload too large.", "The payload exceeds the largest allowed size."),
    415: ("unsupported_media_type", "Unsupported media type.", f"Content-Type must be {MEDIA}."),
    429: ("throttled", "Request was throttled.", "Request was throttled."),
}
SERVER_ERROR = ("error", "A server error occurred.", "There was an error processing your request.")


class Refused(Exception):
    """A refusal on its way to becoming an answer of JSON:API errors."""

    def __init__(self, status: int, detail: str = "", *, pointer: str = "/data", code: str = "", **meta: str) -> None:
        self.status = status
        own_code, self.title, own_detail = REFUSALS.get(status, SERVER_ERROR)
        self.code, self.detail, self.pointer, self.meta = code or own_code, detail or own_detail, pointer, meta
        super().__init__(self.detail)

    def reply(self) -> Reply:
        where = "parameter" if not self.pointer.startswith("/") else "pointer"
        error = {
            "id": str(uuid.uuid4()),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": {where: self.pointer},
            "meta": self.meta,
        }
        return Reply(self.status, {"errors": [error]}, media=MEDIA)


def invalid(pointer: str, detail: str) -> Refused:
    """400: the content at the pointer, or the query parameter of that name, will not do."""
    return Refused(400, detail, pointer=pointer)


def missing(kind: str, identifier: str) -> Refused:
    """404 about one object."""
    return Refused(404, f"A {kind} with id {identifier} does not exist.")


def speaking(handler: Handler) -> Handler:
    """The handler with its refusals turned into answers, all in Klaviyo's media type."""

    def serve(call: Call) -> Reply:
        try:
            reply = handler(call)
        except Refused as refused:
            return refused.reply()
        reply.media = MEDIA
        return reply

    return serve


# -- documents ------------------------------------------------------------------------------------------------------------
def resource(
    call: Call, kind: str, path: str, identifier: str, attributes: dict[str, Any], **relationships: Any
) -> dict[str, Any]:
    """One resource object, cut down to `fields[kind]` where the caller named some.

    `relationships` maps a name (underscores for hyphens) to the identifiers to show as data, None for links alone.
    """
    where = f"{call.base_url}/api/{path}/{identifier}"
    related = {}
    for name, data in relationships.items():
        name = name.replace("_", "-")
        related[name] = {"links": {"self": f"{where}/relationships/{name}", "related": f"{where}/{name}"}}
        if data is not None:
            related[name]["data"] = data
    shown_attributes = _sparse(attributes, call.query.get(f"fields[{kind}]"))
    found = {"type": kind, "id": identifier, "attributes": shown_attributes, "links": {"self": where}}
    return {**found, "relationships": related} if related else found


def _sparse(attributes: dict[str, Any], asked: str | None) -> dict[str, Any]:
    """The attributes of those names, which may lead inwards: `location.city`."""
    if asked is None:
        return attributes
    kept: dict[str, Any] = {}
    for name in asked.split(","):
        source, target = attributes, kept
        *outer, last = name.split(".")
        for step in outer:
            if not isinstance(source.get(step), dict):
                break
            source, target = source[step], target.setdefault(step, {})
        else:
            if last in source:
                target[last] = source[last]
    return kept


def document(call: Call, data: Any, status: int = 200, included: Iterable[dict[str, Any]] | None = None) -> Reply:
    """An answer of one resource."""
    body: dict[str, Any] = {"data": data, "links": {"self": call.base_url + call.path}}
    if included is not None:
        body["included"] = list(included)
    return Reply(status, body, rows=1)


def identifiers(kind: str, ids: Iterable[str]) -> list[dict[str, str]]:
    """Resource identifiers of one type."""
    return [{"type": kind, "id": one} for one in ids]


def asked_for(call: Call, parameter: str, known: tuple[str, ...]) -> list[str]:
    """The words of a comma-separated parameter such as `include`; raises Refused for one that the endpoint has not."""
    words = [word for word in call.query.get(parameter, "").split(",") if word]
    for word in words:
        if word not in known:
            raise invalid(parameter, f"'{word}' is not a valid value of {parameter}; choose from {', '.join(known)}.")
    return words


# -- pages ----------------------------------------------------------------------------------------------------------------
def page_size(call: Call, default: int, most: int) -> int:
    """`page[size]`; raises Refused beyond the endpoint's bounds."""
    text = call.query.get("page[size]", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise invalid("page[size]", f"Page size must be an integer between 1 and {most}.")
    return int(text)


def sorting(call: Call, default: str, known: tuple[str, ...]) -> tuple[str, bool]:
    """The field to sort by and whether downwards; raises Refused for a field that the endpoint cannot sort by."""
    text = call.query.get("sort") or default
    field, downwards = text.lstrip("-"), text.startswith("-")
    if field not in known:
        raise invalid("sort", f"'{text}' is not a valid sort field; choose from {', '.join(known)}.")
    return field, downwards


def cursor_of(call: Call) -> list[str] | None:
    """What `page[cursor]` says of the last row seen; raises Refused for one that we never gave out."""
    # Klaviyo's own client cuts the cursor out of a link and leaves the equals sign before it
    text = call.query.get("page[cursor]", "").lstrip("=")
    if not text:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
        raise invalid("page[cursor]", "Invalid cursor.")
    return found


def page(call: Call, data: list[dict[str, Any]], last: list[str] | None, included: list[dict[str, Any]] | None = None) -> Reply:
    """An answer of many; `last` is the cursor of the last row when there are more behind it."""
    where = call.base_url + call.path
    links = {"self": where + (f"?{urlencode(list(call.query.items()))}" if call.query else "")}
    if last is not None:
        cursor = base64.urlsafe_b64encode(orjson.dumps(last)).decode().rstrip("=")
        links["next"] = f"{where}?{urlencode({**call.query, 'page[cursor]': cursor})}"
    body: dict[str, Any] = {"data": data, "links": links}
    if included is not None:
        body["included"] = included
    return Reply(body=body, rows=len(data))


# -- times and identifiers ------------------------------------------------------------------------------------------------
def shown(moment: str | None) -> str | None:
    """A kept time as Klaviyo writes it: whole seconds and an offset."""
    return f"{moment[:19]}+00:00" if moment else None


def ulid(moment: datetime | str, key: str) -> str:
    """An identifier in Klaviyo's shape: 10 characters of time, 16 that the key decides."""
    milliseconds = round(datetime.fromisoformat(stamp(moment)).timestamp() * 1000)
    number = (milliseconds << 80) | int.from_bytes(hashlib.sha256(key.encode()).digest()[:10])
    return "".join(CROCKFORD[(number >> 5 * place) & 31] for place in range(25, -1, -1))


def short_id(key: str, length: int = 6) -> str:
    """Letters and digits that the key decides: six for lists, metrics, flows and campaigns, eleven for events.

    The first is a letter, because identifiers of digits alone would sort as numbers.
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:10])
    number, place = divmod(number, len(LETTERS) - 8)
    found = [LETTERS[place]]
    for _ in range(length - 1):
        number, place = divmod(number, len(LETTERS))
        found.append(LETTERS[place])
    return "".join(found)


COUNTER = "klaviyo.counter"


def numbers(store: Store, count: int) -> Callable[[], str]:
    """Gives out that many numbers which were never given out before, as text to make identifiers of."""
    return store.numbers(COUNTER, count)
