"""An account that somebody else filled badly: what inspect finds is what was planted, and nothing is touched."""

import csv
import json
from decimal import Decimal

import pytest

from mailhouse.errors import ConfigurationError, SyncRefused
from mailhouse.takeover import adopt, inspect, write_files
from tests.python.takeover.conftest import OLD_LIST, address, customer, key

ROWS = "select kind, container, membership, reason, put_there_by, document_key from takeover_findings order by all"


def plant_everything(project):
    """Make an account in which something is wrong of every kind; what has to be found, row by row."""
    found = set()

    def plant(kind, numbers, reason, *, membership="", put_there_by="", container="Customers"):
        found.update((kind, container, membership, reason, put_there_by, key(number)) for number in numbers)

    project.people(range(100))
    project.refused(range(100, 110), "crm_opt_out")
    project.people(range(110, 113), decision="deny", reason="no_proof")
    project.segment("vip", range(40))
    project.segment("news", range(20, 60), mode="upsert")

    # all is well: where and as they should be
    project.put(range(8), "VIP")
    project.put(range(20, 22), "VIP", "NEWS")
    # missing: not in the tag, not in the list, or there and not mailable
    project.put(range(8, 12))
    plant("missing", range(8, 12), "not_in_membership", membership="VIP")
    plant("missing", range(12, 20), "no_record", membership="VIP")
    plant("missing", range(25, 40), "no_record", membership="VIP")
    plant("missing", range(25, 60), "no_record", membership="NEWS")
    project.put(range(22, 25), status="cleaned")
    plant("missing", range(22, 25), "esp_cleaned", membership="VIP")
    plant("missing", range(22, 25), "esp_cleaned", membership="NEWS")
    # said no elsewhere, and mailable here; in a tag as well
    project.put(range(100, 104), "VIP")
    project.put(range(104, 106), "NEWS")
    project.put(range(110, 112))
    plant("said_no", range(100, 106), "crm_opt_out")
    plant("not_permitted", range(110, 112), "no_proof")
    plant("should_leave", range(100, 104), "crm_opt_out", membership="VIP", put_there_by="others")
    plant("should_leave", range(104, 106), "crm_opt_out", membership="NEWS", put_there_by="others")
    # refused by the person, and by the address alone
    project.refused(range(113, 116), "complaint", "block")
    project.refused(range(116, 119), "hard_bounce", "block")
    project.put(range(113, 119))
    plant("said_no", range(113, 116), "complaint")
    plant("bad_address", range(116, 119), "hard_bounce")
    # not in the segment any more; an upsert lets nobody go who still says yes
    project.put(range(60, 65), "VIP", "NEWS")
    plant("should_leave", range(60, 65), "not_in_segment", membership="VIP", put_there_by="others")
    # known to nobody else: strangers, and customers whom only this account has
    project.put(range(900, 903), "VIP")
    project.known(range(910, 912), "mailchimp")
    project.put(range(910, 912))
    plant("unknown", (*range(900, 903), 910, 911), "esp_subscribed")
    plant("should_leave", range(900, 903), "not_in_segment", membership="VIP", put_there_by="others")
    # fields that somebody changed by hand
    project.put(range(2), "VIP", fields={"FNAME": "Wrong"})
    project.put(range(2, 3), "VIP", fields={"FNAME": "", "ORDERS": "99"})
    plant("differs", (0, 1, 2), "FNAME")
    plant("differs", (2,), "ORDERS")
    # paid for and dead
    project.put(range(70, 73), status="unsubscribed")
    plant("dead", range(70, 73), "esp_unsubscribed")
    project.put(range(80, 83))
    project.engagement(range(80, 83), sent=4, reactions=0)
    project.engagement(range(8), sent=9, reactions=1)
    project.engagement(range(8, 12), sent=3, reactions=0)
    plant("dead", range(80, 83), "unengaged")
    # a list that no segment feeds
    project.put(range(106, 108), list_id=OLD_LIST)
    project.put(range(920, 922), list_id=OLD_LIST, status="unsubscribed")
    plant("said_no", range(106, 108), "crm_opt_out", container="Old newsletter")
    plant("unknown", range(920, 922), "esp_unsubscribed", container="Old newsletter")
    plant("dead", range(920, 922), "esp_unsubscribed", container="Old newsletter")

    project.automation("Welcome", tags=["VIP"])
    project.automation("Everyone")
    project.automation("Asleep", "paused")
    return found


@pytest.fixture(scope="module")
def planted(shared):
    return plant_everything(shared)


