"""Klaviyo's endpoints about profiles one at a time: list, get, create, update, upsert, merge, delete for privacy."""

from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.klaviyo_bodies import check_type, data_of, related
from mailhouse.sandbox.klaviyo_events import EVENT, move_events
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_jobs import Jobs
from mailhouse.sandbox.klaviyo_lists import list_json
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import (
    MOST_BYTES,
    PROFILE,
    SUBSCRIBED,
    TEXTS,
    UNSUBSCRIBED,
    People,
    ProfileRefused,
    attributes_of,
    check_types,
    normal_email,
)
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
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

MERGE, DELETION = "profile-merge", "data-privacy-deletion-job"
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
    """The handlers under /api/profiles, /api/profile-import, /api/profile-merge and /api/data-privacy-deletion-jobs."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

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

    def merge(self, call: Call) -> Reply:
        """POST profile-merge: the one in the relationship goes into the one named by the id, a little later."""
        data = data_of(call, MERGE)
        sources = related(data, "profiles", "profile")
        if len(sources) != 1:
            raise invalid("/data/relationships/profiles/data", "Exactly one source profile is required.")
        destination = str(data.get("id") or "")
        for identifier in (destination, *sources):
            if self.store.get(PROFILE, identifier) is None:
                raise missing("profile", identifier)
        if destination == sources[0]:
            raise invalid("/data/relationships/profiles/data/0/id", "A profile cannot be merged into itself.")
        self.jobs.take(call, MERGE, {"source": sources[0], "destination": destination})
        found = {"type": "profile", "id": destination, "links": {"self": f"{call.base_url}/api/profiles/{destination}"}}
        return document(call, found, 201)

    def request_deletion(self, call: Call) -> Reply:
        """POST data-privacy-deletion-jobs: one identifier, neither more nor less."""
        data = data_of(call, DELETION)
        profile = ((data.get("attributes") or {}).get("profile") or {}).get("data")
        check_type(profile, "profile", "/data/attributes/profile/data")
        attributes = profile.get("attributes")
        if not isinstance(attributes, dict):
            raise invalid("/data/attributes/profile/data/attributes", "attributes must be an object.")
        given = {name: attributes.get(name) for name in ("email", "phone_number")} | {"id": profile.get("id")}
        given = {name: value for name, value in given.items() if value}
        if len(given) != 1:
            raise invalid("/data/attributes/profile/data", "Exactly one of email, phone_number and id is required.")
        self.jobs.take(call, DELETION, {"profile": profile})
        return Reply(202, rows=1)

    # -- what the jobs do -------------------------------------------------------------------------------------------
    def do_merge(self, job: Row) -> None:
        """Gaps are filled, memberships and events move; of consent the stricter stays, and every suppression."""
        payload = job.body["payload"]
        rows = self.store.get_many(PROFILE, (payload["source"], payload["destination"]))
        if len(rows) < 2:
            return  # one of them went in the meantime
        source, kept = rows[payload["source"]], rows[payload["destination"]]
        people = People(self.store, [{"id": kept.id, "attributes": {}}])
        body = dict(kept.body)
        for name in TEXTS:
            body[name] = kept.body[name] if kept.body[name] is not None else source.body[name]
        body["properties"] = source.body["properties"] | kept.body["properties"]
        body["marketing"] = _stricter(kept.body["marketing"], source.body["marketing"])
        lists = members.lists_of(self.store, source.id)
        self._forget(source)
        people.put(kept.id, body)
        people.flush()
        for identifier in lists:
            members.join(self.store, identifier, [kept.id])
        move_events(self.store, source.id, kept.id)

    def do_deletion(self, job: Row) -> None:
        """The profile goes with its memberships and its events."""
        profile = job.body["payload"]["profile"]
        row = People(self.store, [profile]).find(profile)
        if row is not None:
            self._forget(row)
            for event in self.store.page(EVENT, parent=row.id, limit=-1):
                self.store.delete(EVENT, event.id, row.id)

    def _forget(self, row: Row) -> None:
        for identifier in members.lists_of(self.store, row.id):
            members.leave(self.store, identifier, [row.id])
        self.store.delete(PROFILE, row.id)

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


def _stricter(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Of two states of consent the one that allows less, with the suppressions of both."""
    order = (UNSUBSCRIBED, SUBSCRIBED)
    ranked = sorted((one, other), key=lambda each: order.index(each["consent"]) if each["consent"] in order else len(order))
    merged = dict(ranked[0])
    for name in ("suppression", "list_suppressions"):
        merged[name] = one[name] + [each for each in other[name] if each not in one[name]]
    return merged


def address_of(profile: dict[str, Any]) -> str:
    """The address of a profile object, in its normal form; '' for none."""
    return normal_email((profile.get("attributes") or {}).get("email") or "")
