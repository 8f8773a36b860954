"""A run is taken back: what it added leaves, what it took away returns, and nobody who said no meanwhile."""

from datetime import timedelta

import pytest

from mailhouse import controls
from mailhouse.clock import FixedClock
from mailhouse.errors import ConfigurationError
from mailhouse.takeover import adopt, revert
from tests.python.sync.conftest import NOW
from tests.python.takeover.conftest import key

OURS = "select document_key, memberships, seen from reverse_sync.delivered order by all"


def back(project, run_id):
    """Plan back and carry it out; what was planned, and the result."""
    planned = revert.plan_back(project.context, run_id)
    return planned, revert.carry_out(project.context, planned, NOW)


def take_over(project):
    """Adopt an account, then change it by one run: five join a tag, four leave one, two get other fields."""
    project.people(range(30))
    project.segment("vip", range(10))
    project.segment("news", range(5, 20))
    project.put(range(5), "VIP")
    project.put(range(5, 10), "VIP", "NEWS")
    project.put(range(10, 20), "NEWS")
    for name in ("seg_vip", "seg_news"):
        adopt.record(project.context, adopt.look(project.context, name))
    project.before = project.account()
    project.members("vip", range(2, 12))
    project.members("news", [*range(7, 20), 25, 26, 27])
    project.rename(3, "New")
    project.rename(15, "New")
    project.run = project.sync().run_id
    return project


@pytest.fixture(scope="module")
def changed_once(shared):
    return take_over(shared)


@pytest.fixture
def looked_at(changed_once):
    """The same, for planning alone: what a test does to the warehouse is undone after it."""
    changed_once.warehouse.execute("begin transaction")
    yield changed_once
    changed_once.warehouse.execute("rollback")


def test_revert_brings_back_the_state_before_and_can_itself_be_reverted(project):
    take_over(project)
    after_the_run = project.account()
    assert after_the_run["tags"] != project.before["tags"]
    planned, result = back(project, project.run)
    assert result.ok
    reverted = project.account()
    assert reverted["tags"] == project.before["tags"]
    strangers = {("list1", key(number)) for number in (25, 26, 27)}
    assert {name: body for name, body in reverted["members"].items() if name not in strangers} == project.before["members"]
    assert planned.strangers == 3
    assert strangers < set(reverted["members"])
    asked = "select kind, outcome from reverse_sync.runs where run_id = ?"
    assert project.warehouse.execute(asked, [result.run_id]).fetchall() == [("revert", "ok")]

    # the next sync does not do it again
    assert [pause.name for pause in controls.in_force(project.settings)] == ["seg_news", "seg_vip"]
    project.sync()
    assert project.account() == reverted

    again = revert.plan_back(project.context, project.run)
    assert (again.is_empty, again.later) == (True, {result.run_id: 11})
    back(project, result.run_id)
    assert project.account() == after_the_run


def test_it_shows_what_it_would_do_and_does_nothing(looked_at):
    before = looked_at.account()
    planned = revert.plan_back(looked_at.context, looked_at.run[:8])
    figures = {one.membership: (one.adds, one.updates, one.removals) for one in planned.plan.audiences}
    assert figures == {"VIP": (2, 1, 2), "NEWS": (2, 1, 3)}
    assert planned.segments == ("seg_news", "seg_vip")
    assert planned.plan.calls_by() == {"mailchimp": {"write": 1, "join": 0, "leave": 2}}
    assert looked_at.account() == before
    assert controls.in_force(looked_at.settings) == []


def test_who_said_no_meanwhile_does_not_come_back(looked_at):
    looked_at.decide(0, "deny", "unsubscribed")
    looked_at.decide(5, "deny", "complaint")
    planned = revert.plan_back(looked_at.context, looked_at.run)
    refused = {one.membership: one.refused for one in planned.plan.audiences if one.refused}
    assert refused == {"VIP": {"unsubscribed": 1}, "NEWS": {"complaint": 1}}
    joining = {(change.key, membership) for change in planned.plan.changes["mailchimp"] for membership in change.add}
    assert joining == {(key(1), "VIP"), (key(6), "NEWS")}


