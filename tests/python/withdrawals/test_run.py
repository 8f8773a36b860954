"""A withdrawal is a write: whoever can mail a person who said no is told, once, whatever else stands still."""

import asyncio
from datetime import timedelta

import pytest

from mailhouse import withdrawals
from tests.python.withdrawals.conftest import BEFORE, VENDORS

REFUSED = dict.fromkeys(VENDORS, False)
AGREED = dict.fromkeys(VENDORS, True)


def test_a_refusal_in_one_system_is_set_in_all_the_others_with_a_receipt_from_each(house):
    house.person("ann", refused_in=["mailchimp"])
    house.person("bob")
    house.land()
    house.refuse("ann")
    result = house.tell()
    assert result.ok
    assert house.mailable("ann") == REFUSED
    assert house.mailable("bob") == AGREED
    assert house.journal("connection_id", "status", "event_id") == [
        ("hubspot", "accepted", "w"),
        ("klaviyo", "accepted", "w"),
        ("salesforce", "accepted", "w"),
        ("sendgrid", "accepted", "w"),
        ("shopify", "accepted", "w"),
    ]
    told = {one.connection_id: one.accepted for one in result.systems if one.told}
    assert told == dict.fromkeys(("hubspot", "klaviyo", "salesforce", "sendgrid", "shopify"), 1)


def test_nobody_is_told_twice(house):
    house.person("ann")
    house.land()
    house.refuse("ann")
    house.tell()
    assert sum(house.vendors.writes().values()) > 0
    # before what was told has landed, and after
    assert house.tell().ok
    house.land()
    assert house.tell().ok
    assert house.vendors.writes() == {}


def test_an_act_of_the_inbox_is_told_before_any_build_has_seen_it(house):
    house.person("ann")
    house.land()
    event_id = house.record("withdraw", "ann")
    result = house.tell()
    assert result.ok
    assert house.mailable("ann") == REFUSED
    assert house.journal("connection_id", "event_id") == [(vendor, event_id) for vendor in sorted(VENDORS)]
    house.vendors.forget()
    assert house.tell().ok
    assert house.vendors.writes() == {}


def test_an_act_of_the_inbox_is_told_where_the_person_has_not_landed_yet(house):
    house.person("ann", vendors=["shopify", "mailchimp"])
    house.record("withdraw", "ann")
    assert house.tell().ok
    assert house.mailable("ann") == {**dict.fromkeys(VENDORS), "shopify": False, "mailchimp": False}
    assert house.journal("connection_id", "container", "code") == [
        ("hubspot", "", "unknown_there"),
        ("klaviyo", "", "unknown_there"),
        ("mailchimp", "list1", ""),
        ("salesforce", "", "unknown_there"),
        ("sendgrid", "", "unknown_there"),
        ("shopify", "", ""),
    ]


def test_an_act_of_the_inbox_reaches_the_person_s_other_addresses(house):
    house.person("ann")
    house.person("ann.work")
    house.warehouse.execute("update intermediate.int_customer_mailboxes_collected set customer_id = 'ann'")
    house.land()
    house.record("withdraw", "ann")
    assert house.tell().ok
    assert house.mailable("ann.work") == REFUSED


def test_a_bounce_is_nobody_s_refusal(house):
    house.person("ann")
    house.land()
    house.record("block", "ann", reason="hard_bounce")
    assert house.tell().ok
    assert house.mailable("ann") == AGREED


@pytest.mark.parametrize("later", [True, False])
def test_whoever_agreed_again_in_the_inbox_is_told_nothing_of_before(house, later):
    house.person("ann")
    house.land()
    house.refuse("ann")
    house.record("withdraw", "ann", occurred_at=BEFORE + timedelta(hours=1))
    moment = BEFORE + timedelta(hours=2 if later else -2)
    house.record("grant", "ann", purpose="marketing_email", proof="double_opt_in", occurred_at=moment)
    assert house.tell().ok
    assert house.mailable("ann") == (AGREED if later else REFUSED)


