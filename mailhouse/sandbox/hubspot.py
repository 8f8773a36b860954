"""HubSpot's contacts: lists, search, merges, archives, properties; their preferences are in a file of their own."""

import re
from datetime import UTC, datetime
from typing import Any

from mailhouse.sandbox import hubspot_preferences
from mailhouse.sandbox.auth import bearer, same
from mailhouse.sandbox.hubspot_privacy import gdpr_delete
from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.limits import Window
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

CONTACT = "hubspot.contact"
PROPERTY = "hubspot.property"
ALWAYS = ("createdate", "hs_object_id", "lastmodifieddate")
BY_DEFAULT = (*ALWAYS, "email", "firstname", "lastname")
VERSIONS = re.compile(r"^(v3|20\d\d-\d\d)$")
COMPARISONS = {"EQ": "=", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}


class Refused(Exception):
    """Carries the 400 that a search deserves."""


class HubSpot:
    """One portal."""

    name = "hubspot"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._burst, self._search, self._day = (Window(runtime.ticks) for _ in range(3))
        self.routes = []
        for contacts in ("/crm/objects/{version}/contacts", "/crm/{version}/objects/contacts"):
            self.routes += [
                Route("GET", contacts, listing),
                Route("POST", f"{contacts}/search", search),
                Route("POST", f"{contacts}/batch/read", batch_read),
                Route("POST", f"{contacts}/merge", merge, writes=True),
                Route("POST", f"{contacts}/gdpr-delete", gdpr_delete, writes=True),
                Route("GET", contacts + "/{contact_id}", one),
                Route("DELETE", contacts + "/{contact_id}", archive, writes=True),
            ]
        for properties in ("/crm/properties/{version}/contacts", "/crm/{version}/properties/contacts"):
            self.routes.append(Route("GET", properties, property_listing))
        self.routes += hubspot_preferences.routes()

    def describe(self, _: Call) -> tuple[str, bool | None]:
        return "", None

    def authenticate(self, call: Call) -> Reply | None:
        if same(bearer(call.headers.get("authorization", "")), self.runtime.secrets["hubspot"]["token"]):
            return None
        return refusal(401, "Authentication credentials not found or not valid for this portal.", "INVALID_AUTHENTICATION")

    def admit(self, call: Call) -> Reply | None:
        limits = self.runtime.limits["hubspot"]
        if call.template.endswith("/search"):
            if self._search.take(limits["searches_per_second"], 1.0) is None:
                return self._too_many("SECONDLY", "You have reached your secondly limit.")
            return None
        if self._burst.take(limits["calls"], limits["seconds"]) is None:
            return self._too_many("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        if self._day.take(limits["calls_per_day"], 86_400.0) is None:
            return self._too_many("DAILY", "You have reached your daily limit.")
        return None

    def _too_many(self, policy: str, message: str) -> Reply:
        return refusal(429, message, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy)

    def stamp(self, call: Call, reply: Reply) -> None:
        # search answers carry no rate limit headers
        if reply.status == 401 or call.template.endswith("/search"):
            return
        limits = self.runtime.limits["hubspot"]
        left, left_today = self._burst.left(limits["calls"], limits["seconds"]), self._day.left(limits["calls_per_day"], 86_400.0)
        reply.headers |= {
            "X-HubSpot-RateLimit-Max": str(limits["calls"]),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(limits["seconds"] * 1000)),
            "X-HubSpot-RateLimit-Daily": str(limits["calls_per_day"]),
            "X-HubSpot-RateLimit-Daily-Remaining": str(left_today),
        }

    def refuse(self, status: int) -> Reply:
        if status == 429:
            return self._too_many("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        words = {
            400: ("Invalid input JSON: the body cannot be read.", "VALIDATION_ERROR"),
            401: ("Authentication credentials not found or not valid for this portal.", "INVALID_AUTHENTICATION"),
            403: ("This app has no access to the scope.", "MISSING_SCOPES"),
            404: ("resource not found", "OBJECT_NOT_FOUND"),
            405: ("Method not allowed.", "METHOD_NOT_ALLOWED"),
        }
        return refusal(status, *words.get(status, ("internal error", "INTERNAL_ERROR")))


def listing(call: Call) -> Reply:
    """GET contacts: by id, live or archived, properties only on request."""
    if not VERSIONS.match(call.params["version"]):
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    limit, after = call.query.get("limit", "10"), call.query.get("after", "0")
    if not (limit.isdigit() and 1 <= int(limit) <= 100) or not after.isdigit():
        return refusal(400, "limit must be 1 to 100 and after a cursor of an earlier page", "VALIDATION_ERROR")
    archived = call.query.get("archived", "false") == "true"
    rows = call.runtime.store.page(CONTACT, limit=int(limit) + 1, after=after, deleted=archived)
    names = _asked(call.query.get("properties", ""))
    page = rows[: int(limit)]
    body: dict[str, Any] = {"results": [contact_json(row, names) for row in page]}
    if len(rows) > len(page):
        link = f"{call.base_url}{call.path}?after={page[-1].id}&limit={limit}"
        body["paging"] = {"next": {"after": page[-1].id, "link": link}}
    return Reply(200, body, rows=len(page))


