"""The judge catches what is wrong, and nothing that goes over the wire escapes it."""

import asyncio
import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest
import requests

from mailhouse import sandbox
from mailhouse.sandbox import judging
from mailhouse.sandbox.judging import Exchange
from mailhouse.vendors.klaviyo_limits import FILE, text_of
from tests.python.foreign.openapi_judge import COMPLAINTS, DESCRIPTION, judge, klaviyo

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="Klaviyo's description is not beside this checkout")
ROOT = Path(__file__).parents[3]
KEY = "Klaviyo-API-Key pk"
OWN = {"authorization": KEY, "revision": "2026-07-15", "content-type": "application/vnd.api+json"}
LIST = {"type": "list", "attributes": {"name": "Friends"}}
EVENT = {
    "properties": {},
    "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
    "profile": {"data": {"type": "profile", "attributes": {"email": "a@example.org"}}},
}


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """What is wrong here on purpose must not fail the run."""
    monkeypatch.setenv(COMPLAINTS, str(tmp_path / "complaints.txt"))


def exchange(method="GET", path="/api/lists", *, query=None, headers=OWN, body=None, status=200, answer=None):
    content = b"" if body is None else json.dumps(body).encode()
    answer = {"data": [], "links": {"self": "https://a.klaviyo.com/api/lists"}} if answer is None else answer
    found = json.dumps(answer).encode()
    return Exchange("klaviyo", method, path, query or {}, headers, content, status, "application/vnd.api+json", found, False)


def refusal(status):
    error = {"id": "1", "status": status, "code": "invalid", "title": "Invalid input.", "detail": "No."}
    return {"status": status, "answer": {"errors": [error]}}


def without(name):
    return {key: value for key, value in OWN.items() if key != name}


def test_what_is_right_passes():
    assert judge(exchange(query={"page[size]": "10", "sort": "-name"})) == []
    assert judge(exchange("POST", "/api/events", body={"data": {"type": "event", "attributes": EVENT}}, **refusal(400))) == []


