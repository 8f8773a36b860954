"""Klaviyo's account, its segments and its campaigns, as far as a caller reads them."""

from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_lists import MEMBER_FILTERS
from mailhouse.sandbox.klaviyo_profiles import PROFILE, attributes_of
from mailhouse.sandbox.klaviyo_words import (
    asked_for,
    cursor_of,
    invalid,
    missing,
    page,
    page_size,
    resource,
    shown,
    sorting,
)
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

ACCOUNT, SEGMENT, CAMPAIGN = "klaviyo.account", "klaviyo.segment", "klaviyo.campaign"
SEGMENT_FILTERS = {
    "id": Field("id", "text", ("any", "equals")),
    "name": Field("json_extract(body, '$.name')", "text", ("any", "equals")),
    "created": Field("created_at", "time", ("greater-than",)),
    "updated": Field("updated_at", "time", ("greater-than",)),
    "is_active": Field("json_extract(body, '$.is_active')", "bool", ("any", "equals")),
    "is_starred": Field("json_extract(body, '$.is_starred')", "bool", ("equals",)),
}
SEGMENT_SORTS = {"id": "id", "name": "json_extract(body, '$.name')", "created": "created_at", "updated": "updated_at"}
BETWEEN = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
CAMPAIGN_FILTERS = {
    "messages.channel": Field("json_extract(body, '$.channel')", "text", ("equals",)),
    "id": Field("id", "text", ("any",)),
    "status": Field("json_extract(body, '$.status')", "text", ("any", "equals")),
    "archived": Field("json_extract(body, '$.archived')", "bool", ("equals",)),
    "created_at": Field("created_at", "time", BETWEEN),
    "updated_at": Field("updated_at", "time", BETWEEN),
    "scheduled_at": Field("json_extract(body, '$.scheduled_at')", "time", BETWEEN),
}
CAMPAIGN_SORTS = ("created_at", "id", "name", "scheduled_at", "updated_at")


class Account:
    """The handlers of /api/accounts, /api/segments and /api/campaigns."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def accounts(self, call: Call) -> Reply:
        rows = self.store.page(ACCOUNT, limit=1)
        return page(call, [resource(call, "account", "accounts", row.id, row.body) for row in rows], None)

    def segments(self, call: Call) -> Reply:
        size, after = page_size(call, 10, 10), cursor_of(call)
        field, reverse = sorting(call, "id", tuple(SEGMENT_SORTS))
        where, values = where_of(call.query.get("filter"), SEGMENT_FILTERS)
        included = [] if asked_for(call, "include", ("flow-triggers", "tags")) else None
        rows, last = self._page(SEGMENT, where, values, SEGMENT_SORTS[field], field, reverse, after, size)
        return page(call, [segment_json(call, row) for row in rows], last, included)

    def segment_profiles(self, call: Call) -> Reply:
        """GET segments/{id}/profiles: those who meet the segment's only condition, being on a list."""
        if self.store.get(SEGMENT, call.params["id"]) is None:
            raise missing("segment", call.params["id"])
        size, after = page_size(call, 20, 100), cursor_of(call)
        _, reverse = sorting(call, "joined_group_at", ("joined_group_at",))
        subscriptions = "subscriptions" in asked_for(
            call, "additional-fields[profile]", ("subscriptions", "predictive_analytics")
        )
        where, values = where_of(call.query.get("filter"), MEMBER_FILTERS)
        source = _list_of(self.store, call.params["id"])
        found = members.page(self.store, source, where, values, after=after, reverse=reverse, limit=size + 1)
        last = [found[size - 1][0], found[size - 1][1].id] if len(found) > size else None
        data = [
            resource(
                call,
                "profile",
                "profiles",
                row.id,
                attributes_of(row.body, subscriptions=subscriptions) | {"joined_group_at": shown(joined)},
                lists=None,
                segments=None,
            )
            for joined, row in found[:size]
        ]
        return page(call, data, last)

    def campaigns(self, call: Call) -> Reply:
        """GET campaigns: of one channel, which must be named."""
        size, after = page_size(call, 100, 100), cursor_of(call)
        asked = call.query.get("filter", "")
        if "messages.channel" not in asked:
            raise invalid("filter", "A channel filter is required to list campaigns.")
        where, values = where_of(asked, CAMPAIGN_FILTERS)
        field, reverse = sorting(call, "id", CAMPAIGN_SORTS)
        included = [] if asked_for(call, "include", ("campaign-messages", "tags")) else None
        key = "id" if field == "id" else f"coalesce(json_extract(body, '$.{field}'), '')"
        rows, last = self._page(CAMPAIGN, where, values, key, field, reverse, after, size)
        return page(call, [campaign_json(call, row) for row in rows], last, included)

    def _page(
        self, kind: str, where: str, values: list[Any], key: str, field: str, reverse: bool, after: list[str] | None, size: int
    ) -> tuple[list[Row], list[str] | None]:
        way, beyond = ("desc", "<") if reverse else ("asc", ">")
        if after is not None:
            where, values = f"({where}) and ({key}, id) {beyond} (?, ?)", [*values, *after]
        rows = self.store.search(kind, where, values, ordering=f"{key} {way}, id {way}", limit=size + 1)
        if len(rows) <= size:
            return rows, None
        row = rows[size - 1]
        known = {"id": row.id, "created": row.created_at, "updated": row.updated_at}
        return rows[:size], [str(known.get(field) or row.body.get(field) or ""), row.id]


