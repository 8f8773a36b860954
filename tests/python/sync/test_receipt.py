"""The receipt says whether desired, delivered and actual are the same people."""

from mailhouse import sync
from mailhouse.clock import SystemClock
from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.sandbox.store import Row


def receipts(world, result):
    return {one.membership: one for one in sync.receipt(world.context, result.plan, result.run_id)}


def test_a_good_sync_has_a_receipt_of_three_equal_figures(world, esp):
    world.people(range(1100))
    world.segment("newsletter", range(1100))
    world.segment("vip", range(10))
    found = receipts(world, world.sync())
    assert all(one.ok and one.settled for one in found.values())
    one = found["NEWSLETTER"]
    assert (one.desired, one.delivered, one.actual, one.reported) == (1100, 1100, 1100, 1100)
    assert world.count("receipts") == 2


def test_differences_are_listed_by_key_and_told_apart(world, esp):
    world.people(range(5))
    world.segment("newsletter", range(5))
    lost, stranger, refused = (key_of(f"{name}@example.test") for name in ("person1", "stranger", "person4"))
    esp.store.put_many("mailchimp.forgotten", [Row(refused, {"id": refused}, esp.store.now(), parent="list1")])
    result = world.sync()
    esp.store.tag_remove("list1", esp.tag_id("NEWSLETTER"), [lost])
    esp.put_member(stranger, email_address="stranger@example.test", status="subscribed")
    esp.store.tag_add("list1", esp.tag_id("NEWSLETTER"), [stranger])
    (one,) = receipts(world, result).values()
    assert not one.ok
    assert one.differences == {"ours": (lost,), "added_there": (stranger,), "refused": (refused,)}
    kept = world.warehouse.execute("select is_equal, differences from reverse_sync.receipts").fetchall()[0]
    assert kept[0] is False
    assert lost in kept[1]
    assert "@" not in kept[1]


def test_lagging_statistics_are_waited_for(world, esp):
    esp.runtime.limits.change({"mailchimp": {"stats_lag_seconds": 0.6}})
    world.clock = SystemClock()
    world.limits = {"settle_time": 30.0}
    world.people(range(5))
    world.segment("newsletter", range(5))
    (one,) = receipts(world, world.sync()).values()
    assert one.settled
    assert one.reported == 5


def test_statistics_that_never_settle_are_said_so(world, esp):
    esp.runtime.limits.change({"mailchimp": {"stats_lag_seconds": 3600.0}})
    world.people(range(5))
    world.segment("newsletter", range(5))
    (one,) = receipts(world, world.sync()).values()
    assert not one.settled
    assert one.actual == 5


def test_someone_who_unsubscribed_at_the_esp_is_still_counted_in_the_tag(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    esp.put_member(key_of("person1@example.test"), email_address="person1@example.test", status="unsubscribed")
    (one,) = receipts(world, world.sync()).values()
    assert one.ok
    assert one.settled


def test_a_shadow_audience_has_no_receipt(world, esp):
    world.people(range(3))
    world.segment("trial", range(3), mode="shadow")
    assert receipts(world, world.sync()) == {}


def test_what_somebody_else_changed_there_is_shown_and_left_alone(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    assert receipts(world, world.sync())["NEWSLETTER"].equal
    lost = key_of("person1@example.test")
    esp.store.tag_remove("list1", esp.tag_id("NEWSLETTER"), [lost])
    result = world.sync()
    (one,) = receipts(world, result).values()
    assert one.differences == {"removed_there": (lost,)}
    assert one.ok
    assert not one.equal
    assert lost not in esp.tag("NEWSLETTER")


def test_who_has_not_confirmed_yet_is_counted_in_the_tag(world, esp):
    esp.store.put_many(
        "mailchimp.list", [Row("list1", {"id": "list1", "name": "Customers", "double_optin": True}, esp.store.now())]
    )
    world.people(range(3))
    world.segment("newsletter", range(3))
    (one,) = receipts(world, world.sync()).values()
    assert one.equal


def test_what_was_acknowledged_and_never_seen_is_sent_again(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    result = world.sync()
    lost = key_of("person1@example.test")
    esp.store.tag_remove("list1", esp.tag_id("NEWSLETTER"), [lost])
    (one,) = receipts(world, result).values()
    assert one.differences == {"ours": (lost,)}
    assert not one.ok
    (healed,) = receipts(world, world.sync()).values()
    assert healed.equal
    assert lost in esp.tag("NEWSLETTER")


def test_a_record_that_the_esp_no_longer_mails_is_the_vendors_doing(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    receipts(world, world.sync())
    cleaned = key_of("person1@example.test")
    esp.put_member(cleaned, email_address="person1@example.test", status="cleaned")
    esp.store.tag_remove("list1", esp.tag_id("NEWSLETTER"), [cleaned])
    (one,) = receipts(world, world.sync()).values()
    assert one.differences == {"vendor": (cleaned,)}
    assert one.ok


def test_a_field_that_the_marketer_changed_is_shown_and_one_of_ours_is_sent_again(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    result = world.sync()
    ours, theirs = key_of("person0@example.test"), key_of("person1@example.test")
    member = dict(esp.member(ours))
    esp.put_member(**{**member, "key": ours, "merge_fields": {**member["merge_fields"], "FNAME": "Lost"}})
    sync.receipt(world.context, result.plan, result.run_id, with_fields=True)
    member = dict(esp.member(theirs))
    esp.put_member(**{**member, "key": theirs, "merge_fields": {**member["merge_fields"], "FNAME": "By hand"}})
    again = world.sync()
    assert esp.member(ours)["merge_fields"]["FNAME"] == "Name 0"
    (one,) = sync.receipt(world.context, again.plan, again.run_id, with_fields=True)
    assert one.differences == {"changed_there": (theirs,)}
    assert one.ok
    assert world.plan().is_empty
