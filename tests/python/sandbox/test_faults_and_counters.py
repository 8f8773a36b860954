"""Faults on order, counters, limits by name, and the process itself."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import requests

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox import serve, status
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.server import announced, bound

CONTACTS = "/hubspot/crm/objects/2026-03/contacts"


def test_each_fault_strikes_the_call_it_was_told_to(sandbox_server):
    fault = {
        "vendor": "hubspot",
        "method": "get",
        "path_contains": "contacts",
        "nth": 2,
        "times": 2,
        "do": "429",
        "retry_after": 7,
    }
    sandbox_server.control("faults", [fault])
    answers = [sandbox_server.call("GET", CONTACTS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].json()["category"] == "RATE_LIMITS"


@pytest.mark.parametrize(("kind", "content_type"), [("garbage", "application/json"), ("html200", "text/html")])
def test_some_answers_are_not_what_they_claim_to_be(sandbox_server, kind, content_type):
    sandbox_server.control("faults", [{"vendor": "mailchimp", "do": kind}])
    answer = sandbox_server.mailchimp("GET", "/ping")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    with pytest.raises(ValueError):
        answer.json()


def test_some_refusals_have_no_body(sandbox_server):
    sandbox_server.control(
        "faults", [{"vendor": "mailchimp", "do": "bodyless_403"}, {"vendor": "mailchimp", "nth": 2, "do": "500"}]
    )
    refused = sandbox_server.mailchimp("GET", "/ping")
    assert (refused.status_code, refused.content) == (403, b"")
    failed = sandbox_server.mailchimp("GET", "/ping")
    assert (failed.status_code, failed.json()["title"]) == (500, "Internal Server Error")


@pytest.mark.parametrize("kind", ["reset", "truncated"])
def test_a_connection_can_break_before_and_amid_an_answer(sandbox_server, kind):
    sandbox_server.control("faults", [{"vendor": "hubspot", "do": kind}])
    with pytest.raises(requests.exceptions.RequestException):
        sandbox_server.call("GET", CONTACTS)
    assert sandbox_server.call("GET", CONTACTS).status_code == 200
    assert sandbox_server.calls()["calls"][0]["statuses"] == {"dropped": 1, "200": 1}


def test_a_write_may_be_applied_and_its_answer_lost(sandbox_server):
    sandbox_server.control("faults", [{"vendor": "mailchimp", "method": "POST", "do": "timeout_after_apply"}])
    with pytest.raises(requests.exceptions.ConnectionError):
        sandbox_server.batch([{"email_address": "new@example.org", "status_if_new": "subscribed"}])
    members = sandbox_server.mailchimp("GET", f"/lists/{sandbox_server.list_id}/members").json()
    assert "new@example.org" in [row["email_address"] for row in members["members"]]


def test_a_fault_can_be_aimed_at_one_shopify_operation(sandbox_server):
    sandbox_server.log_in_to_shopify()
    sandbox_server.control("faults", [{"vendor": "shopify", "path_contains": "#orders", "do": "500"}])
    assert sandbox_server.data("{ customersCount { count } }")["customersCount"]["count"] == 7
    query = {"query": "{ orders(first: 1) { nodes { id } } }"}
    assert sandbox_server.call("POST", "/shopify/admin/api/2026-07/graphql.json", query).status_code == 500


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", [{"vendor": "hubspot", "do": "explode"}]),
        ("faults", [{"do": "429"}]),
        ("faults", {}),
        ("limits", {"hubspot": {"callz": 1}}),
        ("limits", {"profile": "huge"}),
        ("advance", {"days": 0}),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(sandbox_server, path, body):
    before = sandbox_server.get("/_sandbox/limits")
    answer = sandbox_server.call("POST", f"/_sandbox/{path}", body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox_server.get("/_sandbox/limits") == before


def test_limits_can_be_changed_by_profile_and_number(sandbox_server):
    limits = sandbox_server.control("limits", {"profile": "vendor", "hubspot": {"calls": 7}})
    assert (limits["hubspot"]["calls"], limits["hubspot"]["searches_per_second"]) == (7, 5)
    assert limits["mailchimp"]["connections"] == 10
    assert limits["shopify"]["restored_per_second"] == 100


def test_calls_are_counted_by_template_with_rows_and_statuses(sandbox_server):
    sandbox_server.get(CONTACTS, limit=5)
    sandbox_server.get(CONTACTS.replace("2026-03", "v3"), limit=3)
    sandbox_server.call("GET", f"{CONTACTS}/99")
    sandbox_server.batch([{"email_address": "new@example.org", "status_if_new": "subscribed"}])
    sandbox_server.batch([{"email_address": "bob@example.org", "status": "subscribed"}])
    counted = sandbox_server.calls()
    entries = {(entry["vendor"], entry["method"], entry["path"]): entry for entry in counted["calls"]}
    listing = entries["hubspot", "GET", "/crm/objects/{version}/contacts"]
    assert (listing["calls"], listing["rows"], listing["writes"]) == (2, 8, False)
    assert entries["hubspot", "GET", "/crm/objects/{version}/contacts/{record_id}"]["statuses"] == {"404": 1}
    batches = entries["mailchimp", "POST", "/3.0/lists/{list_id}"]
    assert (batches["calls"], batches["rows"], batches["writes"]) == (2, 1, True)
    assert (counted["writes"], counted["total"]) == (2, 5)
    assert sandbox_server.call("DELETE", "/_sandbox/calls").json() == {"calls": [], "writes": 0, "total": 0}
    assert sandbox_server.calls()["total"] == 0


def test_status_tells_clock_and_counts(sandbox_server):
    told = sandbox_server.get("/_sandbox/status")
    assert told["clock"] == "2026-03-01T12:00:00.000Z"
    assert (told["counts"]["hubspot.contact"], told["counts"]["shopify.order"]) == (12, 9)


def test_secrets_differ_from_company_to_company_and_stay_with_it(tmp_path):
    first, second = Runtime(tmp_path / "one"), Runtime(tmp_path / "two")
    assert first.secrets["mailchimp"] != second.secrets["mailchimp"]
    first.close()
    again = Runtime(tmp_path / "one")
    assert again.secrets == first.secrets
    again.close()
    second.close()


def process(directory):
    code = f"from pathlib import Path; from mailhouse.sandbox import serve; serve(Path({str(directory)!r}))"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)


def listening(running, directory):
    while announced(directory) is None:
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.02)
    return json.loads((directory / "server.json").read_text())


def test_a_process_announces_itself_and_ends_clean(tmp_path, company):
    runtime = Runtime(tmp_path)
    company(runtime.store)
    runtime.close()
    running = process(tmp_path)
    try:
        told = listening(running, tmp_path)
        assert told["pid"] == running.pid
        assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {told['secrets']['hubspot']['token']}"}
        assert requests.get(told["url"] + CONTACTS, headers=headers, timeout=20).status_code == 200
        assert status(tmp_path)["url"] == told["url"]
        with pytest.raises(ConfigurationError, match="already running"):
            serve(tmp_path)
        os.kill(running.pid, signal.SIGTERM)
        running.wait(timeout=20)
    finally:
        running.kill()
        running.wait()
    assert not (tmp_path / "server.json").exists()
    assert running.returncode == 0
    assert running.stderr.read() == ""
    assert status(tmp_path)["url"] is None


def test_the_leftover_of_a_killed_process_is_not_believed(tmp_path, company):
    runtime = Runtime(tmp_path)
    company(runtime.store)
    runtime.close()
    running = process(tmp_path)
    listening(running, tmp_path)
    running.kill()
    running.wait()
    assert (tmp_path / "server.json").exists()
    assert announced(tmp_path) is None
    assert status(tmp_path)["url"] is None


def test_small_answers_are_sent_at_once():
    """The event loop switches Nagle's algorithm off only on sockets that name their protocol."""
    with bound(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
