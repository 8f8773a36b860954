"""HubSpot's communication preferences: who has opted out of all marketing mail, address by address."""

import re
from typing import Any

from mailhouse.sandbox.hubspot_words import batch, refusal
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

CONTACT = "hubspot.contact"
PREFERENCE = "hubspot.preference"
SUBSCRIPTIONS = "hubspot.subscription"
VERSIONS = re.compile(r"^(v4|20\d\d-\d\d)$")
ADDRESS = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s,;<>()\".]{2,}")
STATUSES = "/communication-preferences/{version}/statuses"
# HubSpot says of other batches that they hold 100; of this one it says nothing
MOST = 100
SUBSCRIPTION = {"subscriptionId": 1, "subscriptionName": "Marketing Information"}


def routes() -> list[Route]:
    """The paths of a portal's preferences; none of them subscribes anybody."""
    return [
        Route("POST", f"{STATUSES}/batch/unsubscribe-all", unsubscribe_all, writes=True),
        Route("POST", f"{STATUSES}/batch/unsubscribe-all/read", read_opt_outs),
        Route("GET", STATUSES + "/{subscriber}/unsubscribe-all", read_opt_out),
        Route("POST", f"{STATUSES}/batch/read", read_statuses),
    ]


def unsubscribe_all(call: Call) -> Reply:
    """POST batch/unsubscribe-all: each address on its own; 207 with `errors` when some are none.

    HubSpot keeps the refusal of an address that no contact has. Without `verbose=true` the answer names nobody.
    """
    given = _inputs(call)
    if isinstance(given, Reply):
        return given
    store, now = call.runtime.store, stamp(call.runtime.store.now())
    results, wrong = [], []
    with store.transaction():
        for address in given:
            if not ADDRESS.fullmatch(address):
                wrong.append(address)
                continue
            changed = _opt_out(store, address, now)
            results.append({"subscriberIdString": address, "statuses": [_status(address, now, changed)]})
    shown = results if call.query.get("verbose", "false") == "true" else []
    return Reply(207 if wrong else 200, _batch(now, shown, wrong), rows=len(results))


def read_opt_outs(call: Call) -> Reply:
    """POST batch/unsubscribe-all/read: of each address whether and since when it has opted out; no status when it has not."""
    given = _inputs(call)
    if isinstance(given, Reply):
        return given
    store = call.runtime.store
    results = [{"subscriberIdString": address, "wideStatuses": _wide(store, address)} for address in given]
    return Reply(200, _batch(stamp(store.now()), results, []), rows=len(results))


def read_opt_out(call: Call) -> Reply:
    """GET {address}/unsubscribe-all: the same of one address."""
    if not VERSIONS.match(call.params["version"]):
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    wide = _wide(call.runtime.store, call.params["subscriber"])
    return Reply(200, _batch(stamp(call.runtime.store.now()), wide, []), rows=len(wide))


def read_statuses(call: Call) -> Reply:
    """POST batch/read: of each address what was decided for each kind of mail; NOT_SPECIFIED where nothing was."""
    given = _inputs(call)
    if isinstance(given, Reply):
        return given
    store = call.runtime.store
    results = [{"subscriberIdString": address, "statuses": _statuses(store, address)} for address in given]
    return Reply(200, batch(stamp(store.now()), results, []), rows=len(results))


def _statuses(store: Store, address: str) -> list[dict[str, Any]]:
    """What was put for an address (`hubspot.subscription`), else what its contact's own properties say."""
    own = {row.body["subscriptionId"]: row.body for row in store.by_email(SUBSCRIPTIONS, address.lower())}
    contacts = [row for row in store.by_email(CONTACT, address.lower()) if not row.deleted]
    properties = contacts[0].body["properties"] if contacts else {}
    general: dict[str, Any] = {**SUBSCRIPTION, "status": "NOT_SPECIFIED", "timestamp": None}
    since = opted_out_since(store, address)
    if since:
        general |= {"status": "UNSUBSCRIBED", "timestamp": since, "source": "portal-wide"}
    elif properties.get("newsletter_consent_at"):
        asked_at = properties["newsletter_consent_at"]
        general |= {"status": "SUBSCRIBED", "timestamp": asked_at, "legalBasis": "CONSENT_WITH_NOTICE", "source": "form"}
    found = {SUBSCRIPTION["subscriptionId"]: general, **own}
    return [{"channel": "EMAIL", "subscriberIdString": address, "source": "", **one} for one in found.values()]


