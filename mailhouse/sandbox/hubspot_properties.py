"""HubSpot's properties of contacts: listed, made, and what each takes for a value."""

import re
from datetime import datetime
from typing import Any

from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

PROPERTY = "hubspot.property"
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
TYPES = {
    "string": ("text", "textarea"),
    "number": ("number",),
    "date": ("date",),
    "datetime": ("date",),
    "bool": ("booleancheckbox",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
}
FIELD = {"bool": "booleancheckbox", "number": "number", "date": "date", "datetime": "date", "enumeration": "select"}


def routes() -> list[Route]:
    """The paths of contact properties, in the dated form and in that of v3."""
    found = []
    for properties in ("/crm/properties/{version}/contacts", "/crm/{version}/properties/contacts"):
        found += [
            Route("GET", properties, listing),
            Route("POST", properties, create, writes=True),
            Route("GET", properties + "/{name}", one),
        ]
    return found


def listing(call: Call) -> Reply:
    """GET properties: every property that a contact may have."""
    results = [_json(row) for row in call.runtime.store.page(PROPERTY, limit=10_000)]
    return Reply(200, {"results": results}, rows=len(results))


def one(call: Call) -> Reply:
    row = call.runtime.store.get(PROPERTY, call.params["name"])
    return Reply(200, _json(row), rows=1) if row else refusal(404, "Property does not exist", "OBJECT_NOT_FOUND")


def create(call: Call) -> Reply:
    """POST properties: 201, or 409 when the name is taken."""
    given = call.json()
    given = given if isinstance(given, dict) else {}
    name, kind = str(given.get("name", "")), given.get("type")
    if not NAME.fullmatch(name):
        return refusal(400, f"'{name}' is no name of a property", "VALIDATION_ERROR")
    if kind not in TYPES or given.get("fieldType") not in TYPES[kind] or not given.get("label") or not given.get("groupName"):
        return refusal(400, "label, groupName and a type with a fieldType that fits it are required", "VALIDATION_ERROR")
    if kind == "bool" and {str(option.get("value")) for option in given.get("options") or []} != {"true", "false"}:
        return refusal(400, "a boolean property has the options true and false", "VALIDATION_ERROR")
    store = call.runtime.store
    with store.transaction():
        if store.get(PROPERTY, name) is not None:
            return refusal(409, f"A property named '{name}' already exists.", "CONFLICT")
        now = stamp(store.now())
        body = {"name": name, "type": kind, "label": given["label"], "group": given["groupName"], "custom": True}
        row = Row(name, body, now, now)
        store.put(PROPERTY, row)
    return Reply(201, _json(row), rows=1)


def trouble_of(store: Store, name: str, value: str) -> str:
    """Why a property cannot have a value, '' when it can; empty clears."""
    row = store.get(PROPERTY, name)
    if row is None:
        return f'Property "{name}" does not exist'
    if not value:
        return ""
    try:
        match row.body["type"]:
            case "number":
                float(value)
            case "date" | "datetime":
                datetime.fromtimestamp(int(value) / 1000) if value.lstrip("-").isdigit() else datetime.fromisoformat(value)
            case "bool" if value not in ("true", "false"):
                return f'"{name}" is not one of the allowed options: true, false'
    except ValueError:
        return f'"{name}" is not a valid {row.body["type"]}'
    return ""


def _json(row: Row) -> dict[str, Any]:
    return {
        "name": row.body["name"],
        "label": row.body.get("label") or row.body["name"],
        "type": row.body["type"],
        "fieldType": FIELD.get(row.body["type"], "text"),
        "groupName": row.body.get("group", "contactinformation"),
        "description": "",
        "hubspotDefined": not row.body.get("custom", False),
        "hidden": False,
        "calculated": False,
        "options": [],
    }
