"""Klaviyo's lists: their names, their members, and the flows that start when somebody is added."""

from collections.abc import Mapping
from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.effects import Cause
from mailhouse.sandbox.klaviyo_bodies import data_of, ids_of, text_of
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import PROFILE, attributes_of
from mailhouse.sandbox.klaviyo_words import (
    asked_for,
    cursor_of,
    document,
    identifiers,
    invalid,
    missing,
    numbers,
    page,
    page_size,
    resource,
    short_id,
    shown,
    sorting,
)
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

FLOW = "klaviyo.flow"
ADDED_TO_LIST = "Added to List"
OPT_IN = ("double_opt_in", "single_opt_in")
MOST_IDS = 1_000
FILTERS = {
    "id": Field("id", "text", ("any", "equals")),
    "name": Field("json_extract(body, '$.name')", "text", ("any", "equals")),
    "created": Field("created_at", "time", ("greater-than",)),
    "updated": Field("updated_at", "time", ("greater-than",)),
}
MEMBER_FILTERS = {
    "email": Field("object.email", "email", ("any", "equals")),
    "phone_number": Field("json_extract(object.body, '$.phone_number')", "text", ("any", "equals")),
    "joined_group_at": Field("joined_at", "time", ("greater-or-equal", "greater-than", "less-or-equal", "less-than")),
}
SORTS = {"id": "id", "name": "json_extract(body, '$.name')", "created": "created_at", "updated": "updated_at"}


