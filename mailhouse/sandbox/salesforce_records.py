"""Salesforce's records one by one and by 200: read, made, changed, deleted."""

from typing import Any

from mailhouse.sandbox.salesforce_changes import bin_record, next_number, update
from mailhouse.sandbox.salesforce_objects import OBJECTS, SYSTEM, SObject, identifier, record_row, sobject
from mailhouse.sandbox.salesforce_permissions import is_hidden, read_only
from mailhouse.sandbox.salesforce_query import record
from mailhouse.sandbox.salesforce_words import Refused, refusal, row_error
from mailhouse.sandbox.wire import Call, Reply

MOST_AT_ONCE = 200


def object_named(call: Call) -> SObject:
    """The object in the path. Raises Refused."""
    found = sobject(call.params["object"])
    if found is None or is_hidden(call.runtime.store, found):
        raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
    return found


def read(call: Call) -> Reply:
    """GET sobjects/{object}/{id}, the fields asked for or all."""
    of = object_named(call)
    row = call.runtime.store.get(of.kind, call.params["id"])
    if row is None or row.deleted:
        raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
    names = [name for name in call.query.get("fields", "").split(",") if name]
    fields = tuple(_field(of, name) for name in names) or tuple(of.all_fields)
    return Reply(200, record(of, row, fields, call.params["version"]), rows=1)


def _field(of: SObject, name: str) -> str:
    found = of.field(name)
    if found is None:
        raise Refused("INVALID_FIELD", f"No such column '{name}' on entity '{of.name}'.")
    return found


def create(call: Call) -> Reply:
    """POST sobjects/{object}."""
    return _alone(_made(call, object_named(call), _object_in(call)), 201)


def change(call: Call) -> Reply:
    """PATCH sobjects/{object}/{id}."""
    return _alone(_changed(call, object_named(call), call.params["id"], _object_in(call)), 204)


def delete(call: Call) -> Reply:
    """DELETE sobjects/{object}/{id}: into the recycle bin."""
    return _alone(_deleted(call, object_named(call), call.params["id"]), 204)


def change_many(call: Call) -> Reply:
    """PATCH composite/sobjects: up to 200 records of any objects, each answered for itself, in order."""
    answers = []
    with call.runtime.store.transaction():
        for given in _records_in(call):
            of = sobject(str((given.get("attributes") or {}).get("type", "")))
            if of is None:
                answers.append(row_error("INVALID_TYPE", "sObject type is not supported."))
                continue
            answers.append(_changed(call, of, str(given.get("id") or given.get("Id") or ""), given))
    return Reply(200, answers, rows=len(answers))


def create_many(call: Call) -> Reply:
    """POST composite/sobjects."""
    answers = []
    with call.runtime.store.transaction():
        for given in _records_in(call):
            of = sobject(str((given.get("attributes") or {}).get("type", "")))
            missing = row_error("INVALID_TYPE", "sObject type is not supported.")
            answers.append(missing if of is None else _made(call, of, given))
    return Reply(200, answers, rows=len(answers))


def delete_many(call: Call) -> Reply:
    """DELETE composite/sobjects?ids=: up to 200 ids of any objects."""
    ids = [one for one in call.query.get("ids", "").split(",") if one]
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise Refused("TOO_MANY_RECORDS" if ids else "REQUIRED_FIELD_MISSING", f"ids must name 1 to {MOST_AT_ONCE} records")
    answers = []
    with call.runtime.store.transaction():
        for one in ids:
            of = by_id(one)
            answers.append(row_error("MALFORMED_ID", "malformed id", ("Id",), one) if of is None else _deleted(call, of, one))
    return Reply(200, answers, rows=len(answers))


def by_id(record_id: str) -> SObject | None:
    """The object that an id is of."""
    return next((one for one in OBJECTS.values() if not one.is_history and record_id.startswith(one.prefix)), None)


def _changed(call: Call, of: SObject, record_id: str, given: dict[str, Any]) -> dict[str, Any]:
    store = call.runtime.store
    values, wrong = _values(of, given)
    if wrong is not None:
        return row_error("INVALID_FIELD", f"No such column '{wrong}' on sobject of type {of.name}", (wrong,), record_id)
    if fixed := tuple(sorted(read_only(store, of) & values.keys())):
        said = f"Unable to create/update fields: {', '.join(fixed)}. Please check the security settings of this field."
        return row_error("INVALID_FIELD_FOR_INSERT_UPDATE", said, fixed, record_id)
    row = store.get(of.kind, record_id)
    if row is None:
        return row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (), record_id)
    if row.deleted:
        return row_error("ENTITY_IS_DELETED", "entity is deleted", (), record_id)
    if row.body.get("IsConverted"):
        return row_error("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", (), record_id)
    if call.refused_rows & {row.email, record_id.lower()}:
        return row_error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "a validation rule refuses this record", (), record_id)
    if any(row.body.get(name) != value for name, value in values.items()):
        update(store, of, row, values)
    return {"id": record_id, "success": True, "errors": []}


def _made(call: Call, of: SObject, given: dict[str, Any]) -> dict[str, Any]:
    store = call.runtime.store
    values, wrong = _values(of, given)
    if wrong is not None:
        return row_error("INVALID_FIELD", f"No such column '{wrong}' on sobject of type {of.name}", (wrong,))
    required = "LastName" if "LastName" in of.fields else "Name" if "Name" in of.fields else None
    if required and not values.get(required):
        return row_error("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{required}]", (required,))
    now = store.now()
    row = record_row(of, identifier(of.prefix, next_number(store)), values, now, now)
    store.put(of.kind, row)
    return {"id": row.id, "success": True, "errors": []}


def _deleted(call: Call, of: SObject, record_id: str) -> dict[str, Any]:
    store = call.runtime.store
    with store.transaction():
        row = store.get(of.kind, record_id)
        if row is None:
            return row_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (), record_id)
        if row.deleted:
            return row_error("ENTITY_IS_DELETED", "entity is deleted", (), record_id)
        bin_record(store, of, row)
    return {"id": record_id, "success": True, "errors": []}


def _values(of: SObject, given: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The fields that may be written, spelt as Salesforce does; the first one that may not."""
    values = {}
    for name, value in given.items():
        if name in ("attributes", "id", "Id"):
            continue
        own = of.field(name)
        if own is None or own in SYSTEM:
            return {}, name
        values[own] = value
    return values, None


def _alone(answer: dict[str, Any], status: int) -> Reply:
    """The answer of a call about one record: its error is the call's."""
    if answer["success"]:
        return Reply(status, answer if status == 201 else None, rows=1)
    error = answer["errors"][0]
    missing = error["statusCode"] in ("INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED")
    reply = refusal(404 if missing else 400, error["message"], error["statusCode"])
    reply.body[0]["fields"] = error["fields"]
    return reply


def _object_in(call: Call) -> dict[str, Any]:
    given = call.json()
    if not isinstance(given, dict):
        raise Refused("JSON_PARSER_ERROR", "the body must be an object")
    return given


def _records_in(call: Call) -> list[dict[str, Any]]:
    given = call.json()
    records = given.get("records") if isinstance(given, dict) else None
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Refused("JSON_PARSER_ERROR", "the body must hold a list of records")
    if len(records) > MOST_AT_ONCE:
        raise Refused("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_AT_ONCE} records into this call")
    return records
