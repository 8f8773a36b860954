"""Klaviyo's forms: what a profile looks like on the wire and read back, what its names and errors mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from mailhouse.destinations.base import Change, Outcome, Record
from mailhouse.destinations.keys import key_of
from mailhouse.http import redacted

# Klaviyo's own attributes are written by their own names; every other name is a custom property
ATTRIBUTES = frozenset({"first_name", "last_name", "organization", "title", "locale", "image"})
PLACE = "location."
PLACES = frozenset({"address1", "address2", "city", "region", "country", "zip", "timezone", "latitude", "longitude"})
_COORDINATES = frozenset({"latitude", "longitude"})
# by these Klaviyo tells who is who, and whoever writes them may join two people
_IDENTIFIERS = frozenset({"email", "phone_number", "external_id", "id", "_kx", "anonymous_id"})
LONGEST_NAME = 255

# in Klaviyo whoever is not suppressed is mailed and counted, asked or not
MAILABLE = frozenset({"subscribed", "never_subscribed"})
BARRED = frozenset({"unsubscribed", "suppressed"})
BILLED = MAILABLE

# where an error points at one row of a call
_POSITION = re.compile(r"^/data(?:/attributes/(?:profiles|events-bulk-create)/data)?/(\d+)(?:/|$)")


def field_trouble(name: object) -> str | None:
    """Why a name cannot be a field of ours, None when it can."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        return f"{name!r} is no name of a property; use 1 to {LONGEST_NAME} printable characters without spaces around them"
    if name.startswith("$"):
        return f"{name!r} begins with $, and such properties are Klaviyo's own, consent among them; choose another name"
    if name.lower() in _IDENTIFIERS:
        return f"{name!r} tells Klaviyo who a person is, and is not written as a field; choose another name"
    if name.lower().startswith(PLACE) and name.removeprefix(PLACE) not in PLACES:
        return f"{name!r} is no part of a location; those are {', '.join(PLACE + one for one in sorted(PLACES))}"
    return None


def profile(change: Change) -> dict[str, Any]:
    """One profile of an import.

    A field that is null is cleared, one that is absent is left alone. An import passes over null [Klaviyo's guide to it, since
    revision 2026-04-15; not checked on a live account], so a custom property is unset by name and an attribute made empty.
    Consent is not among the attributes, and `id` neither: the address says whose profile it is.
    """
    attributes: dict[str, Any] = {"email": change.address}
    location: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    unset: list[str] = []
    for name, value in orjson.loads(change.fields).items():
        if name in ATTRIBUTES:
            attributes[name] = "" if value is None else _text(value)
        elif name.startswith(PLACE):
            part = name.removeprefix(PLACE)
            location[part] = value if part in _COORDINATES else "" if value is None else _text(value)
        elif value is None:
            unset.append(name)
        else:
            properties[name] = value
    if location:
        attributes["location"] = location
    if properties:
        attributes["properties"] = properties
    meta = {"meta": {"patch_properties": {"unset": unset}}} if unset else {}
    return {"type": "profile", "attributes": attributes, **meta}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def size(change: Change) -> int:
    """Bytes of its profile on the wire."""
    return len(orjson.dumps(profile(change)))


def job(changes: Iterable[Change], list_ids: Sequence[str]) -> dict[str, Any]:
    """The body of an import job; its profiles join every list given."""
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [profile(change) for change in changes]}},
    }
    if list_ids:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": one} for one in list_ids]}}
    return {"data": data}


def members(ids: Iterable[str]) -> dict[str, Any]:
    """The body of a joining or a removal."""
    return {"data": [{"type": "profile", "id": one} for one in ids]}


def suppression(addresses: Iterable[str]) -> dict[str, Any]:
    """The body of a job that suppresses addresses."""
    profiles = [{"type": "profile", "attributes": {"email": address}} for address in addresses]
    attributes = {"profiles": {"data": profiles}}
    return {"data": {"type": "profile-suppression-bulk-create-job", "attributes": attributes}}


def any_of(field: str, values: Iterable[str]) -> str:
    """A filter for any of these texts."""
    return f"any({field},[{','.join(orjson.dumps(value).decode() for value in values)}])"


