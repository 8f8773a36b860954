"""What HubSpot does to contacts alone: batch upserts by address, merges."""

from typing import Any

from mailhouse.sandbox.hubspot_members import take_over
from mailhouse.sandbox.hubspot_objects import BATCH, CONTACTS, record_json
from mailhouse.sandbox.hubspot_preferences import ADDRESS
from mailhouse.sandbox.hubspot_properties import trouble_of
from mailhouse.sandbox.hubspot_words import batch, refusal
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

NEXT_ID = "hubspot.next_contact"
# ids of contacts that callers made begin here, above those of the made-up company
FIRST_ID = 90_000_000_001
# what a caller may not write: HubSpot keeps these itself
READ_ONLY = frozenset({"createdate", "lastmodifieddate", "hs_object_id", "hs_additional_emails", "hs_merged_object_ids"})


def batch_upsert(call: Call) -> Reply:
    """POST batch/upsert: up to 100 contacts by address; those that are at fault stand in `errors` of a 207, by their trace id.

    A row without a trace id cannot be told apart: with one such row at fault the whole batch is refused. Two rows of one
    contact refuse the batch as well.
    """
    given = call.json()
    inputs = given.get("inputs") if isinstance(given, dict) else None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= BATCH or not all(isinstance(item, dict) for item in inputs):
        return refusal(400, "inputs must hold 1 to 100 contacts", "VALIDATION_ERROR")
    addresses = [str(item.get("id", "")).strip().lower() for item in inputs]
    if any(item.get("idProperty") != "email" for item in inputs):
        return refusal(400, "idProperty must be a property with unique values; of contacts that is email", "VALIDATION_ERROR")
    if len(set(addresses)) < len(addresses):
        return refusal(400, "Duplicate IDs found in batch input", "VALIDATION_ERROR")
    store = call.runtime.store
    at_fault = {
        number: words
        for number, (item, address) in enumerate(zip(inputs, addresses, strict=True))
        if (words := _trouble(store, item, address, call.refused_rows))
    }
    unnamed = [number for number in at_fault if not inputs[number].get("objectWriteTraceId")]
    if unnamed:
        return refusal(400, at_fault[unnamed[0]], "VALIDATION_ERROR")
    now = stamp(store.now())
    with store.transaction():
        known = _by_address(store, [address for number, address in enumerate(addresses) if number not in at_fault])
        results = [
            _upserted(store, item, address, known.get(address), now)
            for number, (item, address) in enumerate(zip(inputs, addresses, strict=True))
            if number not in at_fault
        ]
    errors = [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": words,
            "context": {"objectWriteTraceId": [inputs[number]["objectWriteTraceId"]]},
        }
        for number, words in at_fault.items()
    ]
    return Reply(207 if errors else 200, batch(now, results, errors), rows=len(results))


def _trouble(store: Store, item: dict[str, Any], address: str, refused: frozenset[str]) -> str:
    properties = item.get("properties")
    if address in refused:
        return "The contact was refused."
    if not ADDRESS.fullmatch(address):
        return f"Property values were not valid: Email address {address} is invalid"
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        return "Property values were not valid: every value is a string"
    for name, value in properties.items():
        if name in READ_ONLY:
            return f'Property values were not valid: "{name}" is a read only property'
        if words := trouble_of(store, name, value):
            return f"Property values were not valid: {words}"
    return ""


def _upserted(store: Store, item: dict[str, Any], address: str, row: Row | None, now: str) -> dict[str, Any]:
    """The contact as it is now; a new one where nobody has the address."""
    properties = {name: value or None for name, value in item["properties"].items()}
    is_new = row is None
    if row is None:
        row = Row(_next_id(store), {"createdAt": now, "updatedAt": now, "archived": False, "properties": {"email": address}}, now)
        row.email = address
    kept = row.body["properties"]
    if is_new or any(kept.get(name) != value for name, value in properties.items()):
        kept |= properties
        kept["lastmodifieddate"] = row.body["updatedAt"] = row.updated_at = now
        row.email = str(kept.get("email") or "").lower()
        store.put(CONTACTS.kind, row)
    shown = record_json(CONTACTS, row, ("email", *properties))
    trace = item.get("objectWriteTraceId")
    return shown | {"new": is_new} | ({"objectWriteTraceId": trace} if trace else {})


def _by_address(store: Store, addresses: list[str]) -> dict[str, Row]:
    """The live contacts of these addresses, by their first address or another one."""
    found = {
        one: rows[0] for one in addresses if (rows := [row for row in store.by_email(CONTACTS.kind, one) if not row.deleted])
    }
    missing = set(addresses) - found.keys()
    if missing:
        # looked through once for a whole batch: hardly any contact has a second address
        others = "json_extract(body, '$.properties.hs_additional_emails') is not null"
        for row in store.search(CONTACTS.kind, others, [], ordering="num", limit=-1):
            for one in missing & set(row.body["properties"]["hs_additional_emails"].lower().split(";")):
                found.setdefault(one, row)
    return found


def _next_id(store: Store) -> str:
    number = store.meta_get(NEXT_ID) or FIRST_ID
    store.meta_set(NEXT_ID, number + 1)
    return str(number)


def merge(call: Call) -> Reply:
    """POST merge: the second contact goes into the first, which keeps its own values and takes what it lacks."""
    given = call.json()
    store = call.runtime.store
    with store.transaction():
        winner, loser = (store.get(CONTACTS.kind, str(given.get(key, ""))) for key in ("primaryObjectId", "objectIdToMerge"))
        if winner is None or loser is None or winner.deleted or loser.deleted or winner.id == loser.id:
            return refusal(400, "Both contacts of a merge must exist and differ.", "VALIDATION_ERROR")
        merge_into(store, winner, loser)
    return Reply(200, record_json(CONTACTS, winner, ()), rows=1)


def merge_into(store: Store, winner: Row, loser: Row) -> None:
    """The winner's values stay, gaps are filled, the loser's address, id and lists are kept on the winner."""
    kept, given = winner.body["properties"], loser.body["properties"]
    emails = [kept.get("hs_additional_emails"), given.get("email"), given.get("hs_additional_emails")]
    ids = [kept.get("hs_merged_object_ids"), given.get("hs_merged_object_ids"), loser.id]
    for name, value in given.items():
        if value is not None and kept.get(name) is None:
            kept[name] = value
    kept["hs_merged_object_ids"] = _joined(ids)
    kept["hs_additional_emails"] = _joined(emails, without=kept.get("email"))
    now = stamp(store.now())
    kept["lastmodifieddate"] = winner.body["updatedAt"] = winner.updated_at = now
    store.put(CONTACTS.kind, winner)
    take_over(store, loser.id, winner.id)
    store.delete(CONTACTS.kind, loser.id)


def _joined(parts: list[str | None], without: str | None = None) -> str | None:
    """One list of several `;`-joined ones, each value once."""
    values = dict.fromkeys(value for part in parts if part for value in part.split(";") if value and value != without)
    return ";".join(values) or None
