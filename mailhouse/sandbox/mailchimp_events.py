"""Mailchimp's events of a member: what somebody did elsewhere, told by a caller. Told twice it happened twice."""

import re
import uuid
from typing import Any

from mailhouse.sandbox.mailchimp_lists import list_of
from mailhouse.sandbox.mailchimp_members import MEMBER
from mailhouse.sandbox.mailchimp_words import hash_of, invalid, not_found, shown, window
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

EVENT = "mailchimp.event"
NAME = re.compile(r"[A-Za-z0-9_-]*")
SHORTEST, LONGEST = 2, 30


def listing(call: Call) -> Reply:
    """GET members/{hash}/events: the latest first."""
    member, store = _member(call), call.runtime.store
    count, offset = window(call)
    whose = ("parent = ?", [member.body["contact_id"]])
    rows = store.search(EVENT, *whose, ordering="updated_at desc, num desc, id desc", limit=count, offset=offset)
    events = [
        {"occurred_at": shown(str(row.updated_at)), "name": row.body["name"], "properties": row.body["properties"]}
        for row in rows
    ]
    return Reply(body={"events": events, "total_items": store.search_count(EVENT, *whose)}, rows=len(rows))


def add(call: Call) -> Reply:
    """POST members/{hash}/events: {name, properties, occurred_at, is_syncing}; there is no key against telling it twice."""
    member, store = _member(call), call.runtime.store
    asked = call.json()
    if not isinstance(asked, dict):
        raise invalid("", "Schema describes object")
    now = stamp(store.now())
    body = {"name": _name(asked), "properties": _properties(asked), "is_syncing": _is_syncing(asked)}
    row = Row(uuid.uuid4().hex, body, _time(asked, now), now, parent=member.body["contact_id"], email=member.email)
    store.put(EVENT, row)
    return Reply(204, rows=1)


def forget(store: Store, member: Row) -> None:
    """The member is deleted for good, and so is what they did."""
    for row in store.page(EVENT, parent=member.body["contact_id"], limit=-1):
        store.delete(EVENT, row.id, row.parent)


def _member(call: Call) -> Row:
    """By the hash of the address, or by the address itself."""
    said = call.params["hash"]
    row = call.runtime.store.get(MEMBER, hash_of(said) if "@" in said else said.lower(), list_of(call).id)
    if row is None:
        raise not_found()
    return row


def _name(asked: dict[str, Any]) -> str:
    name = asked.get("name")
    if not isinstance(name, str):
        raise invalid("name", "Data presented is not one of the accepted values: string")
    if not SHORTEST <= len(name) <= LONGEST:
        raise invalid("name", f"Must be {SHORTEST}-{LONGEST} characters in length")
    if not NAME.fullmatch(name):
        raise invalid("name", "Event name must only contain letters, numbers, underscores, and dashes.")
    return name


def _properties(asked: dict[str, Any]) -> dict[str, str]:
    properties = asked.get("properties") or {}
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        raise invalid("properties", "Schema describes object of strings")
    return properties


def _is_syncing(asked: dict[str, Any]) -> bool:
    is_syncing = asked.get("is_syncing", False)
    if not isinstance(is_syncing, bool):
        raise invalid("is_syncing", "Schema describes boolean")
    return is_syncing


def _time(asked: dict[str, Any], now: str) -> str:
    if not asked.get("occurred_at"):
        return now
    try:
        return stamp(str(asked["occurred_at"]))
    except ValueError:
        raise invalid("occurred_at", "This value is not a valid datetime.") from None
