"""Mailchimp's classic automations: mails that start by themselves when somebody joins a list or gets a tag.

How the real API tells the trigger of a tag is in no public description; here `trigger_settings` is
`{"workflow_type": "welcomeSeries"}` or `{"workflow_type": "tagAdded", "tags": [name, …]}`.
"""

from collections.abc import Mapping
from typing import Any

from mailhouse.sandbox.effects import Cause
from mailhouse.sandbox.mailchimp_members import MEMBER, SEGMENT
from mailhouse.sandbox.mailchimp_words import invalid, shown, window
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

AUTOMATION = "mailchimp.automation"
STATUSES = ("save", "paused", "sending")
SIGN_UP, TAG_ADDED = "welcomeSeries", "tagAdded"


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


def automation_row(identifier: str, title: str, list_id: str, made: str, *, tag: str = "", status: str = "sending") -> Row:
    """One that starts with signing up to the list or, where a tag is named, with getting it; for the store."""
    trigger: dict[str, Any] = {"workflow_type": TAG_ADDED, "tags": [tag]} if tag else {"workflow_type": SIGN_UP}
    body = {"status": status, "recipients": {"list_id": list_id}, "settings": {"title": title}, "trigger_settings": trigger}
    return Row(identifier, body, made, made)


def welcome(cause: Cause, before: Mapping[tuple[str, str], Row], rows: list[Row]) -> None:
    """Members were put: those who are subscribed now and were not before start what begins with signing up."""
    automations = _running(cause.store, SIGN_UP)
    if not automations:
        return
    for row in rows:
        old = before.get((row.id, row.parent))
        if row.body["status"] == "subscribed" and (old is None or old.body["status"] != "subscribed"):
            for automation in automations:
                if automation.body["recipients"]["list_id"] == row.parent:
                    cause.enter(automation.id, {row.id: row.email})


def follow_tag(cause: Cause, container: str, joined: Mapping[str, str]) -> None:
    """Members got a tag (`list/segment`): those who are subscribed start what begins with it."""
    list_id, _, segment = container.partition("/")
    automations = _running(cause.store, TAG_ADDED)
    tag = cause.store.get(SEGMENT, segment, list_id) if automations else None
    for automation in automations:
        named = automation.body["trigger_settings"].get("tags", ())
        if tag is not None and automation.body["recipients"]["list_id"] == list_id and tag.body["name"] in named:
            members = cause.store.get_many(MEMBER, joined, list_id)
            cause.enter(automation.id, {row.id: row.email for row in members.values() if row.body["status"] == "subscribed"})


def _running(store: Store, trigger: str) -> list[Row]:
    return [
        row
        for row in store.page(AUTOMATION, limit=-1)
        if row.body["status"] == "sending" and row.body.get("trigger_settings", {}).get("workflow_type") == trigger
    ]
