"""HubSpot's lists of contacts: made, found, and their memberships moved; only lists kept by hand can be written to."""

from typing import Any

from mailhouse.sandbox import hubspot_members as members
from mailhouse.sandbox.hubspot_members import LIST
from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

CONTACT_TYPE = "0-1"
BY_HAND = ("MANUAL", "SNAPSHOT")
PAGE = 250
FIRST_ID = 1


def routes() -> list[Route]:
    """The paths of lists, in the dated form and in that of v3."""
    found = []
    for lists in ("/crm/lists/{version}", "/crm/{version}/lists"):
        memberships = lists + "/{list_id}/memberships"
        found += [
            Route("POST", lists, create, writes=True),
            Route("POST", f"{lists}/", create, writes=True),
            Route("POST", f"{lists}/search", search),
            Route("GET", lists + "/object-type-id/{object_type}/name/{name}", by_name),
            Route("GET", lists + "/{list_id}", one),
            Route("DELETE", lists + "/{list_id}", remove, writes=True),
            Route("PUT", lists + "/{list_id}/restore", restore, writes=True),
            Route("GET", memberships, listing),
            Route("PUT", f"{memberships}/add", add, writes=True),
            Route("PUT", f"{memberships}/remove", take_off, writes=True),
            Route("PUT", f"{memberships}/add-and-remove", add_and_remove, writes=True),
        ]
    return found


def list_row(list_id: str, name: str, at: str, processing: str = "MANUAL") -> Row:
    """A list as it is kept."""
    body = {"listId": list_id, "name": name, "processingType": processing, "objectTypeId": CONTACT_TYPE}
    return Row(list_id, {**body, "createdAt": at, "updatedAt": at}, at, at)


def create(call: Call) -> Reply:
    """POST lists: a list of contacts; two of one name there cannot be."""
    given = call.json()
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name.strip() or given.get("objectTypeId") != CONTACT_TYPE:
        return refusal(400, f"name and the objectTypeId {CONTACT_TYPE} are required", "VALIDATION_ERROR")
    if given.get("processingType") not in (*BY_HAND, "DYNAMIC"):
        return refusal(400, "processingType must be MANUAL, SNAPSHOT or DYNAMIC", "VALIDATION_ERROR")
    store = call.runtime.store
    with store.transaction():
        if _named(store, name):
            words = f"List name '{name}' already exists in this account"
            return refusal(400, words, "VALIDATION_ERROR", subCategory="ILS.DUPLICATE_LIST_NAMES")
        (highest,) = store.query("select coalesce(max(num), 0) from object where kind = ?", (LIST,))[0]
        row = list_row(str(max(FIRST_ID, highest + 1)), name, stamp(store.now()), given["processingType"])
        store.put(LIST, row)
    return Reply(200, {"list": _json(store, row)}, rows=1)


def search(call: Call) -> Reply:
    """POST lists/search: by a part of the name, 20 at a time unless asked for up to 500."""
    given = call.json()
    offset, most = int(given.get("offset") or 0), int(given.get("count") or 20)
    if not 1 <= most <= 500 or offset < 0:
        return refusal(400, "count must be 1 to 500", "VALIDATION_ERROR")
    wanted = str(given.get("query") or "").casefold()
    store = call.runtime.store
    found = [row for row in store.page(LIST, limit=100_000) if wanted in row.body["name"].casefold()]
    page = found[offset : offset + most]
    lists = [_json(store, row) | {"additionalProperties": {"hs_list_size": str(members.count(store, row.id))}} for row in page]
    body = {"offset": offset + len(page), "total": len(found), "hasMore": offset + len(page) < len(found), "lists": lists}
    return Reply(200, body, rows=len(page))


def by_name(call: Call) -> Reply:
    """GET name/{name}: the list of exactly that name."""
    row = _named(call.runtime.store, call.params["name"])
    if row is None or call.params["object_type"] != CONTACT_TYPE:
        return _not_there()
    return Reply(200, {"list": _json(call.runtime.store, row)}, rows=1)


def one(call: Call) -> Reply:
    row = _live(call)
    return _not_there() if row is None else Reply(200, {"list": _json(call.runtime.store, row)}, rows=1)


def remove(call: Call) -> Reply:
    """DELETE {id}: for 90 days it can be had back, memberships included."""
    return _marked(call, deleted=True)


