"""Mailchimp's campaigns and what became of each mail: sends, opens, clicks, bounces, unsubscribes."""

from typing import Any

from mailhouse.sandbox.mailchimp_words import invalid, not_found, shown, window
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

CAMPAIGN = "mailchimp.campaign"
DELIVERY = "mailchimp.delivery"
FILTERS = {
    "list_id": "json_extract(body, '$.recipients.list_id') = ?",
    "status": "json_extract(body, '$.status') = ?",
    "type": "json_extract(body, '$.type') = ?",
    "since_send_time": "json_extract(body, '$.send_time') > ?",
    "before_send_time": "json_extract(body, '$.send_time') < ?",
    "since_create_time": "json_extract(body, '$.create_time') > ?",
    "before_create_time": "json_extract(body, '$.create_time') < ?",
}


def campaigns(call: Call) -> Reply:
    """GET /campaigns: by id, filtered by list, status, type, create and send time."""
    count, offset = window(call)
    where, values = "1", []
    for name, condition in FILTERS.items():
        if call.query.get(name):
            where = f"{where} and {condition}"
            values.append(_time(call.query[name], name) if name.endswith("_time") else call.query[name])
    store = call.runtime.store
    rows = store.search(CAMPAIGN, where, values, ordering="num, id", limit=count, offset=offset)
    body = {"campaigns": [_campaign(row, store) for row in rows], "total_items": store.search_count(CAMPAIGN, where, values)}
    return Reply(body=body, rows=len(rows))


def campaign(call: Call) -> Reply:
    return Reply(body=_campaign(_found(call), call.runtime.store), rows=1)


def report(call: Call) -> Reply:
    """GET /reports/{id}: the figures of one campaign."""
    row = _found(call)
    counted = call.runtime.store.query(
        """
        select count(*), count(json_extract(body, '$.unsubscribed')),
            count(case when json_extract(body, '$.status') = 'hard' then 1 end),
            count(case when json_extract(body, '$.status') = 'soft' then 1 end),
            count(case when instr(json_extract(body, '$.activity'), '"open"') > 0 then 1 end),
            count(case when instr(json_extract(body, '$.activity'), '"click"') > 0 then 1 end)
        from object where kind = ? and parent = ?
        """,
        (DELIVERY, row.id),
    )[0]
    sent, unsubscribed, hard, soft, opened, clicked = counted
    body = {
        "id": row.id,
        "campaign_title": row.body["settings"].get("title", ""),
        "subject_line": row.body["settings"].get("subject_line", ""),
        "type": row.body["type"],
        "list_id": row.body["recipients"]["list_id"],
        "send_time": shown(row.body.get("send_time")),
        "emails_sent": sent,
        "unsubscribed": unsubscribed,
        "bounces": {"hard_bounces": hard, "soft_bounces": soft, "syntax_errors": 0},
        "opens": {"unique_opens": opened},
        "clicks": {"unique_subscriber_clicks": clicked},
    }
    return Reply(body=body, rows=1)


def sent_to(call: Call) -> Reply:
    """GET /reports/{id}/sent-to: everybody it was sent to."""

    def shape(row: Row) -> dict[str, Any]:
        opens = [act["timestamp"] for act in row.body.get("activity") or () if act["action"] == "open"]
        return {"status": row.body["status"], "open_count": len(opens), "last_open": shown(max(opens, default=None))}

    return _deliveries(call, "sent_to", "1", [], shape)


def email_activity(call: Call) -> Reply:
    """GET /reports/{id}/email-activity: those who did something, after `since` if given."""
    since = _time(call.query["since"], "since") if call.query.get("since") else ""

    def shape(row: Row) -> dict[str, Any]:
        acts = [act for act in row.body["activity"] if stamp(act["timestamp"]) > since]
        return {"activity": [{**act, "timestamp": shown(stamp(act["timestamp"]))} for act in acts]}

    if not since:
        return _deliveries(call, "emails", "json_array_length(body, '$.activity') > 0", [], shape)
    # the filter looks at the acts themselves: a delivery may have changed for another reason
    acted = "exists (select 1 from json_each(body, '$.activity') where json_extract(value, '$.timestamp') > ?)"
    return _deliveries(call, "emails", f"updated_at > ? and {acted}", [since, since], shape)


def unsubscribed(call: Call) -> Reply:
    """GET /reports/{id}/unsubscribed: those who left through this campaign."""

    def shape(row: Row) -> dict[str, Any]:
        left = row.body["unsubscribed"]
        return {"timestamp": shown(left["timestamp"]), "reason": left.get("reason") or "None given"}

    return _deliveries(call, "unsubscribes", "json_extract(body, '$.unsubscribed.timestamp') is not null", [], shape)


def _deliveries(call: Call, name: str, where: str, values: list[Any], shape: Any) -> Reply:
    """One page of a campaign's deliveries in the shape of one report."""
    count, offset = window(call)
    found, store = _found(call), call.runtime.store
    where, values = f"parent = ? and {where}", [found.id, *values]
    rows = store.search(DELIVERY, where, values, ordering="num, id", limit=count, offset=offset, deleted=None)
    list_id = found.body["recipients"]["list_id"]
    items = [
        {
            "email_id": row.body["email_id"],
            "email_address": row.body["email_address"],
            "campaign_id": found.id,
            "list_id": list_id,
            **shape(row),
        }
        for row in rows
    ]
    total = store.search_count(DELIVERY, where, values, deleted=None)
    return Reply(body={name: items, "campaign_id": found.id, "total_items": total}, rows=len(items))


def _campaign(row: Row, store: Store) -> dict[str, Any]:
    times = {name: shown(row.body.get(name)) for name in ("create_time", "send_time")}
    return {**row.body, **times, "emails_sent": store.count(DELIVERY, row.id, deleted=None)}


def _found(call: Call) -> Row:
    row = call.runtime.store.get(CAMPAIGN, call.params["campaign_id"])
    if row is None:
        raise not_found()
    return row


def _time(text: str, field: str) -> str:
    # a plus sign that was not escaped in the address arrives as a space
    try:
        return stamp(text.replace(" ", "+"))
    except ValueError:
        raise invalid(field, "This value is not a valid datetime.") from None
