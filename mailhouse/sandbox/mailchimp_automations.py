"""Mailchimp's classic automations: mails that start by themselves when somebody joins a list or gets a tag."""

from mailhouse.sandbox.mailchimp_words import invalid, shown, window
from mailhouse.sandbox.wire import Call, Reply

AUTOMATION = "mailchimp.automation"
STATUSES = ("save", "paused", "sending")


def listing(call: Call) -> Reply:
    """GET /automations: all of the account's, or those of one status."""
    count, offset = window(call)
    where, values = "1", []
    if status := call.query.get("status"):
        if status not in STATUSES:
            raise invalid("status", f"Value must be one of: {', '.join(STATUSES)}")
        where, values = "json_extract(body, '$.status') = ?", [status]
    store = call.runtime.store
    rows = store.search(AUTOMATION, where, values, ordering="num, id", limit=count, offset=offset)
    automations = [{**row.body, "id": row.id, "create_time": shown(str(row.created_at))} for row in rows]
    body = {"automations": automations, "total_items": store.search_count(AUTOMATION, where, values)}
    return Reply(body=body, rows=len(rows))