def search(call: Call) -> Reply:
    """POST contacts/search: filters, one sort, offsets up to the cap; archived contacts are never found."""
    asked = call.json()
    try:
        where, values = _conditions(asked.get("filterGroups", []))
        ordering = _ordering(asked.get("sorts", []))
        limit, after = int(asked.get("limit", 10)), int(asked.get("after", 0) or 0)
    except (Refused, ValueError, TypeError, AttributeError) as error:
        return refusal(400, f"There was a problem with the request: {error}", "VALIDATION_ERROR")
    cap = call.runtime.limits["hubspot"]["search_results"]
    if not 1 <= limit <= 200 or after < 0:
        return refusal(400, "limit must be 1 to 200", "VALIDATION_ERROR")
    if after + limit > cap:
        return refusal(400, f"Attempting to page beyond {cap:,} results of a search is not possible.", "VALIDATION_ERROR")
    store = call.runtime.store
    total = store.search_count(CONTACT, where, values)
    rows = store.search(CONTACT, where, values, ordering=ordering, limit=limit, offset=after)
    names = tuple(asked.get("properties") or ())
    body: dict[str, Any] = {"total": total, "results": [contact_json(row, names) for row in rows]}
    if after + len(rows) < total:
        body["paging"] = {"next": {"after": str(after + len(rows))}}
    return Reply(200, body, rows=len(rows))


def one(call: Call) -> Reply:
    """GET contacts/{id}: the id of a contact that was merged away answers the one it went into."""
    archived = call.query.get("archived", "false") == "true"
    row = call.runtime.store.get(CONTACT, call.params["contact_id"])
    if row is None:
        row = winner_of(call.runtime.store, call.params["contact_id"])
    if row is None or row.deleted != archived:
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    return Reply(200, contact_json(row, _asked(call.query.get("properties", ""))), rows=1)


def batch_read(call: Call) -> Reply:
    """POST contacts/batch/read: up to 100 ids (or addresses: `idProperty: email`); 207 with `errors` when some are not there."""
    asked = call.json()
    inputs = asked.get("inputs") if isinstance(asked, dict) else None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= 100:
        return refusal(400, "inputs must hold 1 to 100 ids", "VALIDATION_ERROR")
    by_email = asked.get("idProperty") == "email"
    ids = [str(item.get("id", "")).lower() if by_email else str(item.get("id", "")) for item in inputs]
    found = _by_address(call.runtime.store, ids) if by_email else call.runtime.store.get_many(CONTACT, ids)
    archived = call.query.get("archived", "false") == "true"
    there = {identifier: found[identifier] for identifier in ids if identifier in found and found[identifier].deleted == archived}
    rows = list(there.values())
    now = stamp(call.runtime.store.now())
    names = tuple(asked.get("properties") or ())
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": [contact_json(row, names) for row in rows],
        "startedAt": now,
        "completedAt": now,
    }
    missing = sorted(set(ids) - there.keys())
    if missing:
        error = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some contacts, they may be deleted.",
        }
        body |= {"numErrors": 1, "errors": [{**error, "context": {"ids": missing}}]}
    return Reply(207 if missing else 200, body, rows=len(rows))


def _by_address(store: Store, addresses: list[str]) -> dict[str, Row]:
    return {address: rows[0] for address in addresses if (rows := store.by_email(CONTACT, address))}


def archive(call: Call) -> Reply:
    """DELETE contacts/{id}: to the recycle bin; one that is not there is no error."""
    store = call.runtime.store
    with store.transaction():
        row = store.get(CONTACT, call.params["contact_id"])
        if row is not None and not row.deleted:
            now = stamp(store.now())
            row.body |= {"archived": True, "archivedAt": now, "updatedAt": now}
            row.updated_at, row.deleted = now, True
            store.put(CONTACT, row)
    return Reply(204, rows=1)


def merge(call: Call) -> Reply:
    """POST contacts/merge: the second contact goes into the first, which keeps its own values and takes what it lacks."""
    asked = call.json()
    store = call.runtime.store
    with store.transaction():
        winner, loser = (store.get(CONTACT, str(asked.get(key, ""))) for key in ("primaryObjectId", "objectIdToMerge"))
        if winner is None or loser is None or winner.deleted or loser.deleted or winner.id == loser.id:
            return refusal(400, "Both contacts of a merge must exist and differ.", "VALIDATION_ERROR")
        merge_into(store, winner, loser)
    return Reply(200, contact_json(winner, BY_DEFAULT), rows=1)