def test_whoever_the_esp_itself_would_not_mail_or_nobody_knows_any_more_stays_out(looked_at, monkeypatch):
    looked_at.warehouse.execute("alter table profiles.mailchimp_profiles add column esp_status varchar")
    looked_at.warehouse.execute("update profiles.mailchimp_profiles set esp_status = 'cleaned' where customer_id = 'c000000'")
    looked_at.warehouse.execute("delete from profiles.mailchimp_profiles where customer_id = 'c000001'")
    monkeypatch.setattr(looked_at, "profile_columns", ["esp_status"])
    planned = revert.plan_back(looked_at.context, looked_at.run)
    assert {one.membership: one.refused for one in planned.plan.audiences}["VIP"] == {"esp_cleaned": 1, "not_in_profiles": 1}


def test_without_consent_that_can_be_relied_on_only_removals_go(looked_at, monkeypatch):
    monkeypatch.setattr(looked_at, "clock", FixedClock(NOW + timedelta(hours=40)))
    planned = revert.plan_back(looked_at.context, looked_at.run)
    assert {call.action for calls in planned.plan.calls.values() for call in calls} == {"leave"}
    assert planned.fields_left == {"consent_stale": 2}
    assert not planned.plan.ok


def test_a_field_whose_purpose_is_gone_stays_out(project):
    project.purposes = {"orders": "profiling"}
    project.people(range(4))
    project.consent(range(4), "profiling")
    project.segment("vip", range(4))
    project.sync()
    project.warehouse.execute("update profiles.mailchimp_profiles set first_name = 'New', orders = 50")
    run = project.sync().run_id
    project.warehouse.execute(
        "update marts.consent_status set decision = 'deny', reason = 'unsubscribed'"
        " where purpose = 'profiling' and mailbox = 'person2@example.test'"
    )
    planned, result = back(project, run)
    assert result.ok
    assert planned.withheld == {"ORDERS": 1}
    fields = {number: project.esp.member(key(number))["merge_fields"] for number in range(4)}
    assert {number: (kept["FNAME"], kept["ORDERS"]) for number, kept in fields.items()} == {
        0: ("Name 0", 0),
        1: ("Name 1", 1),
        2: ("Name 2", 50),
        3: ("Name 3", 3),
    }


def test_what_a_later_run_changed_is_left_to_it_and_a_no_after_the_plan_is_heard_at_the_last_look(project):
    take_over(project)
    project.members("vip", [0, *range(3, 12)])
    later = project.sync().run_id
    planned = revert.plan_back(project.context, project.run)
    assert planned.later == {later: 1}
    project.decide(6, "deny", "unsubscribed")
    result = revert.carry_out(project.context, planned, NOW)
    assert result.destinations[0].withheld == {"unsubscribed": 1}
    assert {key(0), key(1)} <= project.esp.tag("VIP")
    assert key(2) not in project.esp.tag("VIP")
    assert key(5) in project.esp.tag("NEWS")
    assert key(6) not in project.esp.tag("NEWS")


def test_a_document_that_we_did_not_know_keeps_the_fields_and_loses_the_membership(project):
    project.people(range(4))
    project.segment("vip", range(4))
    project.put(range(4), fields={"FNAME": "By hand"})
    run = project.sync().run_id
    planned, _ = back(project, run)
    assert planned.strangers == 4
    assert project.esp.tag("VIP") == set()
    assert project.esp.member(key(1))["merge_fields"]["FNAME"] == "Name 1"


def test_an_adoption_taken_back_sends_nothing_and_leaves_what_was_ours(project):
    project.people(range(10))
    project.segment("vip", range(4))
    project.segment("news", range(10))
    project.sync(segments=["seg_vip"])
    before = project.warehouse.execute(
        "select document_key, memberships, seen from reverse_sync.delivered order by all"
    ).fetchall()
    project.put(range(10), "VIP", "NEWS")
    run, count = adopt.record(project.context, adopt.look(project.context, "seg_news"))
    assert count == 10
    project.esp.writes()
    planned, result = back(project, run)
    assert (len(planned.forgotten), result) == (10, None)
    after = project.warehouse.execute(
        "select document_key, memberships, seen from reverse_sync.delivered order by all"
    ).fetchall()
    assert after == before
    assert project.esp.writes() == {}
    assert controls.in_force(project.settings) == []
    assert revert.plan_back(project.context, run).is_empty


@pytest.mark.parametrize("name", ["nothing", "' or 1=1"])
def test_a_run_that_never_was_is_refused(looked_at, name):
    with pytest.raises(ConfigurationError, match="no such run"):
        revert.plan_back(looked_at.context, name)


def test_nothing_can_be_reverted_before_anything_ran(project):
    project.people(range(1))
    project.segment("vip", range(1))
    with pytest.raises(ConfigurationError, match="no such run"):
        revert.plan_back(project.context, "abc")
