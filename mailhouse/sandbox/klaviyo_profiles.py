"""Klaviyo's profiles: what one looks like, kept and shown, and which values will do."""

import re
from datetime import datetime
from typing import Any

from mailhouse.sandbox.klaviyo_words import shown, ulid
from mailhouse.sandbox.store import Row, stamp

PROFILE = "klaviyo.profile"
IDENTIFIERS = ("email", "phone_number", "external_id")
TEXTS = (*IDENTIFIERS, "first_name", "last_name", "organization", "locale", "title", "image")
PLACES = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")
PLAIN_PLACES = tuple(name for name in PLACES if name not in ("latitude", "longitude"))
ATTRIBUTES = (*TEXTS, "_kx", "location", "properties")
NEVER, SUBSCRIBED, UNSUBSCRIBED = "NEVER_SUBSCRIBED", "SUBSCRIBED", "UNSUBSCRIBED"
ADDRESS = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\".]+(\.[^@\s,;<>()\".]+)*\.[^@\s,;<>()\".]{2,}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
MOST_BYTES = 100_000


class ProfileRefused(Exception):
    """One profile cannot be written; `pointer` leads from the profile to the fault."""

    def __init__(self, detail: str, pointer: str = "", *, code: str = "invalid", title: str = "Invalid input.", other: str = ""):
        super().__init__(detail)
        self.detail, self.pointer, self.code, self.title, self.other = detail, pointer, code, title, other


def normal_email(address: str) -> str:
    """The form in which Klaviyo keeps and compares addresses."""
    return address.strip().lower()


def fresh_marketing() -> dict[str, Any]:
    """E-mail consent of somebody who was never asked."""
    return {
        "consent": NEVER,
        "consent_timestamp": None,
        "last_updated": None,
        "method": None,
        "method_detail": None,
        "custom_method_detail": None,
        "double_optin": None,
        "suppression": [],
        "list_suppressions": [],
    }


def fresh_body(now: str) -> dict[str, Any]:
    """A profile that nothing is known of."""
    texts: dict[str, Any] = dict.fromkeys(TEXTS)
    return {
        **texts,
        "created": now,
        "updated": now,
        "last_event_date": None,
        "location": dict.fromkeys(PLACES),
        "properties": {},
        "marketing": fresh_marketing(),
    }


def profile_row(identifier: str, body: dict[str, Any]) -> Row:
    """For the store: `updated` is what the API filters on, the address what it looks up by."""
    return Row(identifier, body, body["updated"], body["created"], "", body["email"] or "")


def new_profile(email: str, created: datetime | str, **attributes: Any) -> Row:
    """A profile as it might have come to be at some time, for filling an account; `marketing` may be among the attributes."""
    at, address = stamp(created), normal_email(email)
    body = fresh_body(at) | {"email": address} | attributes
    body["marketing"] = fresh_marketing() | (attributes.get("marketing") or {})
    return profile_row(ulid(at, f"profile:{address}"), body)


def attributes_of(body: dict[str, Any], *, subscriptions: bool = False) -> dict[str, Any]:
    """As Klaviyo shows a profile."""
    found = {name: body.get(name) for name in TEXTS}
    found |= {name: shown(body.get(name)) for name in ("created", "updated", "last_event_date")}
    place = {name: value for name, value in (body.get("location") or {}).items() if value is not None}
    # Klaviyo's description knows no null for coordinates
    found |= {"location": dict.fromkeys(PLAIN_PLACES) | place, "properties": body.get("properties") or {}}
    if subscriptions:
        found["subscriptions"] = {"email": {"marketing": _marketing(body["marketing"])}}
    return found


def _marketing(kept: dict[str, Any]) -> dict[str, Any]:
    return {
        **kept,
        "can_receive_email_marketing": not kept["suppression"] and kept["consent"] != UNSUBSCRIBED,
        "consent_timestamp": shown(kept["consent_timestamp"]),
        "last_updated": shown(kept["last_updated"]),
        "suppression": [{**one, "timestamp": shown(one["timestamp"])} for one in kept["suppression"]],
        "list_suppressions": [{**one, "timestamp": shown(one["timestamp"])} for one in kept["list_suppressions"]],
    }


def check_types(given: Any, pointer: str) -> None:
    """Raises ProfileRefused where a value is not of the attribute's type; `pointer` leads to the attributes."""
    if not isinstance(given, dict):
        raise ProfileRefused("The attributes must be an object.", pointer)
    for name, value in given.items():
        if name not in ATTRIBUTES:
            raise ProfileRefused(f"'{name}' is not a valid field for the resource 'profile'.", f"{pointer}/{name}")
        if value is None:
            continue
        expected = dict if name in ("location", "properties") else str
        if not isinstance(value, expected):
            kind = "an object" if expected is dict else "a string"
            raise ProfileRefused(f"Invalid input: {name} must be {kind}.", f"{pointer}/{name}")
    for name, value in (given.get("location") or {}).items():
        numeric = name in ("latitude", "longitude") and isinstance(value, int | float) and not isinstance(value, bool)
        if name not in PLACES or not (value is None or isinstance(value, str) or numeric):
            raise ProfileRefused(f"Invalid input: location.{name}.", f"{pointer}/location/{name}")


def keys_of(attributes: dict[str, Any]) -> list[tuple[str, str]]:
    """The identifiers among attributes, addresses in their normal form."""
    found = [(name, attributes[name]) for name in IDENTIFIERS if isinstance(attributes.get(name), str) and attributes[name]]
    return [(name, normal_email(value) if name == "email" else value) for name, value in found]
