"""HubSpot's preferences: an opt-out of everything, address by address, and what the contact shows of it afterwards."""

from datetime import timedelta

import pytest

BASE = "/hubspot/communication-preferences/2026-03/statuses"
ALL = f"{BASE}/batch/unsubscribe-all"
CONTACTS = "/hubspot/crm/objects/2026-03/contacts"


def opt_out(served, *addresses, verbose="true"):
    return served.call("POST", ALL, {"inputs": list(addresses)}, params={"channel": "EMAIL", "verbose": verbose})


def status_of(served, *addresses):
    answer = served.call("POST", f"{ALL}/read", {"inputs": list(addresses)}, params={"channel": "EMAIL"})
    assert answer.status_code == 200, answer.text
    return {result["subscriberIdString"]: result["wideStatuses"] for result in answer.json()["results"]}


def contact(served, number):
    return served.get(f"{CONTACTS}/{number}", properties="hs_email_optout")


def test_an_opt_out_shows_on_the_contact_and_moves_its_time(sandbox_server):
    before = contact(sandbox_server, 3)
    answer = opt_out(sandbox_server, "Contact3@example.org")
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert result["subscriberIdString"] == "Contact3@example.org"
    assert [status["setStatusSuccessReason"] for status in result["statuses"]] == ["UNSUBSCRIBE_FROM_ALL_OCCURRED"]
    after = contact(sandbox_server, 3)
    assert after["properties"]["hs_email_optout"] == "true"
    assert after["updatedAt"] > before["updatedAt"]
    assert contact(sandbox_server, 4)["properties"]["hs_email_optout"] is None


def test_a_second_opt_out_changes_nothing_and_says_so(sandbox_server):
    opt_out(sandbox_server, "contact3@example.org")
    first = status_of(sandbox_server, "contact3@example.org")
    sandbox_server.store.set_now(sandbox_server.store.now() + timedelta(hours=1))
    again = opt_out(sandbox_server, "contact3@example.org").json()["results"]
    assert again[0]["statuses"][0]["setStatusSuccessReason"] == "NO_STATUS_CHANGE"
    assert status_of(sandbox_server, "contact3@example.org") == first


def test_an_address_without_a_contact_is_kept_out_as_well(sandbox_server):
    assert status_of(sandbox_server, "nobody@example.org") == {"nobody@example.org": []}
    assert opt_out(sandbox_server, "nobody@example.org").status_code == 200
    (status,) = status_of(sandbox_server, "nobody@example.org")["nobody@example.org"]
    assert (status["status"], status["wideStatusType"]) == ("UNSUBSCRIBED", "PORTAL_WIDE")
    assert len(sandbox_server.store.page("hubspot.contact", limit=100)) == 12


def test_what_is_no_address_is_refused_alone(sandbox_server):
    answer = opt_out(sandbox_server, "contact1@example.org", "no address")
    assert answer.status_code == 207
    body = answer.json()
    assert [result["subscriberIdString"] for result in body["results"]] == ["contact1@example.org"]
    assert (body["numErrors"], body["errors"][0]["context"]["subscriberIdString"]) == (1, ["no address"])


def test_the_answer_names_nobody_unless_it_is_asked_to(sandbox_server):
    assert opt_out(sandbox_server, "contact1@example.org", verbose="false").json()["results"] == []
    assert contact(sandbox_server, 1)["properties"]["hs_email_optout"] == "true"


@pytest.mark.parametrize("addresses", [[], [f"a{number}@example.org" for number in range(101)]])
def test_a_batch_holds_one_to_a_hundred_addresses(sandbox_server, addresses):
    answer = opt_out(sandbox_server, *addresses)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_the_channel_must_be_said(sandbox_server):
    assert sandbox_server.call("POST", ALL, {"inputs": ["contact1@example.org"]}).status_code == 400


def test_one_address_can_be_looked_up_alone(sandbox_server):
    opt_out(sandbox_server, "contact1@example.org")
    one = sandbox_server.get(f"{BASE}/contact1@example.org/unsubscribe-all", channel="EMAIL")
    assert [status["status"] for status in one["results"]] == ["UNSUBSCRIBED"]
    assert sandbox_server.get(f"{BASE}/contact2@example.org/unsubscribe-all", channel="EMAIL")["results"] == []


def test_an_opt_out_that_the_crm_cleared_is_one_no_more(sandbox_server):
    opt_out(sandbox_server, "contact1@example.org")
    row = sandbox_server.store.get("hubspot.contact", "1")
    row.body["properties"]["hs_email_optout"] = "false"
    sandbox_server.store.put("hubspot.contact", row)
    assert status_of(sandbox_server, "contact1@example.org") == {"contact1@example.org": []}


def test_contacts_are_found_by_their_address(sandbox_server):
    asked = {"idProperty": "email", "properties": ["email"], "inputs": [{"id": "Contact2@example.org"}, {"id": "x@example.org"}]}
    answer = sandbox_server.call("POST", f"{CONTACTS}/batch/read", asked)
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == ["2"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["x@example.org"]
