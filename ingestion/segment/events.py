"""One event of Segment's spec as a row of raw, or the reason why it cannot be one."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from ingestion.quarantine import Unfit
from ingestion.segment.settings import CALLS

ADDRESS = re.compile(r"[^\s@<>\"',;]+(?:@|%40)[^\s@<>\"',;]+\.[^\s@<>\"',;]+", re.IGNORECASE)
ADDRESS_LEFT_OUT = "[address]"
# traits with a column of their own: said once is enough
NAMED_TRAITS = frozenset({"email", "phone", "firstName", "first_name", "lastName", "last_name", "name", "address", "company"})
ONE_DIGIT = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?=[T ])")
Event = Mapping[str, Any]


def row_of(event: Any, *, batch: Event | None = None, file: str = "", max_bytes: int) -> dict[str, Any]:
    """The row of one event; `batch` gives what its events share (sentAt, context). Raises Unfit with the reason."""
    if not isinstance(event, Mapping):
        raise Unfit("no JSON object")
    written = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    if len(written) > max_bytes:
        raise Unfit(f"event of more than {max_bytes:,} bytes")
    call = event.get("type") or event.get("action")
    if call not in CALLS:
        raise Unfit("type is none of identify, track, page, screen, group, alias")
    context = {**_object(batch or {}, "context"), **_object(event, "context")}
    user, visitor = _id(event, "userId", "user_id"), _id(event, "anonymousId", "anonymous_id")
    if user is None and visitor is None:
        raise Unfit("neither userId nor anonymousId")
    previous, group = _id(event, "previousId", "previous_id"), _id(event, "groupId", "group_id")
    if call == "alias" and (previous is None or user is None):
        raise Unfit("alias without previousId and userId")
    if call == "group" and group is None:
        raise Unfit("group without groupId")
    name = _text(event.get("event"))
    if call == "track" and name is None:
        raise Unfit("track without event")
    properties, page, campaign = _object(event, "properties"), _object(context, "page"), _object(context, "campaign")
    traits = _object(event, "traits")
    own = traits if call == "identify" else _object(context, "traits")
    return {
        "message_id": _id(event, "messageId", "message_id") or _derived_id(written),
        "type": call,
        "user_id": user,
        "anonymous_id": visitor,
        "unnamed_id": visitor if user is None else None,
        "previous_id": previous,
        "group_id": group,
        "event": name,
        "name": _text(event.get("name")),
        "category": _text(event.get("category")),
        "timestamp": _moment(event, batch),
        "received_at": _time(event.get("receivedAt")),
        **_person(own),
        "locale": _text(context.get("locale")),
        "page_url": without_query(properties.get("url") or page.get("url")),
        "page_path": without_query(properties.get("path") or page.get("path")),
        "page_title": _clean(properties.get("title") or page.get("title")),
        "page_referrer": without_query(properties.get("referrer") or page.get("referrer")),
        "campaign_source": _clean(campaign.get("source")),
        "campaign_medium": _clean(campaign.get("medium")),
        "campaign_name": _clean(campaign.get("name")),
        "traits": _json({key: value for key, value in traits.items() if key not in NAMED_TRAITS}),
        "properties": _json({key: value for key, value in properties.items() if key != "products"}),
        "products": _products(properties.get("products")),
        "file": file,
    }


def _derived_id(written: bytes) -> str:
    """An event without messageId is known by its content, so that it is the same however often it is read."""
    return f"content-{hashlib.sha256(written).hexdigest()[:40]}"


def _object(holder: Event, name: str) -> Event:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Unfit(f"{name} is no JSON object")
    return value


def _id(event: Event, *names: str) -> str | None:
    value = next((event[name] for name in names if event.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unfit(f"{names[0]} is no text")
    return str(value).strip() or None


def _text(value: Any) -> str | None:
    """A text as it is; whatever else stands there says nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def _clean(value: Any) -> str | None:
    text = _text(value)
    return None if text is None else ADDRESS.sub(ADDRESS_LEFT_OUT, text)


def without_query(value: Any) -> str | None:
    """A url without its query and fragment: those carry addresses and tokens."""
    text = _text(value)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return _clean(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def _moment(event: Event, batch: Event | None) -> str:
    """When it happened: the time that Segment corrected, else the one the device gave, else when it was sent or received."""
    for name in ("timestamp", "originalTimestamp", "sentAt", "receivedAt"):
        if event.get(name) is not None:
            return _time(event[name]) or ""
    if batch is not None and batch.get("sentAt") is not None:
        return _time(batch["sentAt"]) or ""
    raise Unfit("no timestamp")


def _time(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise Unfit("a time is no ISO 8601 text")
    # Segment's own examples write a month with one digit
    padded = ONE_DIGIT.sub(lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", value.strip())
    try:
        moment = datetime.fromisoformat(padded)
    except ValueError as error:
        raise Unfit("a time is no ISO 8601 text") from error
    if not 2000 <= moment.year < 2200:
        raise Unfit("a time is of no year between 2000 and 2200")
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()


def _person(traits: Event) -> dict[str, str | None]:
    address = traits.get("address") if isinstance(traits.get("address"), Mapping) else {}
    company = traits.get("company")
    given = _text(traits.get("firstName") or traits.get("first_name"))
    family = _text(traits.get("lastName") or traits.get("last_name"))
    if given is None and family is None and (name := _text(traits.get("name"))) is not None:
        given, _, family = name.rpartition(" ")
        given, family = (given.strip() or None, family) if given else (family, None)
    return {
        "email": _text(traits.get("email")),
        "phone": _text(traits.get("phone")),
        "first_name": given,
        "last_name": family,
        "company": _text(company.get("name") if isinstance(company, Mapping) else company),
        "city": _text(address.get("city")),
        "zip": _text(address.get("postalCode") or address.get("zip")),
        "country": _text(address.get("country")),
    }


def _json(value: Event) -> Event | None:
    """What is left to keep as JSON: without anybody's address, wherever it stands."""
    kept = without_addresses(value)
    return kept or None


def _products(value: Any) -> list[Any] | None:
    """The list of products of a cart or an order; whatever else stands there says nothing."""
    kept = [without_addresses(one) for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    return kept or None


def without_addresses(value: Any) -> Any:
    """The same JSON value with every e-mail address in it left out."""
    if isinstance(value, str):
        return ADDRESS.sub(ADDRESS_LEFT_OUT, value)
    if isinstance(value, Mapping):
        return {ADDRESS.sub(ADDRESS_LEFT_OUT, str(key)): without_addresses(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_addresses(inner) for inner in value]
    return value
