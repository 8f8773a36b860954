"""SendGrid's field definitions: those it reserves, and the account's own, which must be there before a contact has them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mailhouse.sandbox.sendgrid_words import COUNTER, Refused, body_of
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

FIELD = "sendgrid.field"
MOST_FIELDS = 500
LONGEST_TEXT = 1_000  # of a text field; not published
TYPES = {"Text": "T", "Number": "N", "Date": "D"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# name -> the most characters SendGrid's description allows, None where it says nothing
RESERVED: dict[str, int | None] = {
    "first_name": 50,
    "last_name": 50,
    "address_line_1": 100,
    "address_line_2": 100,
    "city": 60,
    "state_province_region": 50,
    "postal_code": None,
    "country": 50,
}
IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
READ_ONLY = ("contact_id", "created_at", "updated_at", "list_ids", "alternate_emails")


class FieldRefused(Exception):
    """A value does not fit its field: an error of the one contact."""


class Fields:
    """The handlers under /v3/marketing/field_definitions."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def listing(self, call: Call) -> Reply:
        own = [field_json(row) for row in self.store.page(FIELD, limit=MOST_FIELDS)]
        reserved: list[dict[str, Any]] = [{"name": name, "field_type": "Text"} for name in (*RESERVED, *IDENTIFIERS)]
        reserved += [{"name": name, "field_type": "Text", "read_only": True} for name in READ_ONLY]
        return Reply(body={"custom_fields": own, "reserved_fields": reserved, "_metadata": {"self": call.base_url + call.path}})

    def create(self, call: Call) -> Reply:
        body = body_of(call)
        name, kind = body.get("name"), body.get("field_type")
        if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > 100:
            raise Refused(400, "name must begin with a letter or _ and have letters, digits and _ alone", "name")
        if kind not in TYPES:
            raise Refused(400, f"field_type must be one of {', '.join(TYPES)}", "field_type")
        known = {row.body["name"].lower() for row in self.store.page(FIELD, limit=MOST_FIELDS)}
        if name.lower() in known | {*RESERVED, *IDENTIFIERS, *READ_ONLY}:
            raise Refused(400, "a field of this name exists already", "name")
        if len(known) >= MOST_FIELDS:
            raise Refused(400, f"no more than {MOST_FIELDS} custom fields")
        row = field_row(f"e{self.store.numbers(COUNTER, 1)()}", name, kind, stamp(self.store.now()))
        self.store.put(FIELD, row)
        return Reply(200, field_json(row), rows=1)

    def remove(self, call: Call) -> Reply:
        if not self.store.delete(FIELD, call.params["custom_field_id"]):
            raise Refused(404)
        return Reply(204, rows=1)


def field_row(number: str, name: str, kind: str, at: str) -> Row:
    """For the store; the id ends with the first letter of the type."""
    return Row(f"{number}_{TYPES[kind]}", {"name": name, "field_type": kind}, at, at)


def field_json(row: Row) -> dict[str, Any]:
    return {"id": row.id, "name": row.body["name"], "field_type": row.body["field_type"]}


def names_of(store: Store) -> dict[str, str]:
    """Id -> name of the account's own fields."""
    return {row.id: row.body["name"] for row in store.page(FIELD, limit=MOST_FIELDS)}


def kept(kind: str, value: Any, identifier: str) -> Any:
    """A value as a field of that type keeps it; raises FieldRefused. No field can be emptied by null."""
    if kind == "Number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FieldRefused(f'custom field "{identifier}" must be a number')
        return value
    if not isinstance(value, str):
        raise FieldRefused(f'custom field "{identifier}" must be a string')
    if kind == "Date":
        return _date(value, identifier)
    if len(value) > LONGEST_TEXT:
        raise FieldRefused(f'custom field "{identifier}" is longer than {LONGEST_TEXT} characters')
    return value


def _date(value: str, identifier: str) -> str:
    for form in ("%m/%d/%Y", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return f"{datetime.strptime(value, form):%Y-%m-%dT%H:%M:%SZ}"
        except ValueError:
            continue
    raise FieldRefused(f'custom field "{identifier}" must be a date, MM/DD/YYYY')


def reserved_values(contact: Mapping[str, Any]) -> dict[str, str]:
    """The reserved fields that a contact of an upsert names; raises FieldRefused."""
    found = {}
    for name, longest in RESERVED.items():
        if name in contact:
            value = contact[name]
            if not isinstance(value, str) or (longest is not None and len(value) > longest):
                raise FieldRefused(f"{name} must be a string" + (f" of at most {longest} characters" if longest else ""))
            found[name] = value
    return found
