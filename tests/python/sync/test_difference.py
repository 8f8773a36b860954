"""What a changed model means for the ESP, case by case."""

import pytest

from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.errors import ConfigurationError


def test_a_changed_field_is_an_update_of_every_tag_the_person_has(world, esp):
    world.people(range(5))
    world.segment("newsletter", range(5))
    world.segment("vip", range(2))
    world.sync()
    world.rename(1, "Renamed")
    plan = world.plan()
    figures = {one.membership: (one.adds, one.updates, one.removals, one.unchanged) for one in plan.audiences}
    assert figures == {"NEWSLETTER": (0, 1, 0, 4), "VIP": (0, 1, 0, 1)}
    world.sync()
    assert esp.member(key_of("person1@example.test"))["merge_fields"]["FNAME"] == "Renamed"


def test_a_null_clears_the_field(world, esp):
    world.people(range(1))
    world.segment("newsletter", range(1))
    world.sync()
    world.warehouse.execute("update profiles.mailchimp_profiles set country = null, orders = null, last_order_date = null")
    world.sync()
    fields = esp.member(key_of("person0@example.test"))["merge_fields"]
    assert (fields["COUNTRY"], fields["ORDERS"], fields["LASTORDER"]) == ("", "", "")


def test_fields_are_made_with_the_type_of_their_column(world, esp):
    world.people(range(1))
    world.segment("newsletter", range(1))
    world.sync()
    kinds = {row.body["tag"]: row.body["type"] for row in esp.store.page("mailchimp.merge_field", parent="list1", limit=99)}
    assert {kinds[name] for name in ("COUNTRY", "FNAME")} == {"text"}
    assert (kinds["ORDERS"], kinds["LASTORDER"]) == ("number", "date")


