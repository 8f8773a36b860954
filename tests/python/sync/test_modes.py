"""Every mode does what its name says, and hold-outs, priorities and roll-outs decide who is in."""

import pytest

from mailhouse.destinations.mailchimp.wire import key_of
from tests.python.sync.conftest import customer


def keys(*numbers: int) -> set[str]:
    return {key_of(f"person{number}@example.test") for number in numbers}


def known_there(world, esp, *numbers: int) -> None:
    """These people are members of the list already, by somebody else's doing, and the landing has told us so."""
    columns = {name for name, *_ in world.warehouse.execute("describe profiles.mailchimp_profiles").fetchall()}
    if "esp_status" not in columns:
        world.warehouse.execute("alter table profiles.mailchimp_profiles add column esp_status varchar")
    world.profile_columns.append("esp_status")
    for number in numbers:
        world.warehouse.execute(
            "update profiles.mailchimp_profiles set esp_status = 'subscribed' where customer_id = ?", [customer(number)]
        )
        address = f"person{number}@example.test"
        esp.put_member(key_of(address), email_address=address, status="subscribed", merge_fields={"FNAME": "Theirs"})


def test_upsert_lets_nobody_go(world, esp):
    world.people(range(4))
    world.segment("newsletter", range(4), mode="upsert")
    world.sync()
    world.members("newsletter", range(2))
    world.rename(0, "Anew")
    world.sync()
    assert esp.tag("NEWSLETTER") == keys(0, 1, 2, 3)
    assert esp.member(key_of("person0@example.test"))["merge_fields"]["FNAME"] == "Anew"


def test_update_only_creates_nobody(world, esp):
    world.people(range(4))
    known_there(world, esp, 1, 2)
    world.segment("newsletter", range(4), mode="update_only")
    plan = world.plan()
    assert plan.refused() == {"not_there": 2}
    assert plan.new_contacts == {}
    world.sync()
    assert esp.tag("NEWSLETTER") == keys(1, 2)
    assert esp.member(key_of("person1@example.test"))["merge_fields"]["FNAME"] == "Name 1"
    assert esp.member(key_of("person0@example.test")) is None


def test_insert_only_touches_nobody_who_is_there_and_never_changes_whom_it_inserted(world, esp):
    world.people(range(4))
    known_there(world, esp, 1)
    world.segment("newsletter", range(4), mode="insert_only")
    plan = world.plan()
    assert plan.refused() == {"already_there": 1}
    assert plan.new_contacts == {"mailchimp": 3}
    world.sync()
    assert esp.tag("NEWSLETTER") == keys(0, 2, 3)
    assert esp.member(key_of("person1@example.test"))["merge_fields"]["FNAME"] == "Theirs"
    world.rename(0, "Anew")
    world.members("newsletter", range(1))
    assert world.plan().is_empty


def test_mirror_never_touches_a_membership_that_it_did_not_deliver(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(2))
    world.sync()
    esp.put_member(key_of("stranger@example.test"), email_address="stranger@example.test", status="subscribed")
    esp.store.tag_add("list1", esp.tag_id("NEWSLETTER"), [key_of("stranger@example.test")])
    world.members("newsletter", range(0))
    world.sync()
    assert esp.tag("NEWSLETTER") == {key_of("stranger@example.test")}


def test_the_highest_priority_wins_and_the_others_say_so(world, esp):
    world.people(range(4))
    world.segment("gold", range(2), priority=20)
    world.segment("silver", range(4), priority=10)
    world.segment("news", range(4))
    plan = world.plan()
    assert plan.refused() == {"lower_priority": 2}
    world.sync()
    assert esp.tag("GOLD") == keys(0, 1)
    assert esp.tag("SILVER") == keys(2, 3)
    assert len(esp.tag("NEWS")) == 4
    world.members("gold", range(1))
    world.sync()
    assert esp.tag("SILVER") == keys(1, 2, 3)


def test_who_was_held_out_once_stays_so_after_a_merge(world, esp):
    world.people(range(400))
    world.segment("newsletter", range(400), holdout=0.2)
    world.sync()
    held = world.warehouse.execute("select customer_id, mailbox from reverse_sync.holdouts order by 1").fetchall()
    assert 40 < len(held) < 120
    old, mailbox = held[0]
    # the person becomes part of another customer, whose hash would let them in
    number = int(mailbox.split("@")[0].removeprefix("person"))
    let_in = next(
        candidate
        for candidate in range(400, 900)
        if not world.warehouse.execute(
            "select cast('0x' || substr(md5('holdout:Customers:NEWSLETTER:' || ?), 1, 8) as bigint) / 4294967296.0 < 0.2",
            [customer(candidate)],
        ).fetchall()[0][0]
    )
    world.warehouse.execute(
        "update profiles.mailchimp_profiles set customer_id = ? where customer_id = ?", [customer(let_in), old]
    )
    world.members("newsletter", [customer(let_in)])
    plan = world.plan()
    assert plan.refused() == {"held_out": 1}
    world.sync()
    assert not esp.tag("NEWSLETTER") & keys(number)


def test_a_roll_out_only_grows_and_takes_nobody_back(world, esp):
    world.people(range(300))
    seen: set[str] = set()
    for share in (0.1, 0.4, 1.0):
        world.segment("newsletter", range(300), rollout=share)
        world.sync()
        assert seen <= esp.tag("NEWSLETTER")
        seen = esp.tag("NEWSLETTER")
    assert len(seen) == 300


def test_a_decision_lasts_from_when_it_was_made_to_when_it_changed(world):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    world.later(hours=1)
    world.sync()
    world.decide(1, "deny", "withdrawn")
    world.later(hours=1)
    world.sync()
    rows = world.warehouse.execute(
        "select decision, reason, valid_to is null from reverse_sync.send_decisions where customer_id = ? order by valid_from",
        [customer(1)],
    ).fetchall()
    assert rows == [("allowed", "allowed", False), ("refused", "withdrawn", True)]
    assert world.count("send_decisions") == 4


@pytest.mark.parametrize(("if_null", "kept"), [("clear", ""), ("leave", "Name 0")])
def test_a_null_clears_the_field_or_leaves_it(world, esp, if_null, kept):
    world.fields["first_name"] = {"field": "FNAME", "if_null": if_null}
    world.people(range(1))
    world.segment("newsletter", range(1))
    world.sync()
    world.warehouse.execute("update profiles.mailchimp_profiles set first_name = null")
    world.sync()
    assert esp.member(key_of("person0@example.test"))["merge_fields"]["FNAME"] == kept
    assert world.plan().is_empty


def test_a_field_of_another_type_than_its_column_is_refused(world):
    from mailhouse.errors import ConfigurationError

    world.fields["first_name"] = {"field": "FNAME", "type": "number"}
    world.people(range(1))
    world.segment("newsletter", range(1))
    with pytest.raises(ConfigurationError, match=r"first_name\.type: the column holds text, not number"):
        world.plan()