def merge_into(store: Store, winner: Row, loser: Row) -> None:
    """The winner's values stay, gaps are filled, the loser's address and id are kept on the winner."""
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
    store.put(CONTACT, winner)
    store.delete(CONTACT, loser.id)


def winner_of(store: Store, identifier: str) -> Row | None:
    """The contact that an id was merged into."""
    merged = "';' || coalesce(json_extract(body, '$.properties.hs_merged_object_ids'), '') || ';'"
    found = store.search(CONTACT, f"instr({merged}, ?) > 0", [f";{identifier};"], ordering="num", limit=1)
    return found[0] if found else None


def property_listing(call: Call) -> Reply:
    """GET properties: every property that a contact may have."""
    rows = call.runtime.store.page(PROPERTY, limit=10_000)
    results = [
        {
            "name": row.body["name"],
            "label": row.body.get("label") or row.body["name"],
            "type": row.body["type"],
            "fieldType": "booleancheckbox" if row.body["type"] == "bool" else "text",
            "groupName": "contactinformation",
            "hubspotDefined": not row.body.get("custom", False),
            "hidden": False,
            "calculated": False,
            "options": [],
        }
        for row in rows
    ]
    return Reply(200, {"results": results}, rows=len(results))


def contact_json(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    """A contact with the properties asked for; one it could have and has not is null."""
    properties = row.body["properties"]
    own = {"hs_object_id": row.id, "createdate": row.body["createdAt"], "lastmodifieddate": row.body["updatedAt"]}
    shown = {name: own.get(name) or properties.get(name) for name in (*ALWAYS, *(names or BY_DEFAULT))}
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


def _asked(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _joined(parts: list[str | None], without: str | None = None) -> str | None:
    """One list of several `;`-joined ones, each value once."""
    values = dict.fromkeys(value for part in parts if part for value in part.split(";") if value and value != without)
    return ";".join(values) or None


def _column(name: str) -> str:
    if name in ("lastmodifieddate", "hs_lastmodifieddate"):
        return "updated_at"
    if name == "createdate":
        return "created_at"
    if name == "hs_object_id":
        return "num"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Refused(f"property '{name}' does not exist")
    return f"json_extract(body, '$.properties.{name}')"


def _value(column: str, value: Any) -> str | int:
    """Times come as epoch milliseconds or as ISO 8601."""
    if value is None:
        raise Refused("a filter has no value")
    if column == "num":
        return int(value)
    if column not in ("updated_at", "created_at"):
        return str(value)
    text = str(value)
    return stamp(datetime.fromtimestamp(int(text) / 1000, UTC) if text.lstrip("-").isdigit() else text)


def _conditions(groups: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """Groups are alternatives, the filters of one group must all hold; at most five groups of six filters."""
    if len(groups) > 5 or any(len(group.get("filters", [])) > 6 for group in groups):
        raise Refused("at most 5 filterGroups of 6 filters")
    alternatives, values = [], []
    for group in groups:
        terms = []
        for item in group.get("filters", []):
            term, more = _condition(item)
            terms.append(term)
            values += more
        alternatives.append("(" + " and ".join(terms or ["1"]) + ")")
    return " or ".join(alternatives) or "1", values


def _condition(item: dict[str, Any]) -> tuple[str, list[Any]]:
    column, operator = _column(item.get("propertyName", "")), item.get("operator")
    if operator in COMPARISONS:
        return f"{column} {COMPARISONS[operator]} ?", [_value(column, item.get("value"))]
    if operator == "BETWEEN":
        return f"{column} between ? and ?", [_value(column, item.get("value")), _value(column, item.get("highValue"))]
    if operator == "IN":
        given = [_value(column, value) for value in item.get("values") or []]
        return f"{column} in ({', '.join('?' * len(given))})", given
    if operator == "HAS_PROPERTY":
        return f"{column} is not null", []
    if operator == "NOT_HAS_PROPERTY":
        return f"{column} is null", []
    raise Refused(f"operator {operator!r} is not supported")


def _ordering(sorts: list[Any]) -> str:
    """At most one sort; without one the oldest contact comes first."""
    if len(sorts) > 1:
        raise Refused("only one sort is supported")
    if not sorts:
        return "created_at, num"
    first = sorts[0]
    if isinstance(first, str):
        name, way = first.lstrip("-"), "desc" if first.startswith("-") else "asc"
    else:
        name, way = first.get("propertyName", ""), "desc" if first.get("direction", "ASCENDING") == "DESCENDING" else "asc"
    return f"{_column(name)} {way}, num {way}"
