"""Klaviyo's metrics and events: what people did, by whom it was told, and each told event only once."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.klaviyo_bodies import check_type, data_of, resources
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_profiles import PROFILE, ProfileRefused, attributes_of, check_types, keys_of
from mailhouse.sandbox.klaviyo_words import (
    Refused,
    asked_for,
    cursor_of,
    identifiers,
    invalid,
    page,
    page_size,
    resource,
    short_id,
    shown,
    sorting,
)
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

METRIC, EVENT = "klaviyo.metric", "klaviyo.event"
CREATE, BULK = "event", "event-bulk-create-job"
MOST_EVENTS = 1_000
MOST_BYTES = 5_000_000
MOST_PROPERTIES, LONGEST_TEXT, LONGEST_METRIC = 400, 100_000, 127
METRICS_A_PAGE = 200
BETWEEN = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
FILTERS = {
    "metric_id": Field("json_extract(body, '$.metric')", "text", ("equals",)),
    "profile_id": Field("parent", "text", ("equals",)),
    "datetime": Field("updated_at", "time", BETWEEN),
    "timestamp": Field("cast(strftime('%s', updated_at) as integer)", "number", BETWEEN),
}
METRIC_FILTERS = {
    "integration.name": Field("json_extract(body, '$.integration.name')", "text", ("equals",)),
    "integration.category": Field("json_extract(body, '$.integration.category')", "text", ("equals",)),
}
API = {"object": "integration", "id": "0rG4eQ", "key": "api", "name": "API", "category": "API"}


class Events:
    """The handlers under /api/metrics, /api/events and /api/event-bulk-create-jobs."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

    # -- reading ----------------------------------------------------------------------------------------------------
    def metrics(self, call: Call) -> Reply:
        after = cursor_of(call)
        where, values = where_of(call.query.get("filter"), METRIC_FILTERS)
        included = [] if asked_for(call, "include", ("flow-triggers",)) else None
        if after is not None:
            where, values = f"({where}) and id > ?", [*values, after[0]]
        rows = self.store.search(METRIC, where, values, ordering="num, id", limit=METRICS_A_PAGE + 1)
        last = [rows[METRICS_A_PAGE - 1].id] if len(rows) > METRICS_A_PAGE else None
        return page(call, [metric_json(call, row) for row in rows[:METRICS_A_PAGE]], last, included)

    def listing(self, call: Call) -> Reply:
        """GET events: the latest first unless asked otherwise."""
        size, after = page_size(call, 200, 1_000), cursor_of(call)
        _, reverse = sorting(call, "-datetime", ("datetime", "timestamp"))
        where, values = where_of(call.query.get("filter"), FILTERS)
        asked = asked_for(call, "include", ("attributions", "metric", "profile"))
        way, beyond = ("desc", "<") if reverse else ("asc", ">")
        if after is not None:
            where, values = f"({where}) and (updated_at, num, id) {beyond} (?, 0, ?)", [*values, *after]
        rows = self.store.search(EVENT, where, values, ordering=f"updated_at {way}, num {way}, id {way}", limit=size + 1)
        found = rows[:size]
        last = [str(found[-1].updated_at), found[-1].id] if len(rows) > size else None
        return page(call, [event_json(call, row) for row in found], last, self._included(call, asked, found))

    def _included(self, call: Call, asked: list[str], events: list[Row]) -> list[dict[str, Any]] | None:
        if not asked:
            return None
        included = []
        if "metric" in asked:
            metrics = self.store.get_many(METRIC, {row.body["metric"] for row in events})
            included += [metric_json(call, row) for row in metrics.values()]
        if "profile" in asked:
            profiles = self.store.get_many(PROFILE, {row.parent for row in events})
            included += [
                resource(call, "profile", "profiles", row.id, attributes_of(row.body), lists=None, segments=None)
                for row in profiles.values()
            ]
        return included

    # -- writing ----------------------------------------------------------------------------------------------------
    def create(self, call: Call) -> Reply:
        """POST events: taken, and recorded a little later."""
        data = data_of(call, "event")
        attributes = data.get("attributes", {})
        profile = _profile_of(attributes, "/data/attributes")
        _check(attributes, "/data/attributes", self.store.now())
        self.jobs.take(call, CREATE, {"events": [[profile, attributes]]})
        return Reply(202, rows=1)

    def create_many(self, call: Call) -> Reply:
        """POST event-bulk-create-jobs: by profile, each with its events."""
        if len(call.body) > MOST_BYTES:
            raise Refused(413, "The payload exceeds the largest allowed size of 5 MB.")
        data = data_of(call, BULK)
        events: list[list[dict[str, Any]]] = []
        for at, batch in enumerate(resources(data, "attributes/events-bulk-create", "event-bulk-create", most=MOST_EVENTS)):
            where = f"/data/attributes/events-bulk-create/data/{at}/attributes"
            attributes = batch.get("attributes") or {}
            profile = _profile_of(attributes, where)
            for number, event in enumerate((attributes.get("events") or {}).get("data") or ()):
                check_type(event, "event", f"{where}/events/data/{number}")
                _check(event.get("attributes") or {}, f"{where}/events/data/{number}/attributes", self.store.now())
                events.append([profile, event["attributes"]])
        if not 1 <= len(events) <= MOST_EVENTS:
            raise invalid("/data/attributes/events-bulk-create/data", f"1 to {MOST_EVENTS} events are required.")
        _check_unique(events)
        self.jobs.take(call, BULK, {"events": events})
        return Reply(202, rows=len(events))

    def work(self, job: Row) -> None:
        """Records the events; one that is known already (profile, metric and unique_id) is passed over."""
        pairs = job.body["payload"]["events"]
        people = People(self.store, [profile for profile, _ in pairs])
        rows: dict[str, Row] = {}
        for profile, attributes in pairs:
            try:
                row, _ = people.upsert(profile)
            except ProfileRefused:
                continue  # the call was answered long ago: Klaviyo drops such an event without a word
            metric = self._metric(attributes["metric"]["data"]["attributes"])
            moment = stamp(attributes.get("time") or self.store.now())
            properties = dict(attributes.get("properties") or {})
            if attributes.get("value") is not None:
                properties["$value"] = attributes["value"]
            event = event_row(row.id, metric, moment, properties, unique_id=attributes.get("unique_id"))
            rows.setdefault(event.id, event)
            body = {**row.body, "last_event_date": max(row.body["last_event_date"] or "", moment)}
            people.put(row.id, body)
        known = self.store.get_many(EVENT, rows)
        people.flush()
        self.store.put_many(EVENT, [row for identifier, row in rows.items() if identifier not in known])

    def _metric(self, given: dict[str, Any]) -> str:
        """The metric of that name, made on its first event."""
        row = metric_row(given["name"], stamp(self.store.now()), API)
        if self.store.get(METRIC, row.id) is None:
            self.store.put(METRIC, row)
        return row.id