def subscription_row(address: str, status: str, at: str, kind: int = 1, name: str = "Marketing Information") -> Row:
    """A choice as it is kept."""
    body = {"subscriptionId": kind, "subscriptionName": name, "status": status, "timestamp": at, "source": "preference page"}
    return Row(f"{address.lower()}/{kind}", body, at, at, email=address.lower())


def _inputs(call: Call) -> list[str] | Reply:
    if not VERSIONS.match(call.params["version"]):
        return refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    if call.query.get("channel") != "EMAIL":
        return refusal(400, "query parameter channel must be EMAIL", "VALIDATION_ERROR")
    asked = call.json()
    given = asked.get("inputs") if isinstance(asked, dict) else None
    if not isinstance(given, list) or not 1 <= len(given) <= MOST or not all(isinstance(item, str) for item in given):
        return refusal(400, f"inputs must hold 1 to {MOST} addresses", "VALIDATION_ERROR")
    return given


def _opt_out(store: Store, address: str, now: str) -> bool:
    """Marks the address and every contact of that address; whether that was news."""
    contacts = [row for row in store.by_email(CONTACT, address.lower()) if not row.deleted]
    if all(_has_opted_out(row) for row in contacts) and (contacts or store.get(PREFERENCE, address.lower())):
        return False
    store.put(PREFERENCE, Row(address.lower(), {"status": "UNSUBSCRIBED", "timestamp": now}, now))
    for row in contacts:
        if not _has_opted_out(row):
            row.body["properties"] |= {"hs_email_optout": "true", "lastmodifieddate": now}
            row.body["updatedAt"] = row.updated_at = now
            store.put(CONTACT, row)
    return True


def _wide(store: Store, address: str) -> list[dict[str, Any]]:
    since = opted_out_since(store, address)
    if since is None:
        return []
    status = {"channel": "EMAIL", "status": "UNSUBSCRIBED", "subscriberIdString": address, "timestamp": since}
    return [{**status, "wideStatusType": "PORTAL_WIDE", "businessUnitId": 0}]


def opted_out_since(store: Store, address: str) -> str | None:
    """Since when an address refuses all mail of the portal, None when it does not."""
    contacts = [row for row in store.by_email(CONTACT, address.lower()) if not row.deleted]
    kept = store.get(PREFERENCE, address.lower())
    out = [row for row in contacts if _has_opted_out(row)]
    if not out and (contacts or kept is None):
        return None
    # who opted out otherwise than through this API did so when the contact last changed, as far as the sandbox knows
    return kept.body["timestamp"] if kept is not None else max(str(row.body["updatedAt"]) for row in out)


def _has_opted_out(contact: Row) -> bool:
    return contact.body["properties"].get("hs_email_optout") == "true"


def _status(address: str, now: str, changed: bool) -> dict[str, Any]:
    return {
        "channel": "EMAIL",
        "source": "API",
        "status": "UNSUBSCRIBED",
        "subscriberIdString": address,
        "timestamp": now,
        "setStatusSuccessReason": "UNSUBSCRIBE_FROM_ALL_OCCURRED" if changed else "NO_STATUS_CHANGE",
        **SUBSCRIPTION,
    }


def _batch(now: str, results: list[dict[str, Any]], wrong: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if wrong:
        error = {"status": "error", "category": "VALIDATION_ERROR", "message": "One or more inputs were invalid."}
        body |= {"numErrors": len(wrong), "errors": [{**error, "context": {"subscriberIdString": wrong}}]}
    return body
