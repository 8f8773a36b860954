"""SendGrid's judge catches what is wrong, and the sandbox serves nothing that is not described."""

import json
import os
from pathlib import Path

import pytest

from mailhouse.sandbox.judging import Exchange
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.sendgrid import SendGrid
from tests.python.foreign.judges import judge
from tests.python.foreign.openapi_judge import COMPLAINTS
from tests.python.foreign.sendgrid_judge import DESCRIPTIONS, sendgrid

pytestmark = pytest.mark.skipif(not DESCRIPTIONS.exists(), reason="SendGrid's descriptions are not beside this checkout")
OWN = {"authorization": "Bearer SG.x", "accept": "application/json", "content-type": "application/json"}
CONTACTS = "/v3/marketing/contacts"
ANN = {"email": "ann@example.org", "custom_fields": {"e1_T": "tea"}}
LIST = "6f0f35a1-3f2e-4b11-9a43-4d6b6c1d0a55"


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """What is wrong here on purpose must not fail the run."""
    monkeypatch.setenv(COMPLAINTS, str(tmp_path / "complaints.txt"))


def exchange(method="GET", path="/v3/marketing/lists", *, query=None, headers=OWN, body=None, status=200, answer=None):
    content = b"" if body is None else json.dumps(body).encode()
    found = json.dumps({"result": []} if answer is None else answer).encode()
    return Exchange("sendgrid", method, path, query or {}, headers, content, status, "application/json", found, False)


REFUSAL = {"status": 400, "answer": {"errors": [{"message": "no", "field": "x"}]}}


def test_what_is_right_passes():
    body = {"contacts": [ANN], "list_ids": [LIST]}
    assert judge(exchange("PUT", CONTACTS, body=body, status=202, answer={"job_id": "1"})) == []
    assert judge(exchange("DELETE", f"{CONTACTS}", query={"ids": "1,2"}, status=202, answer={"job_id": "1"})) == []
    assert judge(exchange("GET", "/v3/asm/suppressions/global/ann@example.org", answer={})) == []
    assert judge(exchange(status=429, answer={"errors": [{"message": "too many requests"}]})) == []


WRONG = {
    "no contacts": exchange("PUT", CONTACTS, body={"contacts": []}, **REFUSAL),
    "contacts left out": exchange("PUT", CONTACTS, body={"list_ids": [LIST]}, **REFUSAL),
    "a list id that is none": exchange("PUT", CONTACTS, body={"contacts": [ANN], "list_ids": ["News"]}, **REFUSAL),
    "a number for an address": exchange("PUT", CONTACTS, body={"contacts": [{"email": 5}]}, **REFUSAL),
    "a name too long": exchange("PUT", CONTACTS, body={"contacts": [{**ANN, "first_name": "A" * 51}]}, **REFUSAL),
    "no key": exchange(headers={key: value for key, value in OWN.items() if key != "authorization"}, **REFUSAL),
    "a page too large": exchange(query={"page_size": "5000"}, **REFUSAL),
    "an erasure of nobody": exchange("POST", "/v3/recipients/erasejob", body={"email_addresses": []}, **REFUSAL),
    "a field of no type": exchange("POST", "/v3/marketing/field_definitions", body={"name": "x", "field_type": "Map"}, **REFUSAL),
    "an export of no kind": exchange("POST", f"{CONTACTS}/exports", body={"file_type": "xml"}, **REFUSAL),
    "a mail to nobody": exchange("POST", "/v3/mail/send", body={"personalizations": [{}], "from": {}}, **REFUSAL),
    "no such endpoint": exchange("GET", "/v3/marketing/nothing", **REFUSAL),
    "no such method": exchange("PATCH", CONTACTS, body={}, **REFUSAL),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_requests_are_caught(what):
    complaints = judge(WRONG[what])
    assert complaints and any("the request" in one for one in complaints)
    assert Path(os.environ[COMPLAINTS]).read_text().splitlines() == complaints


@pytest.mark.parametrize(
    "wrong",
    [
        exchange("GET", f"{CONTACTS}/count", answer={"contact_count": "7"}),
        exchange("GET", "/v3/marketing/field_definitions", answer={"custom_fields": []}),
        exchange("GET", "/v3/suppression/spam_reports", answer=[{"created": 1, "email": "a@b.example"}]),
        exchange("GET", f"{CONTACTS}/exports/1", answer={"id": "1", "status": "done"}),
        exchange("PUT", CONTACTS, body={"contacts": [ANN]}, status=201, answer={"job_id": "1"}),
    ],
)
def test_wrong_answers_are_caught(wrong):
    complaints = judge(wrong)
    assert complaints and all("the answer" in one for one in complaints)


def test_what_is_wrong_on_purpose_must_be_refused():
    on_purpose = {**OWN, "x-wrong-on-purpose": "yes"}
    assert judge(exchange(headers=on_purpose, query={"page_size": "5000"}, **REFUSAL)) == []
    assert "taken" in judge(exchange(headers=on_purpose, query={"page_size": "5000"}))[0]


def test_complaints_name_nobody():
    wrong = exchange("PUT", CONTACTS, body={"contacts": [{"email": ["someone@example.org"]}]}, **REFUSAL)
    assert "someone" not in "".join(judge(wrong))


def test_the_sandbox_serves_nothing_that_is_not_described(tmp_path):
    runtime = Runtime(tmp_path / "sandbox")
    try:
        served = {f"{route.method} {route.template}" for route in SendGrid(runtime).routes if route.template.startswith("/v3")}
    finally:
        runtime.close()
    # the descriptions call the names in their paths as they like
    nameless = {"".join(part for at, part in enumerate(one.replace("}", "{").split("{")) if at % 2 == 0) for one in served}
    described = {
        "".join(part for at, part in enumerate(one.replace("}", "{").split("{")) if at % 2 == 0) for one in sendgrid().endpoints
    }
    assert nameless <= described
