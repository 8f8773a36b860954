"""HubSpot's CRM records, whatever their type: listings, search, reading by id or address, archiving."""

import re
from dataclasses import dataclass
from typing import Any

from mailhouse.sandbox.hubspot_members import leave_all
from mailhouse.sandbox.hubspot_search import Refused, conditions, ordering
from mailhouse.sandbox.hubspot_words import batch, refusal
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

VERSIONS = re.compile(r"^(v3|20\d\d-\d\d)$")
BATCH = 100


@dataclass(frozen=True, slots=True)
class Type:
    """One type of record: its word in paths, and the properties that are shown when none are asked for."""

    word: str
    by_default: tuple[str, ...]
    changed: str = "hs_lastmodifieddate"

    @property
    def kind(self) -> str:
        """How the store calls it: contacts are `hubspot.contact`."""
        return {"companies": "hubspot.company"}.get(self.word, f"hubspot.{self.word.removesuffix('s')}")

    @property
    def always(self) -> tuple[str, ...]:
        return ("createdate", "hs_object_id", self.changed)


CONTACTS = Type("contacts", ("email", "firstname", "lastname"), changed="lastmodifieddate")
COMPANIES = Type("companies", ("name", "domain"))
DEALS = Type("deals", ("amount", "closedate", "dealname", "dealstage", "pipeline"))
TICKETS = Type("tickets", ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"))
TYPES = (CONTACTS, COMPANIES, DEALS, TICKETS)


def listing(of: Type, call: Call) -> Reply:
    """GET: by id, live or archived, properties only on request."""
    if not VERSIONS.match(call.params["version"]):
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    limit, after = call.query.get("limit", "10"), call.query.get("after", "0")
    if not (limit.isdigit() and 1 <= int(limit) <= BATCH) or not after.isdigit():
        return refusal(400, "limit must be 1 to 100 and after a cursor of an earlier page", "VALIDATION_ERROR")
    archived = call.query.get("archived", "false") == "true"
    rows = call.runtime.store.page(of.kind, limit=int(limit) + 1, after=after, deleted=archived)
    names = asked(call.query.get("properties", ""))
    page = rows[: int(limit)]
    body: dict[str, Any] = {"results": [record_json(of, row, names) for row in page]}
    if len(rows) > len(page):
        link = f"{call.base_url}{call.path}?after={page[-1].id}&limit={limit}"
        body["paging"] = {"next": {"after": page[-1].id, "link": link}}
    return Reply(200, body, rows=len(page))


def search(of: Type, call: Call) -> Reply:
    """POST search: filters, one sort, offsets up to the cap; archived records are never found."""
    given = call.json()
    try:
        where, values = conditions(given.get("filterGroups", []))
        order = ordering(given.get("sorts", []))
        limit, after = int(given.get("limit", 10)), int(given.get("after", 0) or 0)
    except (Refused, ValueError, TypeError, AttributeError) as error:
        return refusal(400, f"There was a problem with the request: {error}", "VALIDATION_ERROR")
    cap = call.runtime.limits["hubspot"]["search_results"]
    if not 1 <= limit <= 200 or after < 0:
        return refusal(400, "limit must be 1 to 200", "VALIDATION_ERROR")
    if after + limit > cap:
        return refusal(400, f"Attempting to page beyond {cap:,} results of a search is not possible.", "VALIDATION_ERROR")
    store = call.runtime.store
    total = store.search_count(of.kind, where, values)
    rows = store.search(of.kind, where, values, ordering=order, limit=limit, offset=after)
    names = tuple(given.get("properties") or ())
    body: dict[str, Any] = {"total": total, "results": [record_json(of, row, names) for row in rows]}
    if after + len(rows) < total:
        body["paging"] = {"next": {"after": str(after + len(rows))}}
    return Reply(200, body, rows=len(rows))


def one(of: Type, call: Call) -> Reply:
    """GET {id}: the id of a contact that was merged away answers the one it went into."""
    archived = call.query.get("archived", "false") == "true"
    row = call.runtime.store.get(of.kind, call.params["record_id"])
    if row is None and of is CONTACTS:
        row = winner_of(call.runtime.store, call.params["record_id"])
    if row is None or row.deleted != archived:
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    return Reply(200, record_json(of, row, asked(call.query.get("properties", ""))), rows=1)


def batch_read(of: Type, call: Call) -> Reply:
    """POST batch/read: up to 100 ids (or addresses: `idProperty: email`); 207 with `errors` when some are not there."""
    given = call.json()
    inputs = given.get("inputs") if isinstance(given, dict) else None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= BATCH:
        return refusal(400, "inputs must hold 1 to 100 ids", "VALIDATION_ERROR")
    by_email = given.get("idProperty") == "email"
    ids = [str(item.get("id", "")).lower() if by_email else str(item.get("id", "")) for item in inputs]
    store = call.runtime.store
    found = {address: rows[0] for address in ids if (rows := store.by_email(of.kind, address))} if by_email else {}
    found = found or store.get_many(of.kind, ids)
    archived = call.query.get("archived", "false") == "true"
    there = {identifier: found[identifier] for identifier in ids if identifier in found and found[identifier].deleted == archived}
    rows = list(there.values())
    names = tuple(given.get("properties") or ())
    missing = sorted(set(ids) - there.keys())
    errors = []
    if missing:
        words = f"Could not get some {of.word}, they may be deleted."
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": words, "context": {"ids": missing}}]
    results = [record_json(of, row, names) for row in rows]
    return Reply(207 if missing else 200, batch(stamp(store.now()), results, errors), rows=len(rows))


def archive(of: Type, call: Call) -> Reply:
    """DELETE {id}: to the recycle bin, and off every list; one that is not there is no error."""
    store = call.runtime.store
    with store.transaction():
        row = store.get(of.kind, call.params["record_id"])
        if row is not None and not row.deleted:
            now = stamp(store.now())
            row.body |= {"archived": True, "archivedAt": now, "updatedAt": now}
            row.updated_at, row.deleted = now, True
            store.put(of.kind, row)
            leave_all(store, row.id)
    return Reply(204, rows=1)


def winner_of(store: Store, identifier: str) -> Row | None:
    """The contact that an id was merged into."""
    merged = "';' || coalesce(json_extract(body, '$.properties.hs_merged_object_ids'), '') || ';'"
    found = store.search(CONTACTS.kind, f"instr({merged}, ?) > 0", [f";{identifier};"], ordering="num", limit=1)
    return found[0] if found else None


def record_json(of: Type, row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    """A record with the properties asked for; one it could have and has not is null."""
    properties = row.body["properties"]
    own = {"hs_object_id": row.id, "createdate": row.body["createdAt"], of.changed: row.body["updatedAt"]}
    shown = {name: own.get(name) or properties.get(name) for name in (*of.always, *(names or of.by_default))}
    answer = {
        "id": row.id,
        "properties": shown,
        "createdAt": row.body["createdAt"],
        "updatedAt": row.body["updatedAt"],
        "archived": row.deleted,
    }
    if row.deleted:
        answer["archivedAt"] = row.body.get("archivedAt") or row.body["updatedAt"]
    return answer


def asked(names: str) -> tuple[str, ...]:
    """The properties that a query names."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
