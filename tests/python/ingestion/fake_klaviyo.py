"""A Klaviyo of a few endpoints on 127.0.0.1 that filters, sorts and pages, and names another host for the next page."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.python.ingestion.fake_server import FakeServer

START = datetime(2026, 1, 1, tzinfo=UTC)
LARGEST_PAGE = {"profile": 100, "list": 10, "event": 1_000, "metric": 200, "segment": 10, "campaign": 100}
SUPPRESSED = "subscriptions.email.marketing.suppression.timestamp"
CONDITION = re.compile(r"([a-z-]+)\(([a-z_.]+),(.*?)\)(?:,|$)")
COMPARED = {
    "greater-than": lambda value, said: value > datetime.fromisoformat(said),
    "greater-or-equal": lambda value, said: value >= datetime.fromisoformat(said),
    "equals": lambda value, said: value == json.loads(said),
    "any": lambda value, said: value in json.loads(said),
}


class FakeKlaviyo(FakeServer):
    """Holds profiles, lists, metrics and events in memory; `rows` counts what it gave, by kind."""

    def __init__(self, key="right"):
        super().__init__()
        self.key, self.rows = key, {}
        self.records = {"profile": {}, "list": {}, "metric": {}, "event": {}, "segment": {}, "campaign": {}}
        self.joined = {}

    def put(self, number, updated, *, marketing=None, properties=None, **attributes):
        """A profile; `marketing` is what its subscriptions say of e-mail."""
        self.records["profile"][f"p{number:05}"] = {
            "email": f"p{number}@example.test",
            "created": START.isoformat(),
            "updated": updated.isoformat(),
            "location": {"country": "Germany"},
            "properties": properties or {},
            "subscriptions": {"email": {"marketing": {"consent": "NEVER_SUBSCRIBED", **(marketing or {})}}},
            **attributes,
        }

    def fill(self, count, every=timedelta(seconds=1)):
        for number in range(1, count + 1):
            self.put(number, START + every * number)

    def forget(self, number):
        del self.records["profile"][f"p{number:05}"]

    def put_list(self, name, **joined):
        """A list called as its id, with when each profile joined."""
        self.records["list"][name] = {"name": name, "created": START.isoformat(), "updated": START.isoformat()}
        self.joined[name] = joined

    def put_metric(self, name, integration="Klaviyo"):
        identifier = f"m-{name}-{integration}".replace(" ", "")
        self.records["metric"][identifier] = {"name": name, "integration": {"name": integration}}
        return identifier

    def put_event(self, number, metric, at, profile="p00001", **properties):
        self.records["event"][f"e{number}"] = {
            "metric_id": metric, "datetime": at.isoformat(), "event_properties": properties, "profile": profile,
        }  # fmt: skip

    def reply(self, request, path, query, body):
        if request.headers.get("Authorization") != f"Klaviyo-API-Key {self.key}" or "revision" not in request.headers:
            return self.answer(request, 401, "{}")
        found = re.fullmatch(r"/api/lists/(\w+)/(relationships/)?profiles", path)
        if found:
            known = self.records["profile"]
            members = {one: {**known[one], "joined_group_at": at} for one, at in self.joined[found[1]].items() if one in known}
            return self.collection(request, "profile", members, query, only_ids=found[2] is not None)
        kind = path.removeprefix("/api/").removesuffix("s")
        return self.collection(request, kind, self.records[kind], query)

    def collection(self, request, kind, records, query, *, only_ids=False):
        size = int(query.get("page[size]", LARGEST_PAGE[kind]))
        if size > LARGEST_PAGE[kind]:
            return self.answer(request, 400, "{}")
        found = [one for one in records.items() if self.matches(*one, query.get("filter", ""))]
        if sort := query.get("sort"):
            found.sort(key=lambda one: (self.value(*one, sort), one[0]))
        start = int(query.get("page[cursor]", 0))
        page = found[start : start + size]
        self.rows[kind] = self.rows.get(kind, 0) + len(page)
        more = f"https://elsewhere.example/?{quote('page[cursor]')}={start + size}" if len(found) > start + size else None
        wanted = query.get(f"fields[{kind}]", "").split(",") if f"fields[{kind}]" in query else None
        data = [{"type": kind, "id": one} if only_ids else self.shown(kind, one, said, query, wanted) for one, said in page]
        return self.answer(request, 200, json.dumps({"data": data, "links": {"self": "x", "next": more}}))

    def matches(self, identifier, attributes, conditions):
        for operator, name, said in CONDITION.findall(conditions):
            value = self.value(identifier, attributes, name)
            if value is None or not COMPARED[operator](value, said):
                return False
        return True

    @staticmethod
    def value(identifier, attributes, name):
        if name in ("id", "metric_id"):
            return identifier if name == "id" else attributes["metric_id"]
        if name == SUPPRESSED:
            said = attributes["subscriptions"]["email"]["marketing"].get("suppression") or []
            return max((datetime.fromisoformat(one["timestamp"]) for one in said), default=None)
        return datetime.fromisoformat(attributes[name])

    @staticmethod
    def shown(kind, identifier, attributes, query, wanted):
        hidden = {"metric_id", "profile"} | ({"subscriptions"} if query.get("additional-fields[profile]") is None else set())
        shown = {name: value for name, value in attributes.items() if name not in hidden and (wanted is None or name in wanted)}
        record = {"type": kind, "id": identifier, "attributes": shown, "links": {"self": "x"}}
        if kind == "event":
            record["relationships"] = {"profile": {"data": {"type": "profile", "id": attributes["profile"]}}}
        return record