WRONG = {
    "a type that is none": exchange("POST", body={"data": {**LIST, "type": "lists"}}, **refusal(400)),
    "a number for a name": exchange("POST", body={"data": {**LIST, "attributes": {"name": 5}}}, **refusal(400)),
    "an event without a metric": exchange(
        "POST",
        "/api/events",
        body={"data": {"type": "event", "attributes": {key: EVENT[key] for key in ("properties", "profile")}}},
        **refusal(400),
    ),
    "an event without a profile": exchange(
        "POST",
        "/api/events",
        body={"data": {"type": "event", "attributes": {key: EVENT[key] for key in ("properties", "metric")}}},
        **refusal(400),
    ),
    "a page too large": exchange("GET", "/api/profiles", query={"page[size]": "500"}, **refusal(400)),
    "an order that is none": exchange("GET", "/api/profiles", query={"sort": "first_name"}, **refusal(400)),
    "a field that is none": exchange("GET", "/api/profiles", query={"additional-fields[profile]": "all"}, **refusal(400)),
    "a filter left out": exchange("GET", "/api/campaigns", **refusal(400)),
    "another media type": exchange(
        "POST", headers={**OWN, "content-type": "application/json"}, body={"data": LIST}, **refusal(415)
    ),
    "no body": exchange("POST", **refusal(400)),
    "no key": exchange(headers=without("authorization"), **refusal(401)),
    "no revision": exchange(headers=without("revision"), **refusal(400)),
    "an old revision": exchange(headers={**OWN, "revision": "2024-10-15"}, **refusal(400)),
    "no such endpoint": exchange("GET", "/api/flows", **refusal(404)),
    "no such method": exchange("PUT", "/api/lists", body={"data": LIST}, **refusal(405)),
    "the ten-thousandth profile": exchange(
        "POST",
        "/api/profile-bulk-import-jobs",
        body={
            "data": {
                "type": "profile-bulk-import-job",
                "attributes": {
                    "profiles": {
                        "data": [
                            {"type": "profile", "attributes": {"email": f"p{number}@example.org" if number < 9_999 else 5}}
                            for number in range(10_000)
                        ]
                    }
                },
            }
        },
        **refusal(400),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_requests_are_caught(what):
    complaints = judge(WRONG[what])
    assert complaints and all("the request" in one for one in complaints)
    assert Path(os.environ[COMPLAINTS]).read_text().splitlines() == complaints


def test_what_is_wrong_on_purpose_must_be_refused():
    on_purpose = {**OWN, "x-wrong-on-purpose": "yes"}
    assert judge(exchange(headers=on_purpose, query={"page[size]": "500"}, **refusal(400))) == []
    assert "taken" in judge(exchange(headers=on_purpose, query={"page[size]": "500"}))[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": {"data": {}}},
        {"answer": {"data": [{"type": "list", "id": "a"}]}},
        {"answer": {"data": [{"type": "profile", "id": "a", "attributes": {}, "links": {"self": "https://a"}}]}},
        {"status": 404, "answer": {"detail": "no such thing"}},
        {"status": 201},
    ],
)
def test_wrong_answers_are_caught(wrong):
    complaints = judge(exchange(**wrong))
    assert complaints and all("the answer" in one for one in complaints)


def test_complaints_name_nobody():
    body = {"data": {**LIST, "attributes": {"name": ["someone@example.org"]}}}
    assert "someone" not in "".join(judge(exchange("POST", body=body, **refusal(400))))


def test_every_call_to_a_sandbox_is_judged(sandbox_server):
    before = klaviyo().judged
    sandbox_server.klaviyo("GET", "/lists")
    sandbox_server.klaviyo("GET", "/lists/nowhere", status=404)
    sandbox_server.control("faults", [{"vendor": "klaviyo", "do": "html200"}, {"vendor": "klaviyo", "do": "reset", "nth": 2}])
    assert sandbox_server.call("GET", "/klaviyo/api/lists").headers["Content-Type"].startswith("text/html")
    with pytest.raises(OSError):
        sandbox_server.call("GET", "/klaviyo/api/lists")
    counted = sum(one["calls"] for one in sandbox_server.calls()["calls"] if one["vendor"] == "klaviyo")
    assert counted == 4
    assert klaviyo().judged - before == 5  # of the line that was cut nobody could tell, so the client's end judged it as well
    wrong = sandbox_server.call("GET", "/klaviyo/api/lists", params={"page[size]": 11})
    assert (wrong.status_code, "page[size]" in wrong.json()["violation"]) == (judging.VIOLATION, True)


def test_a_sandbox_in_another_process_is_judged_too(tmp_path):
    directory = tmp_path / "sandbox"
    sandbox.create(directory, seed=1, customers=20)
    server = subprocess.Popen(
        [sys.executable, "-m", "mailhouse", "--workdir", str(tmp_path), "sandbox", "serve"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        while not (directory / "server.json").exists():
            assert server.poll() is None
            time.sleep(0.02)
        said = json.loads((directory / "server.json").read_text())
        headers = {"Authorization": f"Klaviyo-API-Key {said['secrets']['klaviyo']['api_key']}"}
        request = urllib.request.Request(f"{said['url']}/klaviyo/api/lists", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == judging.VIOLATION
        assert "no revision header" in Path(os.environ[COMPLAINTS]).read_text()
    finally:
        server.terminate()
        server.wait()


def test_the_table_of_limits_is_the_descriptions():
    assert FILE.read_text(encoding="utf-8") == text_of(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


def test_the_sandbox_serves_nothing_that_is_not_described():
    from mailhouse.sandbox.klaviyo import Klaviyo
    from mailhouse.sandbox.runtime import Runtime

    described = json.loads(FILE.read_text(encoding="utf-8"))["endpoints"]
    runtime = Runtime(Path(os.environ[COMPLAINTS]).parent / "sandbox")
    try:
        served = {f"{route.method} {route.template}" for route in Klaviyo(runtime).routes}
    finally:
        runtime.close()
    left_out = {"POST /api/campaigns", "POST /api/segments", "GET /api/webhooks", "POST /api/webhooks", "GET /api/webhook-topics"}
    assert served | left_out == set(described) and not served & left_out


def test_a_request_to_somebody_elses_klaviyo_is_judged_as_well(tmp_path):
    """Whatever a test makes up to be Klaviyo, what our clients ask of it is held against the description."""
    complaints = tmp_path / "complaints.txt"
    headers = {"Authorization": KEY, "revision": "2026-07-15"}
    with socketserver.TCPServer(("127.0.0.1", 0), NotKlaviyo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/klaviyo/api/profiles"
        requests.get(url, headers=headers, params={"page[size]": 100}, timeout=20)
        asyncio.run(ask(url, headers, {"page[size]": "100"}))
        requests.get(url, headers={"Authorization": "Bearer x"}, params={"page[size]": 500}, timeout=20)
        assert not complaints.exists()
        requests.get(url, headers=headers, params={"page[size]": 500}, timeout=20)
        asyncio.run(ask(url, {"Authorization": KEY}, {"page[size]": "100"}))
        server.shutdown()
    first, second = complaints.read_text().splitlines()
    assert "page[size]" in first and "no revision header" in second
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, headers=headers, params={"page[size]": 500}, timeout=20)
    assert len(complaints.read_text().splitlines()) == 3


class NotKlaviyo(http.server.BaseHTTPRequestHandler):
    """Says yes to everything."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


async def ask(url, headers, params):
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, params=params) as answer:
        assert answer.status == 200