def move_events(store: Store, source: str, destination: str) -> None:
    """The events of one profile become another's."""
    events = store.page(EVENT, parent=source, limit=-1)
    for row in events:
        store.delete(EVENT, row.id, source)
        row.parent = destination
    store.put_many(EVENT, events)


# -- shapes ---------------------------------------------------------------------------------------------------------------
def metric_row(name: str, created: str, integration: dict[str, Any]) -> Row:
    """For the store; a metric is known by its name and integration."""
    body = {"name": name, "created": created, "updated": created, "integration": integration}
    return Row(short_id(f"metric:{integration['key']}:{name}"), body, created, created)


def event_row(profile_id: str, metric_id: str, moment: str, properties: dict[str, Any], *, unique_id: str | None = None) -> Row:
    """For the store. Without a unique id the second decides, as at Klaviyo: one event of a metric in each."""
    key = f"{profile_id}:{metric_id}:{unique_id or moment[:19]}"
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    body = {"metric": metric_id, "event_properties": properties, "uuid": str(uuid.UUID(bytes=digest))}
    return Row(short_id(key, 11), body, moment, moment, profile_id)


def metric_json(call: Call, row: Row) -> dict[str, Any]:
    attributes = {
        "name": row.body["name"],
        "created": shown(row.body["created"]),
        "updated": shown(row.body["updated"]),
        "integration": row.body["integration"],
    }
    return resource(call, "metric", "metrics", row.id, attributes, flow_triggers=None)