def account_row(identifier: str, organization: str, created: str = "2020-01-01T00:00:00.000Z") -> Row:
    """The account itself; for the store."""
    address = {"address1": None, "address2": None, "city": None, "region": None, "country": None, "zip": None}
    contact = {
        "default_sender_name": organization,
        "default_sender_email": "hello@brook-hearth.example",
        "website_url": "https://shop.brook-hearth.example",
        "organization_name": organization,
        "street_address": address,
    }
    body = {
        "test_account": False,
        "contact_information": contact,
        "industry": "Home and garden",
        "timezone": "Europe/London",
        "preferred_currency": "EUR",
        "public_api_key": identifier,
        "locale": "en-GB",
    }
    return Row(identifier, body, created, created)


def profiles_of(store: Store, segment_id: str) -> list[Row]:
    """Everybody in a segment."""
    ids = members.member_ids(store, _list_of(store, segment_id))
    rows = store.get_many(PROFILE, ids)
    return [rows[one] for one in ids]


def segment_row(identifier: str, name: str, created: str, list_id: str) -> Row:
    """A segment of those who are on a list, the one condition that the sandbox works out; for the store."""
    body = {"name": name, "created": created, "updated": created, "list_id": list_id}
    return Row(identifier, {**body, "is_active": True, "is_processing": False, "is_starred": False}, created, created)


def segment_json(call: Call, row: Row) -> dict[str, Any]:
    body = row.body
    condition = {"type": "profile-group-membership", "is_member": True, "group_ids": [body["list_id"]]}
    attributes = {name: body[name] for name in ("name", "is_active", "is_processing", "is_starred")}
    attributes |= {"created": shown(body["created"]), "updated": shown(body["updated"])}
    attributes["definition"] = {"condition_groups": [{"conditions": [condition]}]}
    return resource(call, "segment", "segments", row.id, attributes, profiles=None, tags=None, flow_triggers=None)


def campaign_row(identifier: str, name: str, subject: str, list_id: str, sent_at: str, created: str) -> Row:
    """An e-mail campaign that was sent to a list; for the store."""
    body = {
        "name": name,
        "subject": subject,
        "channel": "email",
        "status": "Sent",
        "archived": False,
        "audiences": {"included": [list_id], "excluded": []},
        "created_at": created,
        "scheduled_at": created,
        "updated_at": sent_at,
        "send_time": sent_at,
    }
    return Row(identifier, body, sent_at, created)


def campaign_json(call: Call, row: Row) -> dict[str, Any]:
    body = row.body
    attributes = {name: body[name] for name in ("name", "status", "archived", "audiences")}
    attributes |= {name: shown(body[name]) for name in ("created_at", "scheduled_at", "updated_at", "send_time")}
    attributes |= {"send_options": {"use_smart_sending": True}}
    attributes["send_strategy"] = {"method": "static", "datetime": shown(body["send_time"]), "options": {"is_local": False}}
    return resource(call, "campaign", "campaigns", row.id, attributes, campaign_messages=None, tags=None)


def _list_of(store: Store, segment_id: str) -> str:
    row = store.get(SEGMENT, segment_id)
    return row.body["list_id"] if row is not None else ""
