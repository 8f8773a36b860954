"""Klaviyo's profiles: what one looks like, and the rules by which one is made or changed. Consent is never among them."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from mailhouse.sandbox.klaviyo_words import numbers, shown, ulid
from mailhouse.sandbox.store import Row, Store, stamp

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


class People:
    """The profiles that one write is about: found in a few queries, changed in memory, written in one go."""

    def __init__(self, store: Store, given: Iterable[dict[str, Any]]) -> None:
        given = [one for one in given if isinstance(one.get("attributes", {}), dict)]
        self.store, self.now = store, stamp(store.now())
        self._rows: dict[str, Row] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._changed: dict[str, None] = {}
        self._number = numbers(store, len(given))
        self._load(given)

    def _load(self, given: list[dict[str, Any]]) -> None:
        named: dict[str, list[str]] = {name: [] for name in IDENTIFIERS}
        for one in given:
            for name, value in keys_of(one.get("attributes", {})):
                named[name].append(value)
        ids = {str(one["id"]) for one in given if one.get("id")}
        ids |= self._looked_up("object.email = asked.value and object.email <> ''", named["email"])
        for name in ("phone_number", "external_id"):
            ids |= self._looked_up(f"json_extract(object.body, '$.{name}') = asked.value", named[name])
        for row in self.store.get_many(PROFILE, ids).values():
            self._know(row)

    def _looked_up(self, condition: str, values: list[str]) -> set[str]:
        if not values:
            return set()
        # the kind is spelt out, because the planner uses an index on part of the table for nothing less
        statement = (
            f"select object.id from json_each(?) as asked cross join object where object.kind = '{PROFILE}' and {condition}"
        )
        return {row[0] for row in self.store.query(statement, (orjson.dumps(values).decode(),))}

    def _know(self, row: Row) -> None:
        self._rows[row.id] = row
        for key in keys_of(row.body):
            self._ids[key] = row.id

    def find(self, given: dict[str, Any]) -> Row | None:
        """The profile of these identifiers: by id, else address, phone, external id, the first that is known."""
        if given.get("id"):
            return self._rows.get(str(given["id"]))
        for key in keys_of(given.get("attributes", {})):
            if key in self._ids:
                return self._rows[self._ids[key]]
        return None

    def upsert(self, given: dict[str, Any]) -> tuple[Row, bool]:
        """Changes the profile or makes it; whether it is new. Raises ProfileRefused, and nothing is changed then."""
        old = self.find(given)
        if old is None and given.get("id"):
            raise ProfileRefused(f"A profile with id {given['id']} does not exist.", "id", code="not_found", title="Not found.")
        return self.write(given, old), old is None

    def write(self, given: dict[str, Any], old: Row | None) -> Row:
        """The profile with what was given applied to it; raises ProfileRefused."""
        if len(orjson.dumps(given)) > MOST_BYTES:
            raise ProfileRefused("The profile exceeds the largest allowed size of 100 KB.", code="payload_too_large")
        body = applied(orjson.loads(orjson.dumps(old.body)) if old else fresh_body(self.now), given)
        if not any(body[name] for name in IDENTIFIERS):
            raise ProfileRefused("A profile must have at least one of email, phone_number, external_id.", "attributes")
        for key in keys_of(body):
            other = self._ids.get(key)
            if other is not None and (old is None or other != old.id):
                detail = "A profile already exists with one of these identifiers."
                raise ProfileRefused(detail, "attributes", code="duplicate_profile", title="Conflict.", other=other)
        identifier = old.id if old else ulid(self.now, f"{self._number()}:{body['email']}")
        return self.put(identifier, body)

    def put(self, identifier: str, body: dict[str, Any]) -> Row:
        """Takes the body over; `updated` moves when something else did."""
        old = self._rows.get(identifier)
        if old is not None and old.body == body:
            return old
        if old is not None:
            body["updated"] = self.now
            for key in keys_of(old.body):
                self._ids.pop(key, None)
        row = profile_row(identifier, body)
        self._know(row)
        self._changed[identifier] = None
        return row

    def flush(self) -> None:
        """Writes what has changed."""
        self.store.put_many(PROFILE, [self._rows[identifier] for identifier in self._changed])
        self._changed.clear()


def keys_of(attributes: dict[str, Any]) -> list[tuple[str, str]]:
    """The identifiers among attributes, addresses in their normal form."""
    found = [(name, attributes[name]) for name in IDENTIFIERS if isinstance(attributes.get(name), str) and attributes[name]]
    return [(name, normal_email(value) if name == "email" else value) for name, value in found]


def applied(body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The body with a profile object applied: null clears a field, an absent one stays; raises ProfileRefused."""
    attributes = given.get("attributes") or {}
    for name in TEXTS:
        if name in attributes:
            body[name] = attributes[name] or None
    if body["email"] is not None:
        body["email"] = normal_email(body["email"])
        if not ADDRESS.fullmatch(body["email"]) or len(body["email"].encode()) > 254:
            raise ProfileRefused("Invalid email address", "attributes/email")
    if body["phone_number"] is not None and not PHONE.fullmatch(body["phone_number"]):
        detail = "Invalid phone number format (Example of a valid format: +12345678901)"
        raise ProfileRefused(detail, "attributes/phone_number")
    if "location" in attributes:
        body["location"] = body["location"] | attributes["location"] if attributes["location"] else dict.fromkeys(PLACES)
    if "properties" in attributes:
        merged = body["properties"] | attributes["properties"] if attributes["properties"] else {}
        body["properties"] = {name: value for name, value in merged.items() if value is not None}
    _patch(body["properties"], ((given.get("meta") or {}).get("patch_properties")) or {})
    return body


def _patch(properties: dict[str, Any], asked: dict[str, Any]) -> None:
    """`append`, `unappend` and `unset` of custom properties."""
    for name, value in (asked.get("append") or {}).items():
        there, more = _listed(properties.get(name)), _listed(value)
        properties[name] = there + [one for one in more if one not in there]
    for name, value in (asked.get("unappend") or {}).items():
        gone = _listed(value)
        properties[name] = [one for one in _listed(properties.get(name)) if one not in gone]
    for name in _listed(asked.get("unset")):
        properties.pop(name, None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
