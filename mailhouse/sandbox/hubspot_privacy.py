"""HubSpot's deletion for privacy: the contact is gone for good, and its address is on the portal's block list."""

import hashlib
from typing import Any

from mailhouse.sandbox.hubspot_events import EVENT
from mailhouse.sandbox.hubspot_members import leave_all
from mailhouse.sandbox.hubspot_preferences import CONTACT, PREFERENCE, SUBSCRIPTIONS
from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

BLOCKED = "hubspot.blocked"


def gdpr_delete(call: Call) -> Reply:
    """POST contacts/gdpr-delete: by id, or by address with `idProperty: email`; an unknown address is blocked all the same."""
    asked = call.json()
    given = str(asked.get("objectId") or "") if isinstance(asked, dict) else ""
    if not given:
        return refusal(400, "objectId is required", "VALIDATION_ERROR")
    by_email = asked.get("idProperty") == "email"
    store = call.runtime.store
    with store.transaction():
        rows = _with_address(store, given.lower()) if by_email else [row for row in [store.get(CONTACT, given)] if row]
        if not rows and not by_email:
            return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
        for row in rows:
            _forget(store, row)
        if by_email:
            _block(store, given)
    return Reply(204, rows=len(rows))


def _with_address(store: Store, address: str) -> list[Row]:
    """Contacts whose first address this is, or one of their others; archived ones too."""
    others = "';' || lower(coalesce(json_extract(body, '$.properties.hs_additional_emails'), '')) || ';'"
    where, values = f"email = ? or instr({others}, ?) > 0", [address, f";{address};"]
    return store.search(CONTACT, where, values, ordering="num", limit=-1, deleted=None)


def _forget(store: Store, row: Row) -> None:
    properties: dict[str, Any] = row.body["properties"]
    addresses = [properties.get("email"), *(properties.get("hs_additional_emails") or "").split(";")]
    for address in filter(None, addresses):
        _block(store, address)
        store.delete(PREFERENCE, address.lower())
        for kind in (SUBSCRIPTIONS, EVENT):
            for one in store.by_email(kind, address.lower()):
                store.delete(kind, one.id)
    leave_all(store, row.id)
    store.delete(CONTACT, row.id)


def _block(store: Store, address: str) -> None:
    # a hash, so that the list itself names nobody
    key = hashlib.sha256(address.strip().lower().encode()).hexdigest()
    store.put(BLOCKED, Row(key, {}, store.now()))