class Lists:
    """The handlers under /api/lists."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- lists ------------------------------------------------------------------------------------------------------
    def listing(self, call: Call) -> Reply:
        size, after = page_size(call, 10, 10), cursor_of(call)
        field, reverse = sorting(call, "id", tuple(SORTS))
        where, values = where_of(call.query.get("filter"), FILTERS)
        key, way, beyond = SORTS[field], "desc" if reverse else "asc", "<" if reverse else ">"
        if after is not None:
            where, values = f"({where}) and ({key}, id) {beyond} (?, ?)", [*values, *after]
        rows = self.store.search(LIST, where, values, ordering=f"{key} {way}, id {way}", limit=size + 1)
        found = rows[:size]
        last = [_sort_value(found[-1], field), found[-1].id] if len(rows) > size else None
        included = self._included(call, [row.id for row in found])
        return page(call, [list_json(call, self.store, row) for row in found], last, included)

    def one(self, call: Call) -> Reply:
        row = self._found(call)
        counted = "profile_count" in asked_for(call, "additional-fields[list]", ("profile_count",))
        found = list_json(call, self.store, row, profile_count=counted)
        return document(call, found, included=self._included(call, [row.id]))

    def create(self, call: Call) -> Reply:
        data = data_of(call, "list")
        name, opt_in = text_of(data, "name", required=True), text_of(data, "opt_in_process") or "single_opt_in"
        if opt_in not in OPT_IN:
            raise invalid("/data/attributes/opt_in_process", f"One of {', '.join(OPT_IN)} is required.")
        number = numbers(self.store, 1)()
        row = list_row(short_id(f"list:{number}:{name}"), str(name), stamp(self.store.now()), opt_in)
        self.store.put(LIST, row)
        return document(call, list_json(call, self.store, row), 201)

    def rename(self, call: Call) -> Reply:
        row, data = self._found(call), data_of(call, "list")
        if data.get("id") != row.id:
            raise invalid("/data/id", "The id must be that of the list in the path.")
        row.body["name"] = text_of(data, "name", required=True)
        row.body["updated"] = row.updated_at = stamp(self.store.now())
        self.store.put(LIST, row)
        return document(call, list_json(call, self.store, row))

    def remove(self, call: Call) -> Reply:
        row = self._found(call)
        with self.store.transaction():
            members.leave(self.store, row.id, members.member_ids(self.store, row.id))
            self.store.delete(LIST, row.id)
        return Reply(204, rows=1)

    # -- members ----------------------------------------------------------------------------------------------------
    def profiles(self, call: Call) -> Reply:
        """GET profiles: whole ones, with the time at which each joined."""
        row = self._found(call)
        subscriptions = "subscriptions" in asked_for(
            call, "additional-fields[profile]", ("subscriptions", "predictive_analytics")
        )
        found, last = self._page(call, row, "joined_group_at")
        data = [
            resource(
                call,
                "profile",
                "profiles",
                profile.id,
                attributes_of(profile.body, subscriptions=subscriptions) | {"joined_group_at": shown(joined)},
                lists=None,
                segments=None,
            )
            for joined, profile in found
        ]
        return page(call, data, last)

    def relationships(self, call: Call) -> Reply:
        """GET relationships/profiles: ids alone."""
        found, last = self._page(call, self._found(call), "-joined_group_at")
        return page(call, identifiers("profile", (profile.id for _, profile in found)), last)

    def add(self, call: Call) -> Reply:
        """POST relationships/profiles: all of them or, where one does not exist, none."""
        row, ids = self._found(call), ids_of(call, "profile", most=MOST_IDS)
        with self.store.transaction():
            known = self.store.get_many(PROFILE, ids)
            for at, identifier in enumerate(ids):
                if identifier not in known:
                    raise invalid(f"/data/{at}/id", f"A profile with id {identifier} does not exist.")
            members.join(self.store, row.id, ids)
        return Reply(204, rows=len(ids))

    def take_off(self, call: Call) -> Reply:
        """DELETE relationships/profiles: who is not on the list, or not at all, is passed over."""
        row, ids = self._found(call), ids_of(call, "profile", most=MOST_IDS)
        members.leave(self.store, row.id, ids)
        return Reply(204, rows=len(ids))

    def _page(self, call: Call, row: Row, default: str) -> tuple[list[tuple[str, Row]], list[str] | None]:
        size, after = page_size(call, 20, 100), cursor_of(call)
        _, reverse = sorting(call, default, ("joined_group_at",))
        where, values = where_of(call.query.get("filter"), MEMBER_FILTERS)
        found = members.page(self.store, row.id, where, values, after=after, reverse=reverse, limit=size + 1)
        last = [found[size - 1][0], found[size - 1][1].id] if len(found) > size else None
        return found[:size], last

    def _found(self, call: Call) -> Row:
        row = self.store.get(LIST, call.params["id"])
        if row is None:
            raise missing("list", call.params["id"])
        return row

    def _included(self, call: Call, list_ids: list[str]) -> list[dict[str, Any]] | None:
        asked = asked_for(call, "include", ("flow-triggers", "tags"))
        if not asked:
            return None
        flows = flows_of(self.store, list_ids) if "flow-triggers" in asked else []
        return [flow_json(call, row) for row in flows]


def list_row(identifier: str, name: str, created: str, opt_in: str = "single_opt_in") -> Row:
    """For the store."""
    return Row(identifier, {"name": name, "created": created, "updated": created, "opt_in_process": opt_in}, created, created)


def list_json(call: Call, store: Store, row: Row, *, profile_count: bool = False) -> dict[str, Any]:
    """As Klaviyo shows a list; the flows that it starts are named only where they were asked for."""
    body = row.body
    attributes = {
        "name": body["name"],
        "created": shown(body["created"]),
        "updated": shown(body["updated"]),
        "opt_in_process": body["opt_in_process"],
    }
    if profile_count:
        attributes["profile_count"] = members.count(store, row.id)
    wanted = "flow-triggers" in call.query.get("include", "").split(",")
    flows = identifiers("flow", (flow.id for flow in flows_of(store, [row.id]))) if wanted else None
    return resource(call, "list", "lists", row.id, attributes, profiles=None, tags=None, flow_triggers=flows)


# -- flows ----------------------------------------------------------------------------------------------------------------
def flow_row(identifier: str, name: str, created: str, list_id: str, status: str = "live") -> Row:
    """A flow that starts when somebody is added to the list; for the store."""
    body = {"name": name, "status": status, "archived": False, "created": created, "updated": created}
    return Row(identifier, {**body, "trigger_type": ADDED_TO_LIST, "list_id": list_id}, created, created)


def flow_json(call: Call, row: Row) -> dict[str, Any]:
    """As Klaviyo shows a flow."""
    attributes = {name: row.body[name] for name in ("name", "status", "archived", "trigger_type")}
    attributes |= {name: shown(row.body[name]) for name in ("created", "updated")}
    return resource(call, "flow", "flows", row.id, attributes, flow_actions=None, tags=None)


def flows_of(store: Store, list_ids: list[str]) -> list[Row]:
    """The flows that any of the lists starts."""
    return [row for row in store.page(FLOW, limit=-1) if row.body["list_id"] in list_ids]


def start_flows(cause: Cause, list_id: str, joined: Mapping[str, str]) -> None:
    """Somebody joined a list: the live flows that it starts take them in."""
    for flow in flows_of(cause.store, [list_id]):
        if flow.body["status"] == "live" and not flow.body["archived"]:
            cause.enter(flow.id, joined)


def _sort_value(row: Row, field: str) -> str:
    values = {"id": row.id, "name": row.body["name"], "created": row.created_at, "updated": row.updated_at}
    return str(values[field])
