"""Merge fields of a Mailchimp list, and what fits into them."""

import re
from typing import Any

from mailhouse.sandbox.mailchimp_words import Problem, invalid, not_found, window
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

MERGE_FIELD = "mailchimp.merge_field"
LIST = "mailchimp.list"
TYPES = ("text", "number", "radio", "dropdown", "date", "birthday", "address", "zip", "phone", "imageurl", "url")
LONGEST_TEXT = 255  # bytes
SHAPES = {
    "number": (re.compile(r"-?\d+(\.\d+)?"), "Please enter a number"),
    "date": (re.compile(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}"), "Please enter the date"),
    "birthday": (re.compile(r"\d\d/\d\d"), "Please enter a month (01-12) and a day (01-31)"),
    "url": (re.compile(r"https?://\S+"), "Please enter a complete URL"),
    "imageurl": (re.compile(r"https?://\S+"), "Please enter a complete URL"),
}


class FieldRefused(Exception):
    """A value does not fit into its merge field, or a required one is missing."""

    def __init__(self, tag: str, message: str) -> None:
        super().__init__(message)
        self.tag, self.message = tag, message


def fields_of(store: Store, list_id: str) -> list[dict[str, Any]]:
    """The merge fields of a list in the order of their numbers."""
    return [row.body for row in store.page(MERGE_FIELD, parent=list_id, limit=1000)]


def fitted(fields: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """The given values that the list has a field for; raises FieldRefused. Unknown tags are passed over in silence."""
    by_tag = {field["tag"]: field for field in fields}
    return {tag: _fit(by_tag[tag], value) for tag, value in given.items() if tag in by_tag}


def _fit(field: dict[str, Any], value: Any) -> Any:
    tag, kind = field["tag"], field["type"]
    if kind == "address":
        if value in ("", None) or (isinstance(value, dict) and {"addr1", "city", "state", "zip"} <= value.keys()):
            return value
        raise FieldRefused(tag, "Please enter a complete address")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldRefused(tag, f"Schema describes string, {type(value).__name__} found instead")
    text = str(value)
    if text == "":
        return ""
    if len(text.encode()) > LONGEST_TEXT:
        raise FieldRefused(tag, f"Please enter a value of at most {LONGEST_TEXT} bytes")
    shape, message = SHAPES.get(kind, (None, ""))
    if shape is not None and not shape.fullmatch(text):
        raise FieldRefused(tag, message)
    choices = (field.get("options") or {}).get("choices")
    if kind in ("radio", "dropdown") and choices and text not in choices:
        raise FieldRefused(tag, f"Value must be one of: {', '.join(choices)}")
    return value if kind == "number" else text


def check_required(fields: list[dict[str, Any]], values: dict[str, Any]) -> None:
    """Raises FieldRefused for the first required field without a value."""
    for field in fields:
        if field.get("required") and values.get(field["tag"]) in (None, ""):
            raise FieldRefused(field["tag"], "Please enter a value")


def listing(call: Call) -> Reply:
    count, offset = window(call)
    fields = fields_of(call.runtime.store, _list(call))
    page = [_json(field, call) for field in fields[offset : offset + count]]
    return Reply(body={"merge_fields": page, "list_id": call.params["list_id"], "total_items": len(fields)}, rows=len(page))


def create(call: Call) -> Reply:
    asked = call.json()
    store, list_id = call.runtime.store, _list(call)
    if not asked.get("name"):
        raise invalid("name", "This value should not be blank.")
    if asked.get("type") not in TYPES:
        raise invalid("type", f"The type must be one of: {', '.join(TYPES)}")
    with store.transaction():
        fields = fields_of(store, list_id)
        number = max((int(field["merge_id"]) for field in fields), default=0) + 1
        tag = str(asked.get("tag") or f"MMERGE{number}").upper()
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,9}", tag):
            raise invalid("tag", "Merge tags are at most 10 letters, digits and underscores.")
        if any(field["tag"] == tag for field in fields) or tag == "EMAIL":
            raise Problem(400, "Bad Request", f'A Merge Field with the tag "{tag}" already exists for this list.')
        body = {
            "merge_id": number,
            "tag": tag,
            "name": str(asked["name"]),
            "type": asked["type"],
            "required": bool(asked.get("required", False)),
            "default_value": str(asked.get("default_value", "")),
            "options": asked.get("options") or {},
        }
        store.put(MERGE_FIELD, Row(str(number), body, stamp(store.now()), parent=list_id))
    return Reply(body=_json(body, call), rows=1)


def one(call: Call) -> Reply:
    return Reply(body=_json(_found(call).body, call), rows=1)


def change(call: Call) -> Reply:
    asked = call.json()
    with call.runtime.store.transaction():
        row = _found(call)
        row.body |= {key: asked[key] for key in ("name", "required", "default_value", "options") if key in asked}
        row.updated_at = stamp(call.runtime.store.now())
        call.runtime.store.put(MERGE_FIELD, row)
    return Reply(body=_json(row.body, call), rows=1)


def remove(call: Call) -> Reply:
    row = _found(call)
    call.runtime.store.delete(MERGE_FIELD, row.id, row.parent)
    return Reply(204, rows=1)


def _list(call: Call) -> str:
    if call.runtime.store.get(LIST, call.params["list_id"]) is None:
        raise not_found()
    return call.params["list_id"]


def _found(call: Call) -> Row:
    row = call.runtime.store.get(MERGE_FIELD, call.params["merge_id"], _list(call))
    if row is None:
        raise not_found()
    return row


def _json(body: dict[str, Any], call: Call) -> dict[str, Any]:
    return {
        **body,
        "merge_id": int(body["merge_id"]),
        "public": True,
        "display_order": int(body["merge_id"]),
        "options": body.get("options") or ({"size": 25} if body["type"] == "text" else {}),
        "list_id": call.params["list_id"],
    }
