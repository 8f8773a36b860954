"""Each vendor's writer against the sandbox: one answer an address, whatever the network does, and nobody made or brought back."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.mailchimp_words import hash_of
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.sendgrid_suppressions import GROUP, group_row, is_suppressed
from mailhouse.sandbox.store import Row, stamp
from mailhouse.withdrawals.base import Told, Withdrawal
from mailhouse.withdrawals.systems import connect
from mailhouse.withdrawals.telling import tell_all
from tests.python.destinations.conftest import SharedClock
from tests.python.withdrawals.conftest import BEFORE, LIST, NOW, OTHER_LIST, VENDORS, Vendors, owed

# people, and the calls that carry them: 100 addresses, 20 customers, 500 members, jobs of 100, 1,000 addresses, 200 records
PEOPLE = 230
CALLS = {"hubspot": 3, "shopify": 12, "mailchimp": 1, "klaviyo": 3, "sendgrid": 1, "salesforce": 2}


class Notes:
    """Keeps what is written down."""

    def __init__(self) -> None:
        self.tried: list[Withdrawal] = []
        self.answers: dict[str, Told] = {}

    def telling(self, batch: Sequence[Withdrawal]) -> None:
        self.tried += batch

    def told(self, answers: Sequence[Told]) -> None:
        self.answers |= {one.withdrawal.address: one for one in answers}

    def found(self, unseen: Sequence[Withdrawal], found: Sequence[Withdrawal]) -> None:
        assert {one.address for one in found} <= {one.address for one in unseen}


def tell(vendors: Vendors, vendor: str, ones: Sequence[Withdrawal]) -> dict[str, Told]:
    """Tell one vendor, and give back its answers by address."""

    async def run() -> dict[str, Told]:
        notes = Notes()
        async with connect(vendors.connections()[vendor], SharedClock(NOW, vendors.runtime)) as writer:
            stopped = await tell_all(writer, ones, notes)
        if stopped:
            raise stopped
        return notes.answers

    return asyncio.run(run())


def people(vendors: Vendors, vendor: str, count: int) -> list[Withdrawal]:
    ones = []
    for number in range(1, count + 1):
        vendors.put(vendor, number, f"P{number}@example.org")
        ones.append(owed(vendor, number, f"P{number}@example.org"))
    return ones


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_told_of_everybody_in_the_fewest_calls(vendors, vendor):
    ones = people(vendors, vendor, PEOPLE)
    vendors.put(vendor, 999, "other@example.org")
    vendors.forget()
    answers = tell(vendors, vendor, ones)
    assert {one.status for one in answers.values()} == {"accepted"}
    assert len(answers) == PEOPLE
    assert vendors.writes() == {vendor: CALLS[vendor]} or (vendors.writes() == {} and vendor == "shopify")
    assert not any(vendors.mailable(vendor, one.address) for one in ones)
    assert vendors.mailable(vendor, "other@example.org")


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("do", ["429", "500", "timeout_after_apply", "reset", "truncated", "garbage", "html200"])
def test_whatever_happens_on_the_way_a_vendor_is_told(vendors, vendor, do):
    ones = people(vendors, vendor, 3)
    vendors.forget()
    path = {"hubspot": "unsubscribe-all", "shopify": "customerEmail", "mailchimp": f"/lists/{LIST}", "klaviyo": "suppression"}
    path["sendgrid"] = "suppressions/global"
    path["salesforce"] = "composite"
    method = "PATCH" if vendor == "salesforce" else "POST"
    fault = {"vendor": vendor, "method": method, "path_contains": path[vendor], "do": do, "times": 2}
    vendors.runtime.faults.replace([fault])
    answers = tell(vendors, vendor, ones)
    assert {one.status for one in answers.values()} == {"accepted"}
    assert not any(vendors.mailable(vendor, one.address) for one in ones)
    # told more than once, it took effect once
    effects = [one for one in vendors.runtime.effects.as_json()["effects"] if not one["kind"].endswith("History")]
    subjects = [(effect["effect"], effect["kind"], effect["subject"]) for effect in effects]
    assert len(subjects) == len(set(subjects))


@pytest.mark.parametrize("vendor", VENDORS)
def test_whoever_has_not_landed_is_looked_for_and_nobody_is_made(vendors, vendor):
    vendors.put(vendor, 1, "known@example.org")
    vendors.put(vendor, 2, "refused@example.org", mailable=False)
    ones = [owed(vendor, n, f"{name}@example.org", is_known=False, container="", record_id="")
            for n, name in enumerate(("known", "refused", "nobody"), start=1)]  # fmt: skip
    answers = tell(vendors, vendor, ones)
    assert {address.partition("@")[0]: (one.status, one.code) for address, one in answers.items()} == {
        "known": ("accepted", ""),
        "refused": ("accepted", "" if vendor == "shopify" else "already_set"),
        "nobody": ("accepted", "unknown_there"),
    }
    assert vendors.mailable(vendor, "known@example.org") is False
    assert vendors.mailable(vendor, "nobody@example.org") is None


def test_hubspot_keeps_the_refusal_of_an_address_that_it_does_not_know(vendors):
    tell(vendors, "hubspot", [owed("hubspot", 1, "nobody@example.org", is_known=False)])
    assert vendors.store.get("hubspot.preference", "nobody@example.org").body["status"] == "UNSUBSCRIBED"


def test_an_address_that_hubspot_cannot_read_is_rejected_alone(vendors):
    ones = [*people(vendors, "hubspot", 2), owed("hubspot", 9, "no address")]
    answers = tell(vendors, "hubspot", ones)
    assert [(one.status, one.code) for one in answers.values()].count(("accepted", "")) == 2
    assert (answers["no address"].status, answers["no address"].code) == ("rejected", "invalid_address")


def test_a_member_is_unsubscribed_on_every_list_it_is_on(vendors):
    for list_id in (LIST, OTHER_LIST):
        vendors.put("mailchimp", 1, "ann@example.org", list_id=list_id)
    told = tell(vendors, "mailchimp", [owed("mailchimp", 1, "ann@example.org", is_known=False, container="")])
    assert [one.status for one in told.values()] == ["accepted"]
    assert vendors.mailable("mailchimp", "ann@example.org") is False


def test_a_member_that_mailchimp_was_told_to_forget_stays_forgotten(vendors):
    forgotten = hash_of("gone@example.org")
    vendors.store.put("mailchimp.forgotten", Row(forgotten, {}, NOW, parent=LIST))
    ones = [*people(vendors, "mailchimp", 2), owed("mailchimp", 9, "gone@example.org")]
    answers = tell(vendors, "mailchimp", ones)
    assert (answers["gone@example.org"].status, answers["gone@example.org"].code) == ("accepted", "unknown_there")
    assert vendors.mailable("mailchimp", "gone@example.org") is None
    assert vendors.mailable("mailchimp", "P1@example.org") is False


def test_a_member_that_mailchimp_refuses_is_rejected_alone(vendors):
    ones = [*people(vendors, "mailchimp", 2), owed("mailchimp", 9, "no address")]
    answers = tell(vendors, "mailchimp", ones)
    assert sorted(one.status for one in answers.values()) == ["accepted", "accepted", "rejected"]


def test_a_pending_member_is_not_asked_any_more(vendors):
    vendors.put("mailchimp", 1, "ann@example.org")
    row = vendors.store.get("mailchimp.member", hash_of("ann@example.org"), LIST)
    row.body["status"] = "pending"
    vendors.store.put("mailchimp.member", row)
    tell(vendors, "mailchimp", [owed("mailchimp", 1, "ann@example.org")])
    assert vendors.store.get("mailchimp.member", hash_of("ann@example.org"), LIST).body["status"] == "unsubscribed"


def test_a_list_that_is_gone_has_nobody_to_be_told_of(vendors):
    answers = tell(vendors, "mailchimp", [owed("mailchimp", 1, "ann@example.org", container="no such list")])
    assert [one.code for one in answers.values()] == ["unknown_there"]


def test_a_customer_that_is_gone_is_unknown_there_and_the_others_are_told(vendors):
    ones = people(vendors, "shopify", 3)
    vendors.store.delete("shopify.customer", "2")
    answers = tell(vendors, "shopify", ones)
    assert [(one.status, one.code) for one in answers.values()] == [
        ("accepted", ""),
        ("accepted", "unknown_there"),
        ("accepted", ""),
    ]


def test_shopify_keeps_the_refusal_with_the_date_that_it_has(vendors):
    ones = people(vendors, "shopify", 1)
    tell(vendors, "shopify", ones)
    consent = vendors.store.get("shopify.customer", "1").body["emailMarketingConsent"]
    assert consent == {
        "marketingState": "UNSUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN",
        "consentUpdatedAt": stamp(BEFORE),
    }


def test_shopify_s_points_are_waited_for(vendors):
    ones = people(vendors, "shopify", 60)
    vendors.runtime.limits.change({"shopify": {"bucket": 250, "restored_per_second": 50.0}})
    vendors.runtime.ticks.move(3600)
    answers = tell(vendors, "shopify", ones)
    assert {one.status for one in answers.values()} == {"accepted"}
    throttled = [call for call in vendors.runtime.calls.as_json()["calls"] if call["operation"].startswith("customerEmail")]
    # it is told how long to wait, and does not ask before
    assert sum(call["calls"] for call in throttled) <= 3 + 2


def test_an_address_that_klaviyo_refuses_is_rejected_alone(vendors):
    ones = [*people(vendors, "klaviyo", 4), owed("klaviyo", 9, "no address")]
    answers = tell(vendors, "klaviyo", ones)
    assert [one.status for one in answers.values()].count("accepted") == 4
    assert answers["no address"].status == "rejected"


def test_an_address_that_sendgrid_refuses_is_rejected_alone(vendors):
    ones = [*people(vendors, "sendgrid", 4), owed("sendgrid", 9, "no address")]
    answers = tell(vendors, "sendgrid", ones)
    assert [one.status for one in answers.values()].count("accepted") == 4
    assert answers["no address"].status == "rejected"


def test_a_named_group_of_sendgrid_takes_the_refusals_and_a_deleted_one_none(vendors, monkeypatch):
    group = group_row("77", "Tips", "Now and then", stamp(BEFORE))
    vendors.store.put(GROUP, group)
    ones = people(vendors, "sendgrid", 2)
    named = {**vendors.connections(), "sendgrid": replace(vendors.connections()["sendgrid"], settings={"suppression_group": 77})}
    monkeypatch.setattr(vendors, "connections", lambda: named)
    assert {one.status for one in tell(vendors, "sendgrid", ones[:1]).values()} == {"accepted"}
    assert is_suppressed(vendors.store, "P1@example.org", "77") and not is_suppressed(vendors.store, "P1@example.org")
    vendors.store.put(GROUP, replace(group, deleted=True))
    with pytest.raises(ConfigurationError, match="no suppression group 77"):
        tell(vendors, "sendgrid", ones[1:])
    assert not is_suppressed(vendors.store, "P2@example.org", "77")


def test_every_record_of_an_address_is_opted_out_in_salesforce(vendors):
    ones = people(vendors, "salesforce", 1)
    for kind, number, more in (("Lead", 7, {}), ("Contact", 8, {}), ("Lead", 9, {"IsConverted": True})):
        of, at = OBJECTS[kind], stamp(BEFORE)
        body = {"LastName": "Person", "Email": "p1@EXAMPLE.org", **more}
        vendors.store.put(of.kind, record_row(of, identifier(of.prefix, number), body, at, at))
    answers = tell(vendors, "salesforce", ones)
    assert [(one.status, one.code) for one in answers.values()] == [("accepted", "")]
    rows = [row for kind in ("Contact", "Lead") for row in vendors.store.by_email(f"salesforce.{kind}", "p1@example.org")]
    assert len(rows) == 4
    # a converted lead takes no change: it is its contact
    assert all(row.body["HasOptedOutOfEmail"] != bool(row.body.get("IsConverted")) for row in rows)


def test_a_record_that_salesforce_refuses_is_rejected_alone(vendors):
    ones = people(vendors, "salesforce", 3)
    vendors.runtime.faults.replace([{"vendor": "salesforce", "method": "PATCH", "do": "partial", "rows": [identifier("00Q", 2)]}])
    answers = tell(vendors, "salesforce", ones)
    assert [answers[one.address].status for one in ones] == ["accepted", "rejected", "accepted"]
    assert answers[ones[1].address].code == "field_custom_validation_exception"


def test_an_apostrophe_ends_no_query(vendors):
    vendors.put("salesforce", 1, "o'neil@example.org")
    answers = tell(vendors, "salesforce", [owed("salesforce", 1, "o'neil@example.org")])
    assert [(one.status, one.code) for one in answers.values()] == [("accepted", "")]
    assert vendors.mailable("salesforce", "o'neil@example.org") is False


def test_salesforce_s_403_is_waited_out(vendors):
    ones = people(vendors, "salesforce", 1)
    vendors.runtime.faults.replace([{"vendor": "salesforce", "do": "403", "times": 2}])
    assert [one.status for one in tell(vendors, "salesforce", ones).values()] == ["accepted"]
