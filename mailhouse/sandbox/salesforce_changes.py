"""What becomes of a record in Salesforce: it is changed, put into the recycle bin, merged into another, or purged."""

from datetime import datetime
from typing import Any

from mailhouse.sandbox.salesforce_objects import OBJECTS, PEOPLE, TRACKED, SObject, identifier, record_row
from mailhouse.sandbox.store import Row, Store

NUMBERS = "salesforce.numbers"  # of records made by callers and of entries of the history, far from those of the company
FIRST_NUMBER = 900_000_001
# what hangs on a person, and by which field; it follows into the record that the person's was merged into
CHILDREN = {
    "Contact": (("CampaignMember", "ContactId"), ("Case", "ContactId"), ("Task", "WhoId")),
    "Lead": (("CampaignMember", "LeadId"), ("Task", "WhoId")),
}


def update(store: Store, of: SObject, row: Row, values: dict[str, Any], moment: datetime | str | None = None) -> Row:
    """The record with those values, changed now or at `moment`; what is tracked is written into its history."""
    when, before = moment or store.now(), row.body.get(TRACKED)
    fresh = record_row(of, row.id, {**row.body, **values}, when, row.created_at or when, row.deleted)
    fresh.updated_at = max(fresh.updated_at, row.updated_at)
    store.put(of.kind, fresh)
    if of.name in PEOPLE and bool(before) != bool(fresh.body[TRACKED]):
        _note(store, of, fresh, before)
    return fresh


def _note(store: Store, of: SObject, row: Row, before: Any) -> None:
    history, at = OBJECTS[f"{of.name}History"], row.updated_at
    body = {"Field": TRACKED, "OldValue": bool(before), "NewValue": bool(row.body[TRACKED])}
    body[f"{of.name}Id"] = row.id
    store.put(history.kind, record_row(history, identifier(history.prefix, next_number(store)), body, at, at))


def bin_record(store: Store, of: SObject, row: Row, moment: datetime | str | None = None, master: str | None = None) -> None:
    """Into the recycle bin; what was merged away names the record that it went into."""
    when = moment or store.now()
    body = {**row.body, "MasterRecordId": master} if "MasterRecordId" in of.fields else row.body
    binned = record_row(of, row.id, body, when, row.created_at or when, deleted=True)
    binned.updated_at = max(binned.updated_at, row.updated_at)
    store.put(of.kind, binned)


def merge_into(store: Store, of: SObject, master: Row, loser: Row, moment: datetime | str | None = None) -> None:
    """The master keeps its values and takes what it lacks; the loser is deleted and names it. An opt-out survives."""
    filled = {name: value for name, value in loser.body.items() if value is not None and master.body.get(name) is None}
    filled.pop("MasterRecordId", None)
    if loser.body.get(TRACKED):
        filled[TRACKED] = True
    update(store, of, master, filled, moment)
    bin_record(store, of, loser, moment, master.id)
    for child, field, row in _children(store, of, loser.id):
        update(store, child, row, {field: master.id}, moment)


def _children(store: Store, of: SObject, record_id: str) -> list[tuple[SObject, str, Row]]:
    """What hangs on a record: the object, the field that names the record, and the row."""
    found = []
    for name, field in CHILDREN.get(of.name, ()):
        child, named = OBJECTS[name], f"json_extract(body, '$.{field}') = ?"
        rows = store.search(child.kind, named, [record_id], ordering="id", limit=10_000, deleted=None)
        found += [(child, field, row) for row in rows]
    return found


def purge(store: Store, of: SObject, record_id: str) -> bool:
    """Really gone, past the recycle bin, with its memberships and its history; whether there was one."""
    for child, field, row in _children(store, of, record_id):
        if child.name == "CampaignMember":
            store.delete(child.kind, row.id)
        else:
            update(store, child, row, {field: None})
    if of.name in PEOPLE:
        history = OBJECTS[f"{of.name}History"].kind
        named = f"json_extract(body, '$.{of.name}Id') = ?"
        for entry in store.search(history, named, [record_id], ordering="id", limit=10_000):
            store.delete(history, entry.id)
    return store.delete(of.kind, record_id)


def next_number(store: Store) -> int:
    """The next number of a record that nobody seeded."""
    with store.transaction():
        number = store.meta_get(NUMBERS) or FIRST_NUMBER
        store.meta_set(NUMBERS, number + 1)
    return number