def restore(call: Call) -> Reply:
    """PUT {id}/restore."""
    return _marked(call, deleted=False)


def _marked(call: Call, *, deleted: bool) -> Reply:
    store = call.runtime.store
    with store.transaction():
        row = store.get(LIST, call.params["list_id"])
        if row is None:
            return _not_there()
        row.deleted, row.updated_at = deleted, stamp(store.now())
        store.put(LIST, row)
    return Reply(204, rows=1)


def listing(call: Call) -> Reply:
    """GET memberships: ids of the records, 100 at a time unless asked for up to 250."""
    row = _live(call)
    if row is None:
        return _not_there()
    limit, after = call.query.get("limit", "100"), call.query.get("after", "0")
    if not (limit.isdigit() and 1 <= int(limit) <= PAGE) or not after.isdigit():
        return refusal(400, f"limit must be 1 to {PAGE}", "VALIDATION_ERROR")
    store = call.runtime.store
    found = members.page(store, row.id, after, int(limit) + 1)
    page = found[: int(limit)]
    body: dict[str, Any] = {
        "total": members.count(store, row.id),
        "results": [{"recordId": record_id, "membershipTimestamp": joined} for record_id, joined in page],
    }
    if len(found) > len(page):
        body["paging"] = {"next": {"after": page[-1][0]}}
    return Reply(200, body, rows=len(page))


def add(call: Call) -> Reply:
    """PUT memberships/add: the body is a list of ids."""
    return _moved(call, call.json(), [])


def take_off(call: Call) -> Reply:
    """PUT memberships/remove: the body is a list of ids."""
    return _moved(call, [], call.json())


def add_and_remove(call: Call) -> Reply:
    """PUT memberships/add-and-remove: both at once."""
    given = call.json()
    given = given if isinstance(given, dict) else {}
    return _moved(call, given.get("recordIdsToAdd", []), given.get("recordIdsToRemove", []))


def _moved(call: Call, joining: Any, leaving: Any) -> Reply:
    if not all(isinstance(ids, list) and all(isinstance(one, str | int) for one in ids) for ids in (joining, leaving)):
        return refusal(400, "Invalid input JSON: ids of records are expected", "VALIDATION_ERROR")
    joining, leaving = [str(one) for one in joining], [str(one) for one in leaving]
    most = call.runtime.limits["hubspot"]["memberships"]
    if len(joining) + len(leaving) > most:
        return refusal(400, f"at most {most:,} records may be moved by one call", "VALIDATION_ERROR")
    row = _live(call)
    if row is None:
        return _not_there()
    if row.body["processingType"] not in BY_HAND:
        return refusal(400, "Memberships of a DYNAMIC list cannot be changed by hand", "VALIDATION_ERROR")
    store = call.runtime.store
    with store.transaction():
        known = {one.id for one in store.get_many("hubspot.contact", [*joining, *leaving]).values() if not one.deleted}
        refused = {one.id for one in store.get_many("hubspot.contact", known).values() if one.email in call.refused_rows}
        known -= refused
        joined = members.join(store, row.id, [one for one in joining if one in known])
        left = members.leave(store, row.id, [one for one in leaving if one in known])
    missing = [one for one in dict.fromkeys([*joining, *leaving]) if one not in known]
    # v3 spells the first name with one s more
    added = "recordsIdsAdded" if call.params["version"] == "v3" else "recordIdsAdded"
    return Reply(200, {added: joined, "recordIdsRemoved": left, "recordIdsMissing": missing}, rows=len(joined) + len(left))


def _named(store: Store, name: str) -> Row | None:
    found = store.search(LIST, "lower(json_extract(body, '$.name')) = lower(?)", [name], ordering="num", limit=1)
    return found[0] if found else None


def _live(call: Call) -> Row | None:
    row = call.runtime.store.get(LIST, call.params["list_id"])
    return None if row is None or row.deleted else row


def _json(store: Store, row: Row) -> dict[str, Any]:
    # the server's own answer about size lags nowhere: HubSpot says nothing of a lag
    return {**row.body, "listVersion": 1, "processingStatus": "COMPLETE", "size": members.count(store, row.id)}


def _not_there() -> Reply:
    return refusal(404, "List does not exist", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
