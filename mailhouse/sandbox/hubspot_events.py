"""HubSpot's log of what its mails set off, newest first."""

from datetime import datetime
from typing import Any

from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.store import Row, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

EVENT = "hubspot.email_event"
MOST = 1_000


def routes() -> list[Route]:
    """The one path, which never had another version."""
    return [Route("GET", "/email/public/v1/events", listing)]


def event_row(identifier: str, kind: str, recipient: str, at: datetime | str, campaign: int, **more: Any) -> Row:
    """An event as it is kept; its moment is whole milliseconds, as HubSpot gives them."""
    moment = stamp(at)
    created = round(datetime.fromisoformat(moment).timestamp() * 1000)
    body = {"id": identifier, "type": kind, "recipient": recipient, "created": created, "emailCampaignId": campaign}
    return Row(identifier, {**body, "portalId": 1, "appId": 113, **more}, moment, moment, email=recipient.lower())


def listing(call: Call) -> Reply:
    """GET events: `startTimestamp` and `endTimestamp` in milliseconds, `offset` of an earlier page."""
    given = {name: call.query.get(name, "") for name in ("limit", "offset", "startTimestamp", "endTimestamp")}
    if any(value and not value.isdigit() for value in given.values()) or not 1 <= int(given["limit"] or 10) <= MOST:
        return refusal(400, f"limit must be 1 to {MOST}, moments are milliseconds", "VALIDATION_ERROR")
    limit, offset = int(given["limit"] or 10), int(given["offset"] or 0)
    created = "json_extract(body, '$.created')"
    where, values = f"{created} >= ?", [int(given["startTimestamp"] or 0)]
    if given["endTimestamp"]:
        where, values = f"{where} and {created} < ?", [*values, int(given["endTimestamp"])]
    store = call.runtime.store
    rows = store.search(EVENT, where, values, ordering=f"{created} desc, id", limit=limit + 1, offset=offset)
    page = rows[:limit]
    body: dict[str, Any] = {"events": [row.body for row in page], "hasMore": len(rows) > len(page)}
    if body["hasMore"]:
        body["offset"] = str(offset + len(page))
    return Reply(200, body, rows=len(page))
