"""A HubSpot of a few endpoints on 127.0.0.1 that pages, counts what it is asked, and can be told to lie."""

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

START = datetime(2026, 1, 1, tzinfo=UTC)


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class FakeHubSpot:
    """Holds contacts in memory; `script` is a list of (status, headers, body) to answer first, `calls` what was asked."""

    def __init__(self, token="right"):
        self.token, self.contacts, self.script, self.calls, self.rows = token, {}, [], [], 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.handle(self)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

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

    def handle(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length)) if length else {}
        path = urlsplit(request.path)
        self.calls.append((request.command, path.path))
        if self.script:
            status, headers, text = self.script.pop(0)
            return self.answer(request, status, text, headers)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.answer(request, 401, "{}")
        if path.path.endswith("/search"):
            return self.search(request, body)
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
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

    @staticmethod
    def answer(request, status, text, headers=None):
        data = text if isinstance(text, bytes) else text.encode()
        request.send_response_only(status)  # no Date of its own
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
