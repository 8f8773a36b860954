"""How Klaviyo's profiles are made and changed. Consent is never among what is written here."""

from collections.abc import Iterable
from typing import Any

import orjson

from mailhouse.sandbox.klaviyo_profiles import (
    ADDRESS,
    IDENTIFIERS,
    MOST_BYTES,
    PHONE,
    PLACES,
    PROFILE,
    TEXTS,
    ProfileRefused,
    fresh_body,
    keys_of,
    normal_email,
    profile_row,
)
from mailhouse.sandbox.klaviyo_words import numbers, ulid
from mailhouse.sandbox.store import Row, Store, stamp


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
    meta = given.get("meta") or {}
    _patch(body["properties"], (meta.get("patch_properties") or {}) if isinstance(meta, dict) else meta)
    return body


def _patch(properties: dict[str, Any], asked: Any) -> None:
    """`append`, `unappend` and `unset` of custom properties; raises ProfileRefused for another shape."""
    added, taken = (asked.get("append") or {}, asked.get("unappend") or {}) if isinstance(asked, dict) else (None, None)
    if not isinstance(added, dict) or not isinstance(taken, dict):
        raise ProfileRefused("Invalid input: patch_properties.", "meta/patch_properties")
    for name, value in added.items():
        there, more = _listed(properties.get(name)), _listed(value)
        properties[name] = there + [one for one in more if one not in there]
    for name, value in taken.items():
        gone = _listed(value)
        properties[name] = [one for one in _listed(properties.get(name)) if one not in gone]
    for name in _listed(asked.get("unset")):
        properties.pop(str(name), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
