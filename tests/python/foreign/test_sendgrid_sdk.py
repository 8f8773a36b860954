"""SendGrid's own Python client, pointed at the sandbox, finds what it expects there."""

import gzip
import json
import urllib.request

import pytest
from python_http_client.exceptions import BadRequestsError, NotFoundError, UnauthorizedError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from mailhouse.sandbox.sendgrid_mail import MESSAGE, TEMPLATE, template_row
from mailhouse.sandbox.sendgrid_suppressions import SUPPRESSION, entry_row

AT = "2026-02-01T08:00:00.000Z"
DYNAMIC = "d-0123456789abcdef0123456789abcdef"


@pytest.fixture
def sendgrid(sandbox_server):
    key = sandbox_server.runtime.secrets["sendgrid"]["api_key"]
    return SendGridAPIClient(key, host=f"{sandbox_server.url}/sendgrid").client


def read(answer):
    return json.loads(answer.body)


def test_it_writes_contacts_onto_a_list_and_finds_them(sendgrid):
    field = read(sendgrid.marketing.field_definitions.post(request_body={"name": "orders", "field_type": "Number"}))
    made = sendgrid.marketing.lists.post(request_body={"name": "News"})
    news = read(made)["id"]
    contacts = [{"email": "Ivy@example.org", "first_name": "Ivy", "custom_fields": {field["id"]: 3}}, {"email": "wrong"}]
    taken = sendgrid.marketing.contacts.put(request_body={"list_ids": [news], "contacts": contacts})
    assert (made.status_code, taken.status_code) == (201, 202)
    job = read(sendgrid.marketing.contacts.imports._(read(taken)["job_id"]).get())
    assert (job["status"], job["results"]["created_count"], job["results"]["errored_count"]) == ("errored", 1, 1)
    with urllib.request.urlopen(job["results"]["errors_url"]) as errors:
        assert b"wrong,the email is invalid" in errors.read()
    found = read(sendgrid.marketing.contacts.search.emails.post(request_body={"emails": ["IVY@example.org", "no@example.org"]}))
    contact = found["result"]["ivy@example.org"]["contact"]
    assert (contact["first_name"], contact["custom_fields"], contact["list_ids"]) == ("Ivy", {"orders": 3}, [news])
    assert found["result"]["no@example.org"]["error"]
    assert read(sendgrid.marketing.lists._(news).get())["contact_count"] == 1
    sendgrid.marketing.lists._(news).contacts.delete(query_params={"contact_ids": contact["id"]})
    assert read(sendgrid.marketing.lists._(news).contacts.count.get())["contact_count"] == 0
    sendgrid.marketing.contacts.delete(query_params={"ids": contact["id"]})
    assert read(sendgrid.marketing.contacts.count.get())["contact_count"] == 0


def test_it_exports_contacts(sendgrid):
    sendgrid.marketing.contacts.put(request_body={"contacts": [{"email": f"p{number}@example.org"} for number in range(7)]})
    export = read(sendgrid.marketing.contacts.exports.post(request_body={"file_type": "json"}))
    ready = read(sendgrid.marketing.contacts.exports._(export["id"]).get())
    assert (ready["status"], ready["contact_count"]) == ("ready", 7)
    with urllib.request.urlopen(ready["urls"][0]) as file:
        lines = gzip.decompress(file.read()).decode().splitlines()
    assert {json.loads(line)["email"] for line in lines} == {f"p{number}@example.org" for number in range(7)}


def test_it_searches_contacts_by_the_time_of_their_change(sendgrid):
    sendgrid.marketing.contacts.put(request_body={"contacts": [{"email": f"p{number}@example.org"} for number in range(60)]})
    found = read(sendgrid.marketing.contacts.search.post(request_body={"query": "updated_at >= '2026-03-01T00:00:00Z'"}))
    assert (len(found["result"]), found["contact_count"]) == (50, 60)
    none = read(sendgrid.marketing.contacts.search.post(request_body={"query": "updated_at > '2027-01-01T00:00:00Z'"}))
    assert none["contact_count"] == 0


def test_it_suppresses_in_groups_and_everywhere(sendgrid):
    group = read(sendgrid.asm.groups.post(request_body={"name": "Tips", "description": "Now and then"}))
    address = {"recipient_emails": ["ann@example.org"]}
    sendgrid.asm.groups._(str(group["id"])).suppressions.post(request_body=address)
    assert read(sendgrid.asm.groups._(str(group["id"])).suppressions.get()) == ["ann@example.org"]
    assert read(sendgrid.asm.suppressions._("global")._("ann@example.org").get()) == {}
    sendgrid.asm.groups._(str(group["id"])).delete()
    # whoever is added to a group that is gone gets no mail at all
    sendgrid.asm.groups._(str(group["id"])).suppressions.post(request_body=address)
    assert read(sendgrid.asm.suppressions._("global")._("ann@example.org").get()) == {"recipient_email": "ann@example.org"}
    sendgrid.asm.suppressions._("global").post(request_body={"recipient_emails": ["bob@example.org"]})
    left = {one["email"] for one in read(sendgrid.suppression.unsubscribes.get())}
    assert left == {"ann@example.org", "bob@example.org"}


def test_it_pages_through_bounces_by_time(sendgrid, sandbox_server):
    entries = [
        entry_row("bounces", f"b{day}@example.org", f"2026-02-{day:02}T08:00:00Z", reason="550", status="5.1.1")
        for day in range(1, 9)
    ]
    sandbox_server.store.put_many(SUPPRESSION, entries)
    start = int(entries[3].body["created"])
    first = read(sendgrid.suppression.bounces.get(query_params={"start_time": start, "limit": 3}))
    rest = read(sendgrid.suppression.bounces.get(query_params={"start_time": start, "limit": 3, "offset": 3}))
    assert [one["email"] for one in first + rest] == [f"b{day}@example.org" for day in range(4, 9)]


def test_it_sends_by_a_dynamic_template(sendgrid, sandbox_server):
    sandbox_server.store.put(TEMPLATE, template_row(DYNAMIC, "Back in stock", AT))
    assert [one["id"] for one in read(sendgrid.templates.get(query_params={"page_size": 5}))["result"]] == [DYNAMIC]
    mail = Mail(from_email="shop@example.org", to_emails="ann@example.org")
    mail.template_id, mail.dynamic_template_data = DYNAMIC, {"what": "bowls"}
    answer = sendgrid.mail.send.post(request_body=mail.get())
    assert (answer.status_code, "X-Message-Id" in answer.headers) == (202, True)
    (message,) = sandbox_server.store.page(MESSAGE, limit=9)
    assert (message.email, message.body["data"]) == ("ann@example.org", {"what": "bowls"})


def test_it_erases_recipients(sendgrid):
    answer = sendgrid.recipients.erasejob.post(request_body={"email_addresses": ["ann@example.org"]})
    assert answer.status_code == 202 and read(answer)["job_id"]


def test_it_understands_the_refusals(sendgrid, sandbox_server):
    with pytest.raises(BadRequestsError):
        sendgrid.marketing.contacts.put(request_body={"contacts": [{"email": "a@example.org", "custom_fields": {"nope": "x"}}]})
    with pytest.raises(NotFoundError):
        sendgrid.marketing.contacts.search.emails.post(request_body={"emails": ["nobody@example.org"]})
    stranger = SendGridAPIClient("SG.wrong", host=f"{sandbox_server.url}/sendgrid").client
    with pytest.raises(UnauthorizedError):
        stranger.marketing.lists.get()