def event_json(call: Call, row: Row) -> dict[str, Any]:
    moment = str(row.updated_at)
    attributes = {
        "timestamp": int(datetime.fromisoformat(moment).timestamp()),
        "event_properties": row.body["event_properties"],
        "datetime": shown(moment),
        "uuid": row.body["uuid"],
    }
    profile, metric = identifiers("profile", [row.parent])[0], identifiers("metric", [row.body["metric"]])[0]
    return resource(call, "event", "events", row.id, attributes, profile=profile, metric=metric, attributions=[])


def _profile_of(attributes: dict[str, Any], pointer: str) -> dict[str, Any]:
    profile = (attributes.get("profile") or {}).get("data") if isinstance(attributes.get("profile"), dict) else None
    check_type(profile, "profile", f"{pointer}/profile/data")
    own = {name: value for name, value in (profile.get("attributes") or {}).items() if name not in ("anonymous_id", "meta")}
    try:
        check_types(own, f"{pointer}/profile/data/attributes")
    except ProfileRefused as refused:
        raise invalid(refused.pointer, refused.detail) from refused
    return {**profile, "attributes": own}


def _check_unique(events: list[list[dict[str, Any]]]) -> None:
    """Raises Refused for a unique_id that stands twice with one profile and metric: then no event of the job is taken."""
    seen: set[tuple[Any, ...]] = set()
    for profile, attributes in events:
        if attributes.get("unique_id") is None:
            continue
        whose = (profile.get("id"), *keys_of(profile["attributes"]))
        key = (*whose, attributes["metric"]["data"]["attributes"]["name"], attributes["unique_id"])
        if key in seen:
            raise invalid("/data/attributes/events-bulk-create/data", "A unique_id is repeated for the same profile and metric.")
        seen.add(key)


def _check(attributes: dict[str, Any], pointer: str, now: datetime) -> None:
    metric = attributes.get("metric")
    metric = metric.get("data") if isinstance(metric, dict) else None
    check_type(metric, "metric", f"{pointer}/metric/data")
    name = (metric.get("attributes") or {}).get("name")
    if not isinstance(name, str) or len(name) > LONGEST_METRIC:
        raise invalid(f"{pointer}/metric/data/attributes/name", "A metric name of less than 128 characters is required.")
    properties = attributes.get("properties")
    if not isinstance(properties, dict):
        raise invalid(f"{pointer}/properties", "properties is required and must be an object.")
    if len(properties) > MOST_PROPERTIES:
        raise invalid(f"{pointer}/properties", f"An event may have at most {MOST_PROPERTIES} properties.")
    if any(isinstance(value, str) and len(value.encode()) > LONGEST_TEXT for value in properties.values()):
        raise invalid(f"{pointer}/properties", "A string may not be larger than 100 KB.")
    if attributes.get("time") is not None:
        _check_time(str(attributes["time"]), f"{pointer}/time", now)


def _check_time(text: str, pointer: str, now: datetime) -> None:
    try:
        moment = stamp(text)
    except ValueError:
        raise invalid(pointer, "Not a valid time.") from None
    if not "1990" < moment <= stamp(now + timedelta(days=365)):
        raise invalid(pointer, "The time must be after the year 1990 and at most one year in the future.")
