"""Mailchimp's judge catches what is wrong, and names nobody."""

import json

import pytest

from mailhouse.sandbox.judging import Exchange
from tests.python.foreign.judges import judge
from tests.python.foreign.mailchimp_judge import DESCRIPTION, mailchimp
from tests.python.foreign.openapi_judge import COMPLAINTS, ON_PURPOSE

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="Mailchimp's description is not beside this checkout")
LIST = "/3.0/lists/a1"
ANN = {"email_address": "ann@example.org", "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ann"}}
BATCH = {"members": [ANN], "update_existing": True}
TAKEN = {"new_members": [], "updated_members": [], "errors": []}


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """What is wrong here on purpose must not fail the run."""
    monkeypatch.setenv(COMPLAINTS, str(tmp_path / "complaints.txt"))


def exchange(method="POST", path=LIST, *, query=None, headers=None, body=None, status=200, answer=None):
    content = b"" if body is None else json.dumps(body).encode()
    found = b"" if answer is None else json.dumps(answer).encode()
    return Exchange("mailchimp", method, path, query or {}, headers or {}, content, status, "application/json", found, False)


RIGHT = {
    "a batch": exchange(body=BATCH, answer=TAKEN),
    "a batch with tags": exchange(body={"members": [{**ANN, "tags": ["VIP"]}], "sync_tags": False}, answer=TAKEN),
    "a page of members": exchange("GET", f"{LIST}/members", query={"count": "1000", "offset": "0"}, answer={"members": []}),
    "tags of one member": exchange("POST", f"{LIST}/members/0f/tags", body={"tags": []}, status=204),
    "what was refused": exchange(body={"members": 5}, status=400, answer={"title": "Bad Request"}),
}
WRONG = {
    "no members": exchange(body={"update_existing": True}, answer=TAKEN),
    "members that are no list": exchange(body={"members": {"ann": 1}}, answer=TAKEN),
    "a status that is none": exchange(body={"members": [{**ANN, "status": "asleep"}]}, answer=TAKEN),
    "a name nobody knows": exchange(body={"members": [{**ANN, "loyalty": 1}]}, answer=TAKEN),
    "a query nobody knows": exchange("GET", f"{LIST}/members", query={"page": "2"}, answer={"members": []}),
    "a merge field without a type": exchange("POST", f"{LIST}/merge-fields", body={"name": "Tier"}),
    "an answer of another shape": exchange(body=BATCH, answer={**TAKEN, "new_members": "none"}),
    "a member in an unknown state": exchange("GET", f"{LIST}/members", answer={"members": [{"status": "asleep"}]}),
    "no such endpoint": exchange("GET", "/3.0/profiles", answer={}),
    "no such method": exchange("PUT", f"{LIST}/members", body={}, answer={}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes(name):
    assert judge(RIGHT[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_caught_and_names_nobody(name):
    said = judge(WRONG[name])
    assert said and "ann" not in " ".join(said)


def test_what_is_wrong_on_purpose_must_not_be_taken():
    wrong = {"headers": {ON_PURPOSE.lower(): "yes"}, "body": {"members": [{**ANN, "status": "asleep"}]}}
    assert judge(exchange(**wrong, answer=TAKEN)) == [f"POST {'/lists/{list_id}'} -> 200: a wrong request was taken"]
    assert judge(exchange(**wrong, status=400, answer={"title": "Bad Request"})) == []


def test_the_judge_is_asked():
    before = mailchimp().judged
    judge(exchange("GET", "/3.0/ping", answer={"health_status": "Everything's Chimpy!"}))
    assert mailchimp().judged == before + 1