def test_each_planted_finding_is_found_and_no_other(shared, planted):
    before = shared.account()
    inspection = inspect(shared.context, "mailchimp")
    assert set(shared.warehouse.execute(ROWS).fetchall()) == planted
    assert shared.warehouse.execute("select count(*) from takeover_findings").fetchall() == [(len(planted),)]
    assert [(one.container, one.records, one.mailable, one.billed) for one in inspection.contents] == [
        ("Customers", 47, 41, 44),
        ("Old newsletter", 4, 2, 4),
    ]
    assert {(one.membership, one.automation, one.people) for one in inspection.automations} == {
        ("VIP", "Welcome", 30),
        ("VIP", "Everyone", 30),
        ("NEWS", "Everyone", 38),
    }
    assert shared.account() == before
    assert shared.esp.writes() == {}
    tables = shared.warehouse.execute(
        "select table_name from information_schema.tables where table_schema = 'reverse_sync' and table_catalog = 'warehouse'"
    )
    assert tables.fetchall() == []


def test_who_was_put_there_by_us_is_told_apart(project):
    project.people(range(12))
    project.segment("vip", range(10))
    project.sync()
    project.members("vip", range(8))
    project.put(range(10, 12), "VIP")
    inspect(project.context, "mailchimp")
    assert set(project.warehouse.execute(ROWS).fetchall()) == {
        ("should_leave", "Customers", "VIP", "not_in_segment", who, key(number))
        for who, numbers in (("us", (8, 9)), ("others", (10, 11)))
        for number in numbers
    }


def test_dead_profiles_have_a_price_when_one_is_given(shared, planted):
    inspection = inspect(shared.context, "mailchimp")
    assert (inspection.count("dead"), inspection.cost_of_the_dead) == (8, None)
    shared.price = {"amount": "0.012", "currency": "eur"}
    priced = inspect(shared.context, "mailchimp")
    assert priced.cost_of_the_dead == Decimal("0.096")
    shared.price = None
    assert priced.as_dict()["cost_of_the_dead"] == {"amount": "0.096", "currency": "EUR"}


@pytest.mark.parametrize("price", [{"amount": "cheap", "currency": "EUR"}, {"amount": "-1", "currency": "EUR"}, {"amount": "1"}])
def test_a_price_that_is_none_is_refused(project, price):
    project.people(range(1))
    project.segment("vip", range(1))
    project.price = price
    with pytest.raises(ConfigurationError, match="price_per_contact"):
        inspect(project.context, "mailchimp")


def test_the_files_hold_every_finding_and_disarm_formulas(shared, planted):
    inspection = inspect(shared.context, "mailchimp")
    shared.warehouse.execute("update takeover_findings set address = '=cmd@example.test' where document_key = ?", [key(900)])
    figures, people = write_files(shared.settings, shared.warehouse, inspection)
    document = json.loads(figures.read_text())
    assert len(document["findings"]) == len(planted)
    assert "@" not in figures.read_text()
    with people.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(planted)
    assert {row["address"] for row in rows if row["document_key"] == key(900)} == {"'=cmd@example.test"}
    assert {row["customer_id"] for row in rows if row["address"] == address(100)} == {customer(100)}
    assert people.stat().st_mode & 0o077 == 0


def test_half_a_truth_is_refused(project):
    project.people(range(3))
    project.segment("vip", range(3))
    project.clock.sleep(40 * 3600)
    with pytest.raises(SyncRefused, match="consent was last decided"):
        inspect(project.context, "mailchimp")
    project.later(hours=0)
    project.warehouse.execute("drop table segments.seg_vip")
    with pytest.raises(SyncRefused, match="seg_vip: it is not built"):
        inspect(project.context, "mailchimp")
    with pytest.raises(ConfigurationError, match="shopify: not a destination"):
        inspect(project.context, "shopify")


def test_a_list_of_ours_that_is_not_there_is_said(project):
    project.people(range(3))
    project.segment("vip", range(3), audience="Nobody's")
    with pytest.raises(ConfigurationError, match="no list called"):
        inspect(project.context, "mailchimp")


def test_shadow_computes_everything_and_writes_nothing(project):
    plant_everything(project)
    before = project.account()
    project.segment("vip", range(40), mode="shadow")
    project.segment("news", range(20, 60), mode="shadow")
    adopt.record(project.context, adopt.look(project.context, "seg_vip", everybody=True))
    result = project.sync()
    assert {(one.membership, one.adds, one.removals) for one in result.plan.audiences} == {("VIP", 30, 12), ("NEWS", 40, 0)}
    assert result.plan.is_empty
    assert project.account() == before
    assert project.esp.writes() == {}