def rows_at_fault(errors: Any, rows: int) -> dict[int, Mapping[str, Any]]:
    """Position in a call -> error, where the errors of a refused call point at its rows."""
    found: dict[int, Mapping[str, Any]] = {}
    for error in errors if isinstance(errors, list) else ():
        source = error.get("source") if isinstance(error, Mapping) else None
        matched = _POSITION.match(str((source or {}).get("pointer") or ""))
        if matched and int(matched[1]) < rows:
            found.setdefault(int(matched[1]), error)
    return found


def failed_rows(changes: Sequence[Change], errors: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]] | None:
    """Key -> error for the import errors of a job, by the payload that each repeats, else by the place it points at.

    None when one of them is about nobody of the job.
    """
    by_key = {change.key for change in changes}
    found: dict[str, Mapping[str, Any]] = {}
    for error in errors:
        said = error.get("attributes")
        said = said if isinstance(said, Mapping) else {}
        payload = said.get("original_payload")
        payload = payload if isinstance(payload, Mapping) else {}
        attributes = payload.get("attributes")
        address = (attributes if isinstance(attributes, Mapping) else payload).get("email")
        if isinstance(address, str):
            key = key_of(address)
        else:
            at = rows_at_fault([said], len(changes))
            key = changes[next(iter(at))].key if at else ""
        if key not in by_key:
            return None
        found[key] = said
    return found


def refusal(key: str, error: Mapping[str, Any]) -> Outcome:
    """An error about one row as its outcome: Klaviyo's code, and what it says without the person in it."""
    said = str(error.get("detail") or error.get("title") or "refused without a reason")
    return Outcome(key, "rejected", str(error.get("code") or "refused").lower(), redacted(said))


def asked_fields(names: Iterable[str]) -> list[str]:
    """What a reading must ask for to see the named fields, and the address."""
    groups = ("location" if name.startswith(PLACE) else name if name in ATTRIBUTES else "properties" for name in names)
    return ["email", *sorted(set(groups))]


def values_of(attributes: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named fields of a profile read back; empty ones and absent ones are null."""
    location, properties = attributes.get("location") or {}, attributes.get("properties") or {}
    found: dict[str, Any] = {}
    for name in names:
        if name in ATTRIBUTES:
            value = attributes.get(name)
        elif name.startswith(PLACE):
            value = location.get(name.removeprefix(PLACE))
        else:
            value = properties.get(name)
        found[name] = None if value == "" else value
    return found


def status_of(attributes: Mapping[str, Any]) -> str:
    """Klaviyo's word for whether the profile may be mailed: its consent, or `suppressed`, which outweighs every consent."""
    marketing = ((attributes.get("subscriptions") or {}).get("email") or {}).get("marketing") or {}
    consent = str(marketing.get("consent") or "").lower()
    is_barred = bool(marketing.get("suppression")) or marketing.get("can_receive_email_marketing") is False
    return "suppressed" if is_barred and consent in ("", *MAILABLE) else consent


def record(profile: Mapping[str, Any], fields: Sequence[str], memberships: Iterable[str]) -> Record:
    """A profile as the account lists it; one without an address has its id for a key, which is no key of ours."""
    attributes = profile["attributes"]
    address = str(attributes.get("email") or "")
    return Record(
        key=key_of(address) if address else f"id:{profile['id']}",
        address=address,
        status=status_of(attributes),
        fields=orjson.dumps(values_of(attributes, fields), option=orjson.OPT_SORT_KEYS).decode(),
        memberships=frozenset(memberships),
        vendor_id=str(profile["id"]),
    )


def keeps(ours: Any, theirs: Any) -> bool:
    """Whether a value of ours, once written, is kept as that one."""
    if ours in ("", None) or theirs in ("", None):
        return ours in ("", None) and theirs in ("", None)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return _text(ours) == _text(theirs)
    try:
        return float(ours) == float(theirs)
    except (TypeError, ValueError):
        return bool(ours == theirs) or str(ours) == str(theirs)


def is_as_sent(change: Change, attributes: Mapping[str, Any]) -> bool:
    """Whether a profile read back carries the fields of a change."""
    sent = orjson.loads(change.fields)
    kept = values_of(attributes, sent)
    return all(keeps(value, kept[name]) for name, value in sent.items())
