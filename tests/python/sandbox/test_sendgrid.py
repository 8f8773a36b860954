"""What the sandbox's SendGrid decides: identifiers, jobs, limits, and the company's account."""

import time

from mailhouse.sandbox.sendgrid_people import CONTACT, contact_row
from mailhouse.sandbox.sendgrid_suppressions import SUPPRESSION, entry_row

AT = "2026-02-01T08:00:00.000Z"


def upsert(server, *contacts, **more):
    """An upsert of those contacts; its job once it has ended."""
    job = server.sendgrid("PUT", "/marketing/contacts", {"contacts": list(contacts), **more}, status=202)
    return server.sendgrid("GET", f"/marketing/contacts/imports/{job['job_id']}")


def test_a_contact_with_more_identifiers_is_not_updated_by_its_address_alone(sandbox_server):
    sandbox_server.store.put(CONTACT, contact_row("c1", "ann@example.org", AT, external_id="7"))
    refused = upsert(sandbox_server, {"email": "ann@example.org", "first_name": "Ann"})
    assert (refused["status"], refused["results"]["errored_count"]) == ("failed", 1)
    taken = upsert(sandbox_server, {"email": "ann@example.org", "external_id": "7", "first_name": "Ann"})
    assert (taken["status"], taken["results"]["updated_count"]) == ("completed", 1)


def test_what_is_not_named_stays_and_null_is_refused(sandbox_server):
    field = sandbox_server.sendgrid("POST", "/marketing/field_definitions", {"name": "tier", "field_type": "Text"})["id"]
    upsert(sandbox_server, {"email": "ann@example.org", "first_name": "Ann", "custom_fields": {field: "gold"}})
    upsert(sandbox_server, {"email": "ann@example.org", "city": "Rome"})
    body = sandbox_server.store.by_email(CONTACT, "ann@example.org")[0].body
    assert (body["first_name"], body["city"], body["custom_fields"]) == ("Ann", "Rome", {field: "gold"})
    null = {"contacts": [{"email": "ann@example.org", "custom_fields": {field: None}}]}
    sandbox_server.sendgrid("PUT", "/marketing/contacts", null, status=400)


def test_a_job_takes_its_time_and_is_done_whoever_asks(sandbox_server):
    sandbox_server.control("limits", {"sendgrid": {"job_seconds": 30.0}})
    sandbox_server.control("ticks", {"seconds": 0})
    pending = upsert(sandbox_server, {"email": "ann@example.org"})
    assert pending["status"] == "pending"
    assert sandbox_server.store.count(CONTACT) == 0
    sandbox_server.control("ticks", {"seconds": 31})
    assert sandbox_server.sendgrid("GET", "/marketing/contacts/count")["contact_count"] == 1


def test_every_answer_says_what_is_left_and_until_when(sandbox_server):
    sandbox_server.control("limits", {"sendgrid": {"calls_per_minute": 2}})
    sandbox_server.control("ticks", {"seconds": 0})
    answers = [sandbox_server.call("GET", "/sendgrid/v3/marketing/lists") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["X-RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert all("Retry-After" not in one.headers for one in answers)
    assert 0 <= int(answers[2].headers["X-RateLimit-Reset"]) - time.time() <= 61
    # each endpoint has a window of its own
    assert sandbox_server.call("GET", "/sendgrid/v3/marketing/contacts/count").status_code == 200


def test_an_address_of_a_file_ends(sandbox_server):
    upsert(sandbox_server, {"email": "ann@example.org"})
    export = sandbox_server.sendgrid("POST", "/marketing/contacts/exports", {}, status=202)
    url = sandbox_server.sendgrid("GET", f"/marketing/contacts/exports/{export['id']}")["urls"][0]
    path = url.removeprefix(sandbox_server.url)
    assert sandbox_server.call("GET", path).status_code == 200
    sandbox_server.control("ticks", {"seconds": 259_300})
    assert sandbox_server.call("GET", path).status_code == 403


def test_whoever_is_suppressed_gets_no_mail(sandbox_server):
    sandbox_server.store.put(SUPPRESSION, entry_row("spam_reports", "ann@example.org", AT, ip="198.18.0.1"))
    to = [{"to": [{"email": address}]} for address in ("ann@example.org", "bob@example.org")]
    mail = {"from": {"email": "shop@example.org"}, "subject": "Hello", "content": [{"type": "text/plain", "value": "Hi"}]}
    sandbox_server.sendgrid("POST", "/mail/send", {**mail, "personalizations": to}, status=202)
    sent = {row.email: row.body["is_dropped"] for row in sandbox_server.store.page("sendgrid.message", limit=9)}
    assert sent == {"ann@example.org": True, "bob@example.org": False}


def test_an_upsert_that_changes_nothing_has_no_effect(sandbox_server):
    upsert(sandbox_server, {"email": "ann@example.org", "first_name": "Ann"})
    before = len(sandbox_server.effects(vendor="sendgrid"))
    upsert(sandbox_server, {"email": "ann@example.org", "first_name": "Ann"})
    assert len(sandbox_server.effects(vendor="sendgrid")) == before
