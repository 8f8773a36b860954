"""A Salesforce org: read once, later only what changed; deleted, merged and vanished records; throttles and ended sessions."""

from datetime import timedelta

import pytest

from ingestion.vanished import TooManyGone
from mailhouse.clock import FixedClock
from mailhouse.errors import CredentialsRejected, MalformedAnswer
from mailhouse.sandbox.salesforce_changes import bin_record, merge_into, purge, update
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier
from tests.python.sandbox.salesforce_org import NOW, contact, fill, lead, put

CONTACT = OBJECTS["Contact"]
TABLES = ("contacts", "leads", "accounts", "opportunities", "campaigns", "campaign_members", "tasks", "cases")


@pytest.fixture
def served(sandbox_factory):
    return sandbox_factory(fill)


@pytest.fixture
def org(place, served):
    """The place, connected to an org with seven contacts."""
    connect(place, served)
    return place


def connect(place, served, identifier="salesforce", **settings):
    secrets = {name: served.runtime.secrets["salesforce"][name] for name in ("client_id", "client_secret")}
    place.connect("salesforce", f"{served.url}/salesforce", identifier, secrets, **settings)
    place.clock = FixedClock(served.store.now())


def land(place, identifier="salesforce"):
    return place.land()[identifier]


def calls(served):
    """Calls since the last look: (operation or path, calls, rows)."""
    counted = [one for one in served.calls()["calls"] if one["vendor"] == "salesforce"]
    served.call("DELETE", "/_sandbox/calls")
    return {one["operation"] or one["path"]: (one["calls"], one["rows"]) for one in counted}


def row(served, number, kind=CONTACT):
    return served.store.get(kind.kind, identifier(kind.prefix, number))


def test_a_second_run_asks_only_for_what_changed_and_doubles_nothing(org, served):
    landed = land(org)
    assert landed.error is None and landed.unlisted == ()
    assert {table: landed.new[table] for table in TABLES} == {**dict.fromkeys(TABLES, 1), "contacts": 7, "leads": 2}
    calls(served)
    served.store.set_now(NOW + timedelta(hours=1))
    update(served.store, CONTACT, row(served, 2), {"Title": "Boss"})
    landed = land(org)
    # the changed one and, of each object, what lies within the lag before the newest change of last time
    assert landed.new["contacts"] == 0
    assert landed.changed["contacts"] == 7
    assert {name: found[0] for name, found in calls(served).items()} == {
        "Contact": 1, "Lead": 1, "Account": 1, "Opportunity": 1, "Campaign": 1, "CampaignMember": 1, "Task": 1, "Case": 1,
        "/services/oauth2/token": 1,
    }  # fmt: skip
    assert org.rows("select count(*), count(distinct id) from raw_salesforce.contacts") == [(7, 7)]
    assert org.one("select title from raw_salesforce.contacts where last_name = 'Last2'") == "Boss"


def test_what_changed_long_before_is_not_read_again(org, served):
    land(org)
    served.store.set_now(NOW + timedelta(hours=5))
    update(served.store, CONTACT, row(served, 2), {"Title": "Boss"})
    land(org)
    calls(served)
    served.store.set_now(NOW + timedelta(hours=6))
    update(served.store, CONTACT, row(served, 4), {"Title": "Buyer"})
    assert land(org).changed["contacts"] == 2
    assert calls(served)["Contact"] == (1, 2)


def test_many_records_of_one_second_on_many_pages_are_all_read(place, sandbox_factory):
    served = sandbox_factory(lambda store: fill(store, 3), "small")
    connect(place, served)
    land(place)
    later = NOW + timedelta(hours=2)
    served.store.set_now(later)
    for number in range(1, 96):
        contact(served.store, number, -120)
    landed = land(place)  # by pages of 20, with sessions that end after 25 calls
    assert landed.error is None
    assert place.one("select count(*) from raw_salesforce.contacts where system_modstamp = '2026-03-01 14:00:00+00'") == 95
    contact(served.store, 96, -120)
    assert land(place).new["contacts"] == 1


def test_a_record_that_changes_while_the_pages_are_read_comes_with_the_next_run(place, sandbox_factory, monkeypatch):
    served = sandbox_factory(lambda store: fill(store, 45), "small")
    connect(place, served)
    land(place)
    from mailhouse.sandbox import salesforce_query

    served.store.set_now(NOW + timedelta(days=1))
    for number in range(1, 46):
        update(served.store, CONTACT, row(served, number), {"Title": "Buyer"})
    real = salesforce_query.Cursors.next

    def meanwhile(self, call, locator):
        # one of the first page is changed once more behind our back, one of the last page long after it
        monkeypatch.setattr(salesforce_query.Cursors, "next", real)
        for number, days in ((1, 2), (44, 3)):
            served.store.set_now(NOW + timedelta(days=days))
            update(served.store, CONTACT, row(served, number), {"Title": "Owner"})
        return real(self, call, locator)

    monkeypatch.setattr(salesforce_query.Cursors, "next", meanwhile)
    land(place)
    assert place.one("select count(*) from raw_salesforce.contacts where title = 'Owner'") == 1
    land(place)
    assert place.one("select count(*) from raw_salesforce.contacts where title = 'Owner'") == 2


def test_deleted_and_merged_records_come_from_the_recycle_bin(org, served):
    land(org)
    served.store.set_now(NOW + timedelta(days=1))
    bin_record(served.store, CONTACT, row(served, 5))
    merge_into(served.store, CONTACT, row(served, 1), row(served, 2))
    land(org)
    found = org.rows("select last_name, master_record_id from raw_salesforce.contacts where is_deleted order by 1")
    assert found == [("Last2", identifier("003", 1)), ("Last5", None)]


