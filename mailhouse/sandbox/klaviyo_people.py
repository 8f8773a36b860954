"""Klaviyo's endpoints about profiles one at a time: list, get, create, update, upsert."""

from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.klaviyo_bodies import data_of
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_lists import list_json
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import MOST_BYTES, PROFILE, ProfileRefused, attributes_of, check_types
from mailhouse.sandbox.klaviyo_words import (
    Refused,
    asked_for,
    cursor_of,
    document,
    identifiers,
    invalid,
    missing,
    page,
    page_size,
    resource,
    sorting,
)
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

ADDITIONAL = ("subscriptions", "predictive_analytics")
BETWEEN = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
FILTERS = {
    "id": Field("id", "text", ("any", "equals")),
    "email": Field("email", "email", ("any", "equals")),
    "phone_number": Field("json_extract(body, '$.phone_number')", "text", ("any", "equals")),
    "external_id": Field("json_extract(body, '$.external_id')", "text", ("any", "equals")),
    "created": Field("created_at", "time", ("greater-than", "less-than")),
    "updated": Field("updated_at", "time", ("greater-than", "less-than")),
    "subscriptions.email.marketing.suppression.reason": Field(
        "json_extract(body, '$.marketing.suppression[0].reason')", "text", ("equals",)
    ),
    "subscriptions.email.marketing.suppression.timestamp": Field(
        "json_extract(body, '$.marketing.suppression[0].timestamp')", "time", BETWEEN
    ),
    "subscriptions.email.marketing.list_suppressions.reason": Field(
        "json_extract(body, '$.marketing.list_suppressions[0].reason')", "text", ("equals",)
    ),
    "subscriptions.email.marketing.list_suppressions.list_id": Field(
        "json_extract(body, '$.marketing.list_suppressions[0].list_id')", "text", ("equals",)
    ),
    "subscriptions.email.marketing.list_suppressions.timestamp": Field(
        "json_extract(body, '$.marketing.list_suppressions[0].timestamp')", "time", BETWEEN
    ),
}
SORTS = {
    "id": "id",
    "email": "email",
    "created": "created_at",
    "updated": "updated_at",
    "subscriptions.email.marketing.suppression.timestamp": (
        "coalesce(json_extract(body, '$.marketing.suppression[0].timestamp'), '')"
    ),
    "subscriptions.email.marketing.list_suppressions.timestamp": (
        "coalesce(json_extract(body, '$.marketing.list_suppressions[0].timestamp'), '')"
    ),
}


