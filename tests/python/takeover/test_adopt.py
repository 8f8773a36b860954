"""What is there already is adopted: shown first, recorded once, and then there is nothing left to do."""

import json

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.takeover import adopt
from tests.python.takeover.conftest import key


def adopted(project, name, everybody=False):
    return adopt.record(project.context, adopt.look(project.context, name, everybody))


def test_adopt_then_plan_is_nothing_to_do(project):
    project.people(range(30))
    project.segment("vip", range(20))
    project.segment("news", range(10, 30))
    project.put(range(10), "VIP")
    project.put(range(10, 20), "VIP", "NEWS")
    project.put(range(20, 30), "NEWS")
    before = project.account()
    adopted(project, "seg_vip")
    run, count = adopted(project, "mailchimp: Customers / NEWS")
    assert count == 20
    plan = project.plan()
    assert plan.is_empty
    assert [(one.membership, one.unchanged) for one in plan.audiences] == [("NEWS", 20), ("VIP", 20)]
    assert project.account() == before
    assert project.esp.writes() == {}
    kind, accepted = project.warehouse.execute("select kind, accepted from reverse_sync.runs where run_id = ?", [run]).fetchone()
    assert (kind, accepted) == ("adopt", 20)
    origins = project.warehouse.execute("select distinct origin, fields_seen from reverse_sync.delivered").fetchall()
    assert origins == [("adopted", True)]


def test_it_shows_first_and_records_nothing_before_it_is_told_to(project):
    project.people(range(20))
    project.segment("vip", range(10))
    project.put(range(6), "VIP")
    project.put(range(6, 7), "VIP", fields={"FNAME": "Other"})
    project.put(range(15, 18), "VIP")
    shown = adopt.look(project.context, "seg_vip")
    (found,) = shown.found
    assert (found.wanted_there, found.differing, found.ours, found.unwanted, found.missing) == (7, 1, 0, 3, 3)
    assert len(shown.records) == 7
    assert project.plan().audiences[0].before == 0


def test_only_who_is_wanted_is_adopted_and_the_others_on_demand(project):
    project.people(range(20))
    project.segment("vip", range(10))
    project.put(range(12), "VIP")
    project.put(range(900, 902), "VIP")
    adopted(project, "seg_vip")
    assert project.delivered("VIP") == {key(number) for number in range(10)}
    assert project.plan().is_empty
    _, more = adopted(project, "seg_vip", everybody=True)
    assert more == 4
    project.sync()
    assert project.esp.tag("VIP") == {key(number) for number in range(10)}


def test_what_differs_is_recorded_as_it_is_there_and_put_right_by_the_next_plan(project):
    project.people(range(5))
    project.segment("vip", range(5))
    project.put(range(4), "VIP")
    project.put(range(4, 5), "VIP", fields={"FNAME": "Other", "COUNTRY": ""})
    adopted(project, "seg_vip")
    (fields,) = project.warehouse.execute(
        "select cast(fields as varchar) from reverse_sync.delivered where document_key = ?", [key(4)]
    ).fetchone()
    assert json.loads(fields) == {"COUNTRY": "", "FNAME": "Other", "LASTORDER": "2026-01-05", "ORDERS": 4}
    (one,) = project.plan().audiences
    assert (one.adds, one.updates, one.removals, one.unchanged) == (0, 1, 0, 4)
    project.sync()
    assert project.esp.member(key(4))["merge_fields"]["FNAME"] == "Name 4"


def test_who_is_missing_is_still_owed(project):
    project.people(range(10))
    project.segment("vip", range(10))
    project.put(range(8), "VIP")
    project.put(range(8, 9))
    adopted(project, "seg_vip")
    (one,) = project.plan().audiences
    assert (one.adds, one.updates, one.unchanged) == (2, 0, 8)


def test_adopting_again_and_adopting_what_was_sent_changes_nothing(project):
    project.people(range(10))
    project.segment("vip", range(5))
    project.segment("news", range(5, 10))
    project.sync()
    project.put(range(5, 7), "VIP")
    project.members("vip", range(7))
    before = project.count("delivered")
    _, count = adopted(project, "seg_vip")
    assert count == 2
    assert project.count("delivered") == before
    assert project.plan().is_empty
    assert adopted(project, "seg_vip")[1] == 0


def test_an_audience_that_only_inserts_leaves_the_adopted_alone(project):
    project.people(range(6))
    project.warehouse.execute("alter table profiles.mailchimp_profiles add column esp_status varchar")
    project.warehouse.execute("update profiles.mailchimp_profiles set esp_status = 'subscribed' where customer_id < 'c000004'")
    project.profile_columns = ["esp_status"]
    project.segment("vip", range(6), mode="insert_only")
    project.put(range(3), "VIP")
    project.put(range(3, 4), "VIP", fields={"FNAME": "Theirs"})
    adopted(project, "seg_vip")
    (one,) = project.plan().audiences
    assert (one.adds, one.updates, one.unchanged) == (2, 0, 4)


def test_a_name_that_nobody_has_is_refused(project):
    project.people(range(1))
    project.segment("vip", range(1))
    with pytest.raises(ConfigurationError, match="there are mailchimp: Customers / VIP"):
        adopt.look(project.context, "seg_nobody")
