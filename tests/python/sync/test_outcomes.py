"""What the ESP refuses is written down, waits its time, and is tried again when it changes."""

from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.sandbox.store import Row


def forget(esp, number: int) -> str:
    key = key_of(f"person{number}@example.test")
    esp.store.put_many("mailchimp.forgotten", [Row(key, {"id": key}, esp.store.now(), parent="list1")])
    return key


def test_a_refused_row_is_recorded_and_not_sent_again_until_it_is_due(world, esp):
    world.people(range(5))
    world.segment("newsletter", range(5))
    key = forget(esp, 2)
    result = world.sync()
    assert result.ok
    assert result.destinations[0].rejected == {"forgotten": 1}
    assert result.destinations[0].accepted == 4
    (row,) = world.warehouse.execute(
        "select document_key, action, code, reason, attempts, next_try_at - last_tried_at from reverse_sync.attempts"
    ).fetchall()
    assert row[:3] == (key, "write", "forgotten")
    assert "@" not in row[3]
    assert row[4] == 1
    esp.writes()

    plan = world.plan()
    assert plan.is_empty
    assert plan.audiences[0].waiting == 1
    world.sync()
    assert esp.writes() == {}

    world.later(hours=1, seconds=1)
    assert world.plan().call_count == 1
    world.sync()
    tries, distance = world.warehouse.execute(
        "select attempts, next_try_at - last_tried_at from reverse_sync.attempts"
    ).fetchall()[0]
    assert tries == 2
    assert distance > row[5]
    assert world.plan().is_empty


def test_a_refused_row_that_changed_is_tried_at_once_and_forgotten_when_it_lands(world, esp):
    world.people(range(2))
    world.segment("newsletter", range(2))
    key = forget(esp, 0)
    world.sync()
    assert world.count("attempts") == 1
    esp.store.delete("mailchimp.forgotten", key, "list1")
    world.rename(0, "Another")
    assert world.plan().call_count == 1
    world.sync()
    assert world.count("attempts") == 0
    assert key in esp.tag("NEWSLETTER")


def test_who_was_refused_and_is_not_wanted_any_more_leaves_no_trace(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    forget(esp, 0)
    world.sync()
    world.members("newsletter", range(1, 3))
    world.sync()
    assert world.count("attempts") == 0


def test_a_field_of_another_type_at_the_esp_is_named_before_anything_is_sent(world, esp):
    world.people(range(20))
    world.segment("newsletter", range(20))
    esp.store.put_many("mailchimp.merge_field", [_number_field()])
    world.warehouse.execute("alter table profiles.mailchimp_profiles alter orders type varchar")
    result = world.sync()
    assert not result.ok
    assert "ORDERS of Customers is a number there and text in the profile model" in result.problems[0]
    assert "batch" not in esp.writes()


def _number_field():
    body = {"merge_id": 9, "tag": "ORDERS", "name": "Orders", "type": "number", "required": False}
    return Row("9", body, "2026-05-01T00:00:00.000Z", parent="list1")


def test_who_unsubscribed_at_the_esp_keeps_that_status(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    key = key_of("person1@example.test")
    esp.put_member(key, email_address="person1@example.test", status="unsubscribed")
    world.sync()
    assert esp.member(key)["status"] == "unsubscribed"
    assert esp.member(key_of("person0@example.test"))["status"] == "subscribed"


def test_a_double_opt_in_list_asks_the_person_first(world, esp):
    esp.store.put_many(
        "mailchimp.list", [Row("list1", {"id": "list1", "name": "Customers", "double_optin": True}, esp.store.now())]
    )
    world.people(range(1))
    world.segment("newsletter", range(1))
    world.sync()
    assert esp.member(key_of("person0@example.test"))["status"] == "pending"


def test_a_leaver_whom_the_esp_no_longer_knows_has_left(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    key = key_of("person1@example.test")
    esp.store.tag_remove("list1", esp.tag_id("NEWSLETTER"), [key])
    esp.store.delete("mailchimp.member", key, "list1")
    world.members("newsletter", [])
    assert world.sync().ok
    assert world.delivered("NEWSLETTER") == set()
    assert world.plan().is_empty


def test_a_list_that_does_not_exist_is_named_with_those_that_do(world):
    world.people(range(1))
    world.segment("newsletter", range(1), audience="Nobody")
    result = world.sync()
    assert not result.ok
    assert "there is no list called 'Nobody'; there are: Customers" in result.problems[0]


def test_long_text_is_cut_to_what_the_esp_keeps(world, esp):
    world.people(range(1))
    world.rename(0, "é" * 300)
    world.segment("newsletter", range(1))
    assert world.sync().ok
    kept = esp.member(key_of("person0@example.test"))["merge_fields"]["FNAME"]
    assert kept == "é" * 127
    assert world.plan().is_empty
