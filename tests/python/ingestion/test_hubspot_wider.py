"""HubSpot's companies, deals, tickets, preferences and mail events: read once, later only what changed."""

from datetime import timedelta

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.hubspot_events import event_row
from mailhouse.sandbox.hubspot_preferences import subscription_row
from mailhouse.sandbox.store import Row, stamp

TABLES = ("companies", "deals", "tickets", "subscription_statuses", "email_events")


@pytest.fixture
def crm(vendors, place):
    """The sandbox's HubSpot alone, with records of every type that changed ten days ago and before."""
    place.connections = {"hubspot": place.connections["hubspot"]}
    store = vendors.store
    old = store.now() - timedelta(days=10)

    def record(kind, number, **properties):
        at = stamp(old - timedelta(minutes=number))
        body = {"createdAt": at, "updatedAt": at, "archived": False, "properties": properties}
        store.put(f"hubspot.{kind}", Row(str(number), body, at, at))

    for number in range(1, 151):
        record("company", number, name=f"Firm {number}", numberofemployees=str(number))
        record("deal", number, amount="12.50", dealstage="closedwon", hs_is_closed_won="true", dealname="Ann's deal")
        record("ticket", number, subject="Ann asks", hs_pipeline_stage="1")
    vendors.record = record
    return vendors


def count(place, table):
    return place.rows(f"select count(*), count(distinct id) from raw_hubspot.{table}")[0]


def test_records_of_every_type_land_once_and_then_by_what_changed(place, crm):
    place.land()
    assert [count(place, table) for table in ("companies", "deals", "tickets")] == [(150, 150)] * 3
    assert place.rows("select amount, hs_is_closed_won from raw_hubspot.deals where id = '7'")[0][1] is True
    crm.asked("hubspot")
    now = stamp(crm.store.now())
    row = crm.store.get("hubspot.deal", "7")
    row.body["properties"]["dealstage"] = "closedlost"
    row.body["updatedAt"] = row.updated_at = now
    crm.store.put("hubspot.deal", row)
    assert place.land()["hubspot"].error is None
    asked = crm.asked("hubspot")
    # the one that changed, and the latest of last time within the lag; no listing but that of archived ones
    assert asked["/crm/objects/{version}/deals/search"] <= 7
    assert asked["/crm/objects/{version}/deals"] == 0
    assert place.one("select dealstage from raw_hubspot.deals where id = '7'") == "closedlost"
    assert count(place, "deals") == (150, 150)


def test_archived_records_stay_and_are_flagged(place, crm):
    place.land()
    crm.served.call("DELETE", "/hubspot/crm/objects/2026-03/companies/3")
    place.land()
    assert place.rows("select id from raw_hubspot.companies where archived") == [("3",)]
    assert count(place, "companies") == (150, 150)


def test_what_people_typed_into_deals_and_tickets_is_not_landed(place, crm):
    place.land()
    columns = {name for (name,) in place.rows("select column_name from duckdb_columns() where schema_name = 'raw_hubspot'")}
    assert not columns & {"dealname", "subject", "content", "hs_ticket_subject"}


def test_choices_land_with_their_contact_and_again_only_for_contacts_that_changed(place, crm):
    at = stamp(crm.store.now() - timedelta(days=3))
    crm.store.put("hubspot.subscription", subscription_row("contact2@example.org", "UNSUBSCRIBED", at))
    crm.store.put("hubspot.subscription", subscription_row("contact3@example.org", "SUBSCRIBED", at, 7, "Product news"))
    place.land()
    found = place.rows(
        "select contact_id, subscriber, subscription_id, status from raw_hubspot.subscription_statuses"
        " where contact_id = '2' and status = 'UNSUBSCRIBED' or subscription_id = '7'"
        " order by all"
    )
    assert found == [
        ("2", "contact2@example.org", "1", "UNSUBSCRIBED"),
        ("3", "contact3@example.org", "7", "SUBSCRIBED"),
    ]
    crm.asked("hubspot")
    crm.store.set_now(crm.store.now() + timedelta(days=1))
    place.clock.sleep(86_400)
    contact = crm.store.get("hubspot.contact", "5")
    contact.body["updatedAt"] = contact.updated_at = stamp(crm.store.now())
    crm.store.put("hubspot.contact", contact)
    crm.store.put("hubspot.subscription", subscription_row("contact5@example.org", "UNSUBSCRIBED", stamp(crm.store.now())))
    place.land()
    # the one that changed, and those of the last five minutes before the last landing
    assert crm.asked("hubspot")["/communication-preferences/{version}/statuses/batch/read"] <= 7
    assert place.one("select status from raw_hubspot.subscription_statuses where contact_id = '5'") == "UNSUBSCRIBED"


def test_mail_events_are_read_from_the_newest_back_to_where_the_last_landing_got(place, crm):
    now = crm.store.now()
    put = [event_row(f"e{n}", "SENT", f"contact{n % 12 + 1}@example.org", now - timedelta(hours=n), 9) for n in range(1, 1_501)]
    crm.store.put_many("hubspot.email_event", put)
    place.land()
    assert count(place, "email_events") == (1_500, 1_500)
    crm.asked("hubspot")
    crm.store.put("hubspot.email_event", event_row("new", "OPEN", "contact1@example.org", now, 9, url="https://x.example"))
    place.land()
    # the new one, and the latest of last time
    assert crm.asked("hubspot")["/email/public/v1/events"] <= 2
    assert place.rows("select type, url from raw_hubspot.email_events where id = 'new'") == [("OPEN", "https://x.example")]
    assert count(place, "email_events") == (1_501, 1_501)


def test_what_a_token_may_not_read_is_left_out_by_name(place, crm):
    place.connections["hubspot"].settings["leave_out"] = ["tickets", "email_events"]
    assert place.land()["hubspot"].error is None
    asked = crm.asked("hubspot")
    assert not [path for path in asked if "tickets" in path or "email/public" in path]
    place.connections["hubspot"].settings["leave_out"] = ["contacts"]
    landed = place.land()["hubspot"]
    assert landed.error is not None and "leave_out: a list of some of" in str(landed.error)
    assert ConfigurationError.__name__ not in str(landed.error)