def test_what_was_deleted_past_the_bin_is_noticed_when_it_is_due_and_taken_back_when_it_is_there_again(org, served):
    land(org)
    kept = row(served, 6)
    purge(served.store, CONTACT, kept.id)
    land(org)
    assert org.one("select count(*) from raw_salesforce.removed") == 0
    org.clock = FixedClock(NOW + timedelta(days=7))
    calls(served)
    land(org)
    assert calls(served)["Contact"][0] == 2  # what changed, and all ids
    assert org.rows("select resource, id from raw_salesforce.removed") == [("contacts", kept.id)]
    served.store.put(CONTACT.kind, kept)
    org.clock = FixedClock(NOW + timedelta(days=14))
    land(org)
    assert org.one("select count(*) from raw_salesforce.removed") == 0


def test_an_org_that_lost_most_of_its_records_is_taken_for_another_one(place, sandbox_factory):
    served = sandbox_factory(lambda store: fill(store, 120))
    connect(place, served)
    land(place)
    for number in range(1, 100):
        purge(served.store, CONTACT, identifier("003", number))
    place.clock = FixedClock(NOW + timedelta(days=7))
    assert isinstance(land(place).error, TooManyGone)
    assert place.one("select count(*) from raw_salesforce.removed") == 0


def test_a_first_load_in_bulk_equals_the_one_by_pages(org, served):
    contact(served.store, 8, 1, FirstName='A "quoted", name', LastName="Line\nbreak", EmailBouncedDate="2026-02-01T10:00:00.000Z")
    bin_record(served.store, CONTACT, row(served, 4))
    connect(org, served, "by_bulk", bulk_rows=0, currency="EUR")
    connect(org, served, "salesforce", currency="EUR")
    landed = org.land()
    assert landed["by_bulk"].error is None
    assert landed["by_bulk"].new == {**landed["salesforce"].new, "removed": 0}
    for table in TABLES:
        apart = f"select * exclude (connection_id, _dlt_load_id) from raw_salesforce.{table} where connection_id ="
        assert org.rows(f"{apart} 'by_bulk' except {apart} 'salesforce'") == [], table
        assert org.one(f"select count(*) from raw_salesforce.{table} where connection_id = 'by_bulk'") > 0
    assert org.one("select distinct currency from raw_salesforce.opportunities") == "EUR"
    served.store.set_now(NOW + timedelta(days=1))
    update(served.store, CONTACT, row(served, 1), {"Title": "Boss"})
    # after a load in bulk it goes on from where that began
    assert org.land()["by_bulk"].changed["contacts"] < 9


def test_two_orgs_with_the_same_ids_do_not_collide(org, sandbox_factory):
    other = sandbox_factory(lambda store: fill(store, 3))
    connect(org, other, "second")
    assert [one.error for one in org.land().values()] == [None, None]
    found = org.rows("select connection_id, count(*) from raw_salesforce.contacts group by all order by all")
    assert found == [("salesforce", 7), ("second", 3)]


def test_listed_custom_fields_are_columns(org, served):
    contact(served.store, 1, 50, Preferred_Store__c="Berlin")
    org.list_custom(salesforce="{preferred_store: text}")
    assert land(org).error is None
    assert org.one("select preferred_store from raw_salesforce.contacts where last_name = 'Last1'") == "Berlin"


def test_spent_calls_are_a_throttle_and_no_refusal(org, served):
    served.control("faults", [{"vendor": "salesforce", "path_contains": "Contact", "do": "403", "times": 2}])
    assert land(org).error is None
    assert org.one("select count(*) from raw_salesforce.contacts") == 7


def test_a_refusal_is_no_throttle(org, served):
    served.control("faults", [{"vendor": "salesforce", "path_contains": "Contact", "do": "bodyless_403", "times": None}])
    assert isinstance(land(org).error, CredentialsRejected)


def test_a_wrong_secret_is_said_in_one_line(place, served):
    secrets = {**served.runtime.secrets["salesforce"], "client_secret": "wrong"}
    place.connect("salesforce", f"{served.url}/salesforce", secrets=secrets)
    found = land(place).error
    assert isinstance(found, CredentialsRejected)
    assert "SALESFORCE_CLIENT_SECRET" in str(found) and "wrong" not in str(found)


@pytest.mark.parametrize("do", ["garbage", "html200", "truncated", "reset", "500"])
def test_a_broken_answer_is_asked_for_again(org, served, do):
    served.control("faults", [{"vendor": "salesforce", "path_contains": "Contact", "do": do, "times": 2}])
    assert land(org).error is None
    assert org.one("select count(*) from raw_salesforce.contacts") == 7


def test_an_answer_that_stays_broken_stops_the_source_and_nothing_of_it_lands(org, served):
    served.control("faults", [{"vendor": "salesforce", "path_contains": "queryAll", "do": "html200", "times": None}])
    assert isinstance(land(org).error, MalformedAnswer)
    served.control("faults", [])
    assert land(org).new["contacts"] == 7


def test_a_converted_lead_is_told_with_its_contact(org, served):
    lead(served.store, 3, 5, IsConverted=True, ConvertedContactId=identifier("003", 3), ConvertedDate="2026-03-01")
    put(served.store, "Opportunity", 2, 5, Name="Second", Amount=0.1)
    land(org)
    asked = "select is_converted, converted_contact_id, cast(converted_date as varchar) from raw_salesforce.leads"
    assert org.rows(f"{asked} where last_name = 'Lead3'") == [(True, identifier("003", 3), "2026-03-01")]
    assert float(org.one("select sum(amount) from raw_salesforce.opportunities")) == 99.6