def test_a_system_that_is_down_is_owed_and_holds_up_nobody(house):
    house.person("ann")
    house.land()
    house.refuse("ann")
    house.vendors.runtime.faults.replace([{"vendor": "hubspot", "do": "500", "times": None}])
    result = house.tell()
    assert not result.ok
    assert house.mailable("ann") == {**REFUSED, "hubspot": True}
    (problem,) = result.problems
    assert problem.startswith("hubspot: 1 withdrawals are not acknowledged")
    assert "example.org" not in problem
    house.vendors.runtime.faults.replace([])
    house.vendors.forget()
    house.clock.sleep(60)
    assert house.tell().ok
    assert house.mailable("ann") == REFUSED
    assert list(house.vendors.writes()) == ["hubspot"]


def test_what_is_owed_is_not_forgotten_when_no_model_shows_it_any_more(house):
    house.person("ann", vendors=["shopify"])
    house.record("withdraw", "ann")
    house.vendors.runtime.faults.replace([{"vendor": "shopify", "do": "500", "times": None}])
    assert not house.tell().ok
    # the build takes the act into the ledger, and shopify never lands
    house.warehouse.execute("insert into marts.consent_events select event_id from reverse_sync.withdrawals")
    house.refuse("ann")
    house.vendors.runtime.faults.replace([])
    assert house.tell().ok
    assert house.mailable("ann")["shopify"] is False


def test_what_is_owed_ends_when_the_person_agrees_before_it_could_be_told(house):
    house.person("ann", vendors=["hubspot"])
    house.land()
    house.refuse("ann")
    house.vendors.runtime.faults.replace([{"vendor": "hubspot", "do": "500", "times": None}])
    assert not house.tell().ok
    house.agree("ann")
    house.vendors.runtime.faults.replace([])
    assert house.tell().ok
    assert house.mailable("ann")["hubspot"] is True
    assert house.journal("status", "code") == [("unknown", "overtaken")]


def test_a_secret_that_is_missing_is_a_problem_of_one_system(house):
    house.person("ann")
    house.land()
    house.refuse("ann")
    object.__setattr__(house.settings.connections["klaviyo"], "sandbox_secrets", {})
    result = house.tell()
    assert [one.connection_id for one in result.systems if not one.ok] == ["klaviyo"]
    assert house.mailable("ann") == {**REFUSED, "klaviyo": True}


def test_whoever_can_be_mailed_again_is_told_again_once(house):
    address = house.person("ann", vendors=["hubspot"])
    house.land()
    house.refuse("ann")
    house.tell()
    # somebody clears the flag, of which the ledger has no proven act
    house.clock.sleep(3600)
    house.vendors.store.set_now(house.clock.now())
    house.vendors.store.delete("hubspot.preference", address)
    house.vendors.put("hubspot", 1, address)
    row = house.vendors.store.get("hubspot.contact", "1")
    row.updated_at = row.body["updatedAt"] = house.clock.now().isoformat()
    house.vendors.store.put("hubspot.contact", row)
    house.vendors.forget()
    house.land()
    assert house.tell().ok
    assert house.mailable("ann")["hubspot"] is False
    assert house.vendors.writes() == {"hubspot": 1}
    assert house.tell().ok
    house.land()
    assert house.tell().ok
    assert house.vendors.writes() == {}


def test_who_agreed_since_the_ledger_was_built_waits_for_the_next_build(house):
    address = house.person("ann", vendors=["shopify"], refused_in=["shopify"])
    house.land()
    house.refuse("ann")
    assert house.tell().ok
    house.clock.sleep(86_400)
    house.vendors.store.set_now(house.clock.now())
    house.vendors.put("shopify", 1, address)
    row = house.vendors.store.get("shopify.customer", "1")
    moment = house.clock.now().isoformat()
    row.body["emailMarketingConsent"]["consentUpdatedAt"] = row.body["updatedAt"] = row.updated_at = moment
    house.vendors.store.put("shopify.customer", row)
    house.vendors.forget()
    house.land()
    assert house.tell(expect_models=False).ok
    assert house.mailable("ann")["shopify"] is True
    # the build finds that what the shop says proves nothing: the refusal stands
    house.decide(address, "deny")
    assert house.tell().ok
    assert house.mailable("ann")["shopify"] is False


def test_a_system_is_told_of_the_purposes_that_it_serves(house):
    house.person("ann")
    house.land()
    house.settings.connections["hubspot"].settings["purposes"] = ["product_news"]
    house.refuse("ann", purpose="marketing_email")
    assert house.tell().ok
    assert house.mailable("ann") == {**REFUSED, "hubspot": True}
    house.record("withdraw", "ann", purpose="*")
    assert house.tell().ok
    assert house.mailable("ann") == REFUSED


