"""A HubSpot of a few endpoints on 127.0.0.1 that pages, counts what it is asked, and can be told to lie."""

import json
from datetime import UTC, datetime, timedelta

from tests.python.ingestion.fake_server import FakeServer

START = datetime(2026, 1, 1, tzinfo=UTC)
# the fake has contacts and nothing else
CONTACTS_ALONE = {"leave_out": ["companies", "deals", "tickets", "subscription_statuses", "email_events"]}


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class FakeHubSpot(FakeServer):
    """Holds contacts in memory; `rows` counts what it gave."""

    def __init__(self, token="right"):
        super().__init__()
        self.token, self.contacts, self.rows = token, {}, 0

    def put(self, number, changed, **properties):
        archived = properties.pop("archived", False)
        self.contacts[number] = {
            "id": str(number),
            "createdAt": iso(START),
            "updatedAt": iso(changed),
            "archived": archived,
            **({"archivedAt": iso(changed)} if archived else {}),
            "properties": {"email": f"p{number}@example.test", **properties},
        }

    def fill(self, count, every=timedelta(seconds=1)):
        for number in range(1, count + 1):
            self.put(number, START + every * number)

    def reply(self, request, path, query, body):
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.answer(request, 401, "{}")
        if path.endswith("/search"):
            return self.search(request, body)
        return self.listing(request, query)

    def listing(self, request, query):
        archived = query["archived"] == "true"
        found = [c for n, c in sorted(self.contacts.items()) if c["archived"] is archived and n > int(query.get("after", 0))]
        return self.page(request, found, int(query["limit"]), lambda page: page[-1]["id"], query["properties"].split(","))

    def search(self, request, body):
        after = int(body.get("after", 0))
        if after >= 10_000:
            return self.answer(request, 400, "{}")
        if not after:
            self.found = self.select(body)
        found = self.found
        return self.page(request, found[after:], body["limit"], lambda page: after + len(page), body["properties"])

    def select(self, body):
        found = [c for c in self.contacts.values() if not c["archived"]]
        for one in (f for group in body.get("filterGroups", []) for f in group["filters"]):
            found = [c for c in found if self.matches(c, one)]
        sort = body["sorts"][0]
        found.sort(
            key=lambda c: (int(c["id"]) if sort["propertyName"] == "hs_object_id" else c["updatedAt"], int(c["id"])),
            reverse=sort["direction"] == "DESCENDING",
        )
        return found

    @staticmethod
    def matches(contact, one):
        if one["propertyName"] == "hs_object_id":
            return int(contact["id"]) > int(one["value"])
        changed = round(datetime.fromisoformat(contact["updatedAt"]).timestamp() * 1000)
        return changed >= int(one["value"]) if one["operator"] == "GTE" else changed == int(one["value"])

    def page(self, request, found, limit, after, properties):
        page = found[:limit]
        self.rows += len(page)
        results = [{**c, "properties": {k: c["properties"].get(k) for k in properties}} for c in page]
        body = {"results": results}
        if len(found) > limit:
            body["paging"] = {"next": {"after": str(after(page))}}
        return self.answer(request, 200, json.dumps(body))
