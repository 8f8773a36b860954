"""Who may not be written to is refused with a reason, and what is not known is a no."""

from datetime import timedelta


def test_each_refusal_has_its_reason_and_nobody_refused_is_sent(world, esp):
    world.people(range(10))
    world.people(range(10, 13), decision="deny", reason="withdrawn")
    world.people(range(13, 15), decision="deny", reason="hard_bounce")
    world.warehouse.execute("delete from marts.consent_status where mailbox = 'person1@example.test'")
    world.warehouse.execute("update profiles.mailchimp_profiles set email = null where customer_id = 'c000002'")
    world.warehouse.execute("update profiles.mailchimp_profiles set email = 'not an address' where customer_id = 'c000003'")
    world.segment("newsletter", [*(f"c{n:06d}" for n in range(15)), "c999999"])
    plan = world.plan()
    assert plan.refused() == {
        "hard_bounce": 2,
        "invalid_address": 1,
        "no_address": 1,
        "no_consent_record": 1,
        "not_in_profiles": 1,
        "withdrawn": 3,
    }
    assert plan.audiences[0].adds == 7
    world.sync()
    assert len(esp.tag("NEWSLETTER")) == 7
    assert esp.store.count("mailchimp.member", "list1") == 7


def test_a_withdrawal_takes_the_person_off_every_tag_and_changes_no_field(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.segment("vip", range(3))
    world.sync()
    esp.writes()
    world.decide(1, "deny", "withdrawn")
    world.rename(1, "Someone Else")
    plan = world.plan()
    assert plan.calls_by()["mailchimp"] == {"write": 0, "join": 0, "leave": 2}
    world.sync()
    assert esp.writes() == {"leave": 2}
    assert len(esp.tag("NEWSLETTER")) == len(esp.tag("VIP")) == 2


def test_a_mailbox_without_a_decision_for_the_purpose_is_refused(world):
    world.people(range(2))
    world.segment("surveys", range(2), purpose="research")
    assert world.plan().refused() == {"no_consent_record": 2}


def test_two_decisions_that_contradict_each_other_are_a_no(world):
    world.people(range(2))
    world.people(range(1, 2), decision="deny", reason="withdrawn")
    world.warehouse.execute("delete from profiles.mailchimp_profiles where customer_id = 'c000001'")
    world.warehouse.execute(
        "insert into profiles.mailchimp_profiles (customer_id, email, mailbox)"
        " values ('c000001', 'person1@example.test', 'person1@example.test')"
    )
    world.segment("newsletter", range(2))
    assert world.plan().refused() == {"withdrawn": 1}


def _unreliable(world, esp, spoil: str, status: str) -> None:
    world.people(range(6))
    world.segment("newsletter", range(4))
    world.sync()
    esp.writes()
    world.members("newsletter", range(1, 6))
    world.rename(2, "New")
    world.warehouse.execute(spoil)
    result = world.sync()
    assert result.plan.consent.status == status
    assert not result.ok
    assert any("nothing was added or changed" in line for line in result.problems)
    # who left leaves; nobody is added, changed, or taken off because consent could not be read
    assert esp.writes() == {"leave": 1}
    assert len(esp.tag("NEWSLETTER")) == 3


def test_no_consent_table_adds_and_changes_nothing(world, esp):
    _unreliable(world, esp, "drop table marts.consent_status", "missing")


def test_an_empty_consent_table_adds_and_changes_nothing(world, esp):
    _unreliable(world, esp, "delete from marts.consent_status", "missing")


def test_consent_decided_long_ago_adds_and_changes_nothing(world, esp):
    _unreliable(world, esp, "update marts.consent_status set decided_at = decided_at - interval 3 day", "stale")


def test_consent_older_than_the_ledger_adds_and_changes_nothing(world, esp):
    newer = "insert into marts.consent_events select 'new', max(decided_at) + interval 1 minute from marts.consent_status"
    _unreliable(world, esp, newer, "stale")


def test_a_no_in_a_stale_table_still_removes(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    esp.writes()
    world.decide(0, "deny", "withdrawn")
    world.clock.sleep(timedelta(days=5).total_seconds())
    world.sync()
    assert esp.writes() == {"leave": 1}
    assert len(esp.tag("NEWSLETTER")) == 2


def test_the_last_look_keeps_back_who_said_no_after_the_plan_was_made(world, esp):
    from mailhouse import sync

    world.people(range(3))
    world.segment("newsletter", range(3))
    plan = world.plan()
    world.decide(1, "deny", "withdrawn")
    result = sync.sync(world.context, plan)
    assert result.destinations[0].withheld == {"withdrawn": 1}
    assert len(esp.tag("NEWSLETTER")) == 2


def test_a_field_is_withheld_from_who_did_not_grant_its_purpose(world, esp, monkeypatch):
    import json

    world.people(range(2))
    world.segment("newsletter", range(2))
    world.warehouse.execute(
        "insert into marts.consent_status select mailbox, channel, 'profiling', brand, decision, reason, event_id, decided_at"
        " from marts.consent_status where mailbox = 'person0@example.test'"
    )
    path = world.manifest()
    document = json.loads(path.read_text())
    columns = document["nodes"]["model.mailhouse.mailchimp_profiles"]["columns"]
    columns["first_name"]["config"]["meta"] = {"purpose": "profiling"}
    path.write_text(json.dumps(document))
    monkeypatch.setattr(type(world), "manifest", lambda _: path)
    assert world.sync().ok
    names = {
        row.body["email_address"]: row.body["merge_fields"]["FNAME"]
        for row in esp.store.page("mailchimp.member", parent="list1", limit=9)
    }
    assert names == {"person0@example.test": "Name 0", "person1@example.test": ""}


def test_a_hold_out_is_the_same_people_each_time_and_still_gets_removals(world, esp):
    world.people(range(400))
    world.segment("newsletter", range(400), holdout=0.25)
    plan = world.plan()
    held_out = plan.refused()["held_out"]
    assert 60 < held_out < 140
    world.sync()
    first = esp.tag("NEWSLETTER")
    assert len(first) == 400 - held_out
    assert world.plan().is_empty
    world.segment("newsletter", range(400), holdout=0.5)
    world.sync()
    assert esp.tag("NEWSLETTER") < first


def test_a_roll_out_only_grows(world, esp):
    world.people(range(400))
    world.segment("newsletter", range(400), rollout=0.2)
    world.sync()
    first = esp.tag("NEWSLETTER")
    assert 40 < len(first) < 130
    world.segment("newsletter", range(400), rollout=0.6)
    assert world.plan().audiences[0].removals == 0
    world.sync()
    assert first < esp.tag("NEWSLETTER")
