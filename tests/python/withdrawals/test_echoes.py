"""What a system was told comes back: asked since when it refuses, it tells our word from a new one of the person."""

from datetime import timedelta

import pytest

from mailhouse.sandbox.salesforce_changes import update
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier
from mailhouse.sandbox.store import stamp
from tests.python.withdrawals.conftest import House


def told_of_ann(house: House, vendor: str) -> House:
    """Somebody of whom one vendor was told, and an hour has passed."""
    house.person("ann", vendors=[vendor])
    house.land()
    house.refuse("ann")
    assert house.tell().ok
    house.land()
    pass_an_hour(house)
    return house


@pytest.fixture
def told(house: House) -> House:
    return told_of_ann(house, "hubspot")


def pass_an_hour(house: House) -> None:
    house.clock.sleep(3600)
    house.vendors.store.set_now(house.clock.now())


def change(house: House, flag: str = "true", **properties: str) -> None:
    """Somebody changes the contact in the CRM."""
    row = house.vendors.store.get("hubspot.contact", "1")
    row.body["properties"] |= {"hs_email_optout": flag, **properties}
    row.body["updatedAt"] = row.updated_at = stamp(house.clock.now())
    house.vendors.store.put("hubspot.contact", row)
    if flag != "true":
        # as HubSpot does: whoever is opted in again has no opt-out to show
        house.vendors.store.delete("hubspot.preference", "ann@example.org")


def test_a_contact_that_nobody_touched_is_not_asked_about(told):
    told.vendors.forget()
    assert told.tell().ok
    assert told.vendors.runtime.calls.as_json()["total"] == 0


def test_a_contact_that_was_changed_for_another_reason_is_still_ours(told):
    change(told, phone="+49 30 1234")
    told.land()
    told.vendors.forget()
    assert told.tell().ok
    assert told.journal("holds_until", "ended_at") == [(told.clock.now(), None)]
    # asked once for each change
    assert told.tell().ok
    calls = told.vendors.runtime.calls.as_json()
    assert (calls["writes"], calls["total"]) == (0, 1)


def test_a_flag_that_was_cleared_and_set_again_is_a_new_word_of_the_person(told):
    change(told, flag="false")
    pass_an_hour(told)
    change(told, flag="true")
    told.land()
    assert told.tell().ok
    assert told.journal("ended_at") == [(told.clock.now(),)]


def test_until_it_could_be_asked_the_refusal_counts_as_its_own_and_that_is_said(told):
    before = told.journal("holds_until")
    change(told, phone="+49 30 1234")
    told.land()
    told.vendors.runtime.faults.replace([{"vendor": "hubspot", "do": "500", "times": None}])
    result = told.tell()
    assert not result.ok
    assert told.journal("holds_until") == before
    assert told.journal("status") == [("accepted",)]
    told.vendors.runtime.faults.replace([])
    told.clock.sleep(timedelta(minutes=2).total_seconds())
    assert told.tell().ok
    assert told.journal("holds_until") != before


SALES = OBJECTS["Contact"]


@pytest.fixture
def told_to_sales(house: House) -> House:
    return told_of_ann(house, "salesforce")


def change_there(house: House, **fields: object) -> None:
    """Somebody changes the contact in Salesforce."""
    row = house.vendors.store.get(SALES.kind, identifier(SALES.prefix, 1))
    update(house.vendors.store, SALES, row, fields)


def test_salesforce_s_history_says_that_a_changed_contact_is_still_ours(told_to_sales):
    change_there(told_to_sales, Title="Buyer")
    told_to_sales.land()
    assert told_to_sales.tell().ok
    assert told_to_sales.journal("holds_until", "ended_at") == [(told_to_sales.clock.now(), None)]


def test_a_flag_that_was_cleared_and_set_again_in_salesforce_is_a_new_word(told_to_sales):
    change_there(told_to_sales, HasOptedOutOfEmail=False)
    pass_an_hour(told_to_sales)
    change_there(told_to_sales, HasOptedOutOfEmail=True)
    told_to_sales.land()
    assert told_to_sales.tell().ok
    assert told_to_sales.journal("ended_at") == [(told_to_sales.clock.now(),)]


def test_where_salesforce_tracks_no_history_the_refusal_counts_as_its_own(told_to_sales):
    before = told_to_sales.journal("holds_until")
    for entry in told_to_sales.vendors.store.page("salesforce.ContactHistory", limit=10):
        told_to_sales.vendors.store.delete("salesforce.ContactHistory", entry.id)
    change_there(told_to_sales, Title="Buyer")
    told_to_sales.land()
    assert told_to_sales.tell().ok
    assert told_to_sales.journal("holds_until", "ended_at") == [(*before[0], None)]
