"""Interest groups of a Mailchimp list: categories, the interests in each, and who has chosen which."""

from typing import Any

from mailhouse.sandbox.mailchimp_words import not_found, window
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

CATEGORY, INTEREST = "mailchimp.interest_category", "mailchimp.interest"
LIST = "mailchimp.list"


def categories(call: Call) -> Reply:
    """GET /lists/{list_id}/interest-categories."""
    count, offset = window(call)
    store, list_id = call.runtime.store, call.params["list_id"]
    if store.get(LIST, list_id) is None:
        raise not_found()
    rows = store.page(CATEGORY, parent=list_id, limit=count, offset=offset)
    found = [{"list_id": list_id, "id": row.id, **row.body} for row in rows]
    body = {"list_id": list_id, "categories": found, "total_items": store.count(CATEGORY, list_id)}
    return Reply(body=body, rows=len(found))


def interests(call: Call) -> Reply:
    """GET /lists/{list_id}/interest-categories/{category_id}/interests."""
    count, offset = window(call)
    store, list_id, category = call.runtime.store, call.params["list_id"], call.params["category_id"]
    if store.get(CATEGORY, category, list_id) is None:
        raise not_found()
    rows = store.page(INTEREST, parent=category, limit=count, offset=offset)
    found = [{"category_id": category, "list_id": list_id, "id": row.id, **row.body} for row in rows]
    body = {"list_id": list_id, "category_id": category, "interests": found, "total_items": store.count(INTEREST, category)}
    return Reply(body=body, rows=len(found))


def category_row(identifier: str, list_id: str, title: str, made: str) -> Row:
    """A category, for the store."""
    return Row(identifier, {"title": title, "display_order": 0, "type": "checkboxes"}, made, made, list_id)


def interest_row(identifier: str, category_id: str, name: str, made: str) -> Row:
    """An interest, for the store."""
    return Row(identifier, {"name": name, "subscriber_count": "0", "display_order": 1}, made, made, category_id)


def ids_of(store: Store, list_id: str) -> list[str]:
    """The ids of all interests of a list."""
    found = store.page(CATEGORY, parent=list_id, limit=1_000)
    return [row.id for category in found for row in store.page(INTEREST, parent=category.id, limit=1_000)]


def shown_interests(ids: list[str], body: dict[str, Any]) -> dict[str, bool]:
    """A member's choice among all interests of the list."""
    chosen = body.get("interests") or {}
    return {one: bool(chosen.get(one)) for one in ids}