def test_a_changed_address_empties_the_old_document_and_fills_the_new(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    world.people(range(50, 51))
    world.warehouse.execute("delete from profiles.mailchimp_profiles where customer_id = 'c000050'")
    world.warehouse.execute(
        "update profiles.mailchimp_profiles set email = 'person50@example.test', mailbox = email where customer_id = 'c000001'"
    )
    world.warehouse.execute("update profiles.mailchimp_profiles set mailbox = email")
    plan = world.plan()
    assert (plan.audiences[0].adds, plan.audiences[0].removals) == (1, 1)
    world.sync()
    assert esp.tag("NEWSLETTER") == {key_of(f"person{n}@example.test") for n in (0, 2, 50)}


def test_an_address_in_other_case_is_the_same_document(world, esp):
    world.people(range(1))
    world.warehouse.execute("update profiles.mailchimp_profiles set email = 'Person0@Example.test'")
    world.segment("newsletter", range(1))
    world.sync()
    assert esp.tag("NEWSLETTER") == {key_of("person0@example.test")}
    assert world.plan().is_empty


def test_a_shared_mailbox_is_one_document_with_the_union_of_memberships(world, esp):
    world.people(range(2))
    world.warehouse.execute("update profiles.mailchimp_profiles set email = 'person0@example.test', mailbox = email")
    world.warehouse.execute("update profiles.mailchimp_profiles set mailbox = email")
    world.segment("newsletter", ["c000001"])
    world.segment("vip", ["c000000"])
    plan = world.plan()
    (change,) = plan.changes["mailchimp"]
    assert change.customer_id == "c000000"
    assert change.add == ("NEWSLETTER", "VIP")
    world.sync()
    assert esp.member(change.key)["merge_fields"]["FNAME"] == "Name 0"
    assert world.plan().is_empty


def test_only_what_we_delivered_is_taken_away(world, esp):
    world.people(range(4))
    world.segment("newsletter", range(4))
    world.sync()
    # a marketer tags two more by hand, one of them a stranger
    esp.put_member(key_of("stranger@example.test"), email_address="stranger@example.test", status="subscribed")
    esp.store.tag_add("list1", esp.tag_id("NEWSLETTER"), [key_of("stranger@example.test")])
    world.members("newsletter", range(1))
    world.sync()
    assert esp.tag("NEWSLETTER") == {key_of("person0@example.test"), key_of("stranger@example.test")}


def test_an_upsert_lets_nobody_go_but_who_said_no(world, esp):
    world.people(range(4))
    world.segment("newsletter", range(4), mode="upsert")
    world.sync()
    world.members("newsletter", range(1))
    world.decide(3, "deny", "withdrawn")
    plan = world.plan()
    assert (plan.audiences[0].kept, plan.audiences[0].removals) == (2, 1)
    world.sync()
    assert len(esp.tag("NEWSLETTER")) == 3


def test_shadow_computes_everything_and_sends_nothing(world, esp):
    world.people(range(6))
    world.segment("newsletter", range(3))
    world.segment("trial", range(6), mode="shadow")
    plan = world.plan()
    figures = {one.membership: one.adds for one in plan.audiences}
    assert figures == {"NEWSLETTER": 3, "TRIAL": 6}
    assert plan.call_count == 1
    world.sync()
    assert esp.tag("TRIAL") == set()
    assert esp.store.count("mailchimp.member", "list1") == 3
    only_shadow = world.plan(["seg_trial"])
    assert only_shadow.is_empty
    assert only_shadow.audiences[0].adds == 6


def test_a_tag_no_segment_feeds_any_more_is_taken_away_by_a_plan_of_everything(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.segment("old", range(2))
    world.sync()
    del world.segments["seg_old"]
    assert world.plan(["seg_newsletter"]).is_empty
    plan = world.plan()
    assert [(one.membership, one.removals, one.segments) for one in plan.audiences if one.removals] == [("OLD", 2, ())]
    world.sync()
    assert esp.tag("OLD") == set()


def test_a_segment_that_is_not_asked_for_moves_nobody(world, esp):
    world.people(range(6))
    world.segment("newsletter", range(3))
    world.segment("vip", range(3))
    world.sync()
    world.members("newsletter", range(1, 5))
    world.members("vip", range(1, 5))
    world.sync(segments=["seg_vip"])
    assert len(esp.tag("VIP")) == 4
    assert esp.tag("NEWSLETTER") == {key_of(f"person{n}@example.test") for n in range(3)}
    with pytest.raises(ConfigurationError, match="seg_nothing"):
        world.plan(["seg_nothing"])


def test_a_segment_held_back_moves_nobody_but_who_said_no(world, esp):
    world.people(range(6))
    world.segment("newsletter", range(4))
    world.segment("vip", range(2))
    world.sync()
    world.members("newsletter", [])
    world.members("vip", range(3))
    world.decide(3, "deny", "withdrawn")
    result = world.sync(held_back={"seg_newsletter": "source hubspot did not land"})
    assert not result.ok
    assert "seg_newsletter is held back: source hubspot did not land" in result.problems
    assert len(esp.tag("NEWSLETTER")) == 3
    assert len(esp.tag("VIP")) == 3


def test_a_segment_that_is_not_built_is_held_back(world, esp):
    world.people(range(2))
    world.segment("newsletter", range(2))
    world.sync()
    world.warehouse.execute("drop table segments.seg_newsletter")
    plan = world.plan()
    assert "seg_newsletter" in plan.held_back
    assert plan.is_empty


def test_stop_if_removed_stops_the_segment_and_says_why(world, esp):
    world.people(range(200))
    world.segment("newsletter", range(200), stop_if_removed=0.2)
    world.sync()
    world.members("newsletter", range(130))
    plan = world.plan(approval=None)
    assert plan.is_empty
    assert not plan.ok
    assert "70 of 200 people would be removed, the limit is 20%" in plan.held_back["seg_newsletter"]
    world.members("newsletter", range(160))
    assert world.plan().audiences[0].removals == 40


def test_the_plan_for_machines_holds_no_address_and_no_value(world):
    import json

    world.people(range(3))
    world.segment("newsletter", range(3))
    text = json.dumps(world.plan().as_dict())
    assert "@" not in text
    assert "Name 1" not in text
    assert "c000001" in text


def test_a_plan_can_be_made_on_the_published_copy(world, esp):
    from mailhouse import sync
    from mailhouse.warehouse import Warehouse

    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    world.rename(1, "New")
    settings, manifest = world.settings, world.manifest()
    world.close()
    Warehouse(settings).publish()
    with Warehouse(settings).read() as copy:
        plan = sync.plan(sync.Context(settings, world.clock, copy, manifest))
    world.open()
    assert plan.call_count == 1