def test_purposes_that_cannot_be_read_hold_nothing_back(house):
    house.person("ann")
    house.land()
    house.settings.connections["hubspot"].settings["purposes"] = "product_news"
    house.refuse("ann")
    result = house.tell()
    assert house.mailable("ann") == REFUSED
    assert [problem.partition(";")[0] for problem in result.problems] == [
        "connection hubspot: settings.purposes must be a list of purposes"
    ]


def test_a_ledger_that_is_not_built_is_a_problem_and_the_inbox_is_told_all_the_same(house):
    house.person("ann")
    house.record("withdraw", "ann")
    house.warehouse.execute("drop view marts.withdrawals_owed")
    house.warehouse.execute("drop schema intermediate cascade")
    result = house.tell()
    assert house.mailable("ann") == REFUSED
    assert len(result.problems) == 1
    assert "not built" in result.problems[0]
    assert house.tell(expect_models=False).ok


def test_an_inbox_that_cannot_be_read_is_a_problem_and_the_ledger_is_told_all_the_same(house):
    house.person("ann")
    house.land()
    house.refuse("ann")
    house.settings.inbox_path.write_bytes(b"this is no database" * 100)
    result = house.tell()
    assert not result.ok
    assert house.mailable("ann") == REFUSED


def test_nothing_ever_turns_a_refusal_back(house):
    for number in range(6):
        house.person(f"p{number}", refused_in=VENDORS[: number % 5])
    house.land()
    for number in range(6):
        house.refuse(f"p{number}", event_id=f"w{number}")
    house.vendors.forget()
    for do in ("429", "500", "timeout_after_apply"):
        faults = [{"vendor": vendor, "method": "POST", "do": do, "nth": 2} for vendor in VENDORS]
        house.vendors.runtime.faults.replace(faults)
        house.tell()
        house.land()
    assert house.tell().ok
    for effect in house.vendors.runtime.effects.as_json()["effects"]:
        assert effect["effect"] != "unsuppressed"
        before, after = effect["before"], effect["after"]
        if effect["effect"] in ("consent", "changed"):
            assert after in ("unsubscribed",) or "SUBSCRIBED" not in str(after).replace("UNSUBSCRIBED", ""), (before, after)
    assert all(house.mailable(f"p{number}") == REFUSED for number in range(6))


def test_an_act_is_told_while_a_sync_is_running_and_once(house):
    house.person("ann")
    house.person("bob")
    house.land()
    withdrawals.tell(house.context, lambda _: None)

    async def running() -> list[object]:
        hearing = withdrawals.Hearing(house.context)
        heard = [await hearing.heed()]
        house.record("withdraw", "ann")
        heard += await asyncio.gather(hearing.heed(), hearing.heed())
        house.record("withdraw", "bob")
        return [*heard, await hearing.heed(), await hearing.heed()]

    first, *during, after_bob, nothing = asyncio.run(running())
    assert first is None and nothing is None
    (told,) = [one for one in during if one is not None]
    assert {one.connection_id: one.accepted for one in told.systems} == dict.fromkeys(VENDORS, 1)
    assert {one.connection_id: one.told for one in after_bob.systems} == dict.fromkeys(VENDORS, 1)
    assert house.mailable("ann") == house.mailable("bob") == REFUSED


def test_what_was_not_taken_while_a_sync_was_running_is_tried_again_a_minute_later(house):
    house.person("ann", vendors=["hubspot"])
    house.land()
    house.tell()
    house.vendors.runtime.faults.replace([{"vendor": "hubspot", "do": "500", "times": None}])

    async def running() -> list[object]:
        hearing = withdrawals.Hearing(house.context)
        house.record("withdraw", "ann")
        heard = [await hearing.heed(), await hearing.heed()]
        house.vendors.runtime.faults.replace([])
        house.clock.sleep(90)
        return [*heard, await hearing.heed()]

    failed, waiting, taken = asyncio.run(running())
    assert not failed.ok
    assert waiting is None
    assert taken.ok
    assert house.mailable("ann")["hubspot"] is False