class Profiles:
    """The handlers under /api/profiles and /api/profile-import."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- reading ----------------------------------------------------------------------------------------------------
    def listing(self, call: Call) -> Reply:
        size, after = page_size(call, 20, 100), cursor_of(call)
        field, reverse = sorting(call, "id", tuple(SORTS))
        where, values = where_of(call.query.get("filter"), FILTERS)
        subscriptions = "subscriptions" in asked_for(call, "additional-fields[profile]", ADDITIONAL)
        asked_for(call, "include", ("conversations", "push-tokens"))
        key, way, beyond = SORTS[field], "desc" if reverse else "asc", "<" if reverse else ">"
        # the number is part of the index, and the same for all profiles
        order = f"num {way}, id {way}" if field == "id" else f"{key} {way}, num {way}, id {way}"
        if after is not None:
            where, values = f"({where}) and ({key}, num, id) {beyond} (?, 0, ?)", [*values, *after]
        rows = self.store.search(PROFILE, where, values, ordering=order, limit=size + 1)
        found, last = rows[:size], None
        if len(rows) > size:
            last = [sort_value(found[-1], field), found[-1].id]
        return page(call, [profile_json(call, row, subscriptions=subscriptions) for row in found], last)

    def one(self, call: Call) -> Reply:
        row = self._found(call)
        included = None
        asked = asked_for(call, "include", ("conversations", "lists", "push-tokens", "segments"))
        lists = members.lists_of(self.store, row.id) if "lists" in asked else None
        if asked:
            rows = self.store.get_many(LIST, lists or ())
            included = [list_json(call, self.store, one) for one in rows.values()]
        return self._answer(call, row, lists=lists, included=included)

    # -- writing ----------------------------------------------------------------------------------------------------
    def create(self, call: Call) -> Reply:
        """POST profiles: 409 for somebody who is there already."""
        data = self._asked(call)
        with self.store.transaction():
            people = People(self.store, [data])
            known = people.find(data)
            if known is not None:
                raise _duplicate(known.id)
            row = _refusing(people.write, data, None)
            people.flush()
        return self._answer(call, row, status=201)

    def update(self, call: Call) -> Reply:
        """PATCH profiles/{id}."""
        data, row = self._asked(call), self._found(call)
        if data.get("id") != row.id:
            raise invalid("/data/id", "The id must be that of the profile in the path.")
        with self.store.transaction():
            people = People(self.store, [data])
            changed = _refusing(people.write, data, people.find(data))
            people.flush()
        return self._answer(call, changed)

    def upsert(self, call: Call) -> Reply:
        """POST profile-import: 201 for somebody new, 200 for somebody known."""
        data = self._asked(call)
        with self.store.transaction():
            people = People(self.store, [data])
            row, is_new = _refusing(people.upsert, data)
            people.flush()
        return self._answer(call, row, status=201 if is_new else 200)

    # -- shapes -----------------------------------------------------------------------------------------------------
    def _asked(self, call: Call) -> dict[str, Any]:
        if len(call.body) > MOST_BYTES:
            raise Refused(413, "The payload exceeds the largest allowed size of 100 KB.")
        data = data_of(call, "profile")
        try:
            check_types(data.get("attributes"), "/data/attributes")
        except ProfileRefused as refused:
            raise invalid(refused.pointer, refused.detail) from refused
        return data

    def _found(self, call: Call) -> Row:
        row = self.store.get(PROFILE, call.params["id"])
        if row is None:
            raise missing("profile", call.params["id"])
        return row

    def _answer(
        self,
        call: Call,
        row: Row,
        *,
        status: int = 200,
        lists: list[str] | None = None,
        included: list[dict[str, Any]] | None = None,
    ) -> Reply:
        subscriptions = "subscriptions" in asked_for(call, "additional-fields[profile]", ADDITIONAL)
        found = profile_json(call, row, subscriptions=subscriptions, lists=lists)
        return document(call, found, status, included=included)


def profile_json(call: Call, row: Row, *, subscriptions: bool, lists: list[str] | None = None) -> dict[str, Any]:
    """As Klaviyo shows a profile."""
    named = None if lists is None else identifiers("list", lists)
    attributes = attributes_of(row.body, subscriptions=subscriptions)
    return resource(call, "profile", "profiles", row.id, attributes, lists=named, segments=None, push_tokens=None)


def sort_value(row: Row, field: str) -> str:
    """What a row was sorted by."""
    plain = {"id": row.id, "email": row.email, "created": row.created_at, "updated": row.updated_at}
    if field in plain:
        return str(plain[field])
    found = row.body["marketing"][field.split(".")[-2]]
    return found[0]["timestamp"] if found else ""


def _refusing(write: Any, *given: Any) -> Any:
    """Calls a rule of profiles, whose refusal is then the answer to the whole call."""
    try:
        return write(*given)
    except ProfileRefused as refused:
        if refused.code == "duplicate_profile":
            raise _duplicate(refused.other) from refused
        if refused.code == "not_found":
            raise Refused(404, refused.detail, pointer="/data/id") from refused
        raise invalid(f"/data/{refused.pointer}".rstrip("/"), refused.detail) from refused


def _duplicate(identifier: str) -> Refused:
    detail = "A profile already exists with one of these identifiers."
    return Refused(409, detail, pointer="/data/attributes", code="duplicate_profile", duplicate_profile_id=identifier)
