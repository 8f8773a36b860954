"""What holds of every ESP that is told of events: each key one outcome, and never a second mail when nobody knows."""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from mailhouse.clock import FixedClock
from mailhouse.destinations import Event, events_for, telling
from mailhouse.errors import ConfigurationError, VendorUnreachable
from mailhouse.http import Answer, HttpClient, Limits, OutcomeUnknown
from mailhouse.settings import VENDOR_URLS
from tests.python.destinations.conftest import NOW, Vendor
from tests.python.destinations.event_accounts import EVENT_NAME, KINDS, EventAccount


@pytest.fixture(params=KINDS)
def account(vendor: Vendor, request: pytest.FixtureRequest) -> EventAccount:
    return EventAccount(vendor, request.param)


def addresses(events: list[Event]) -> list[str]:
    return sorted(one.address for one in events)


def test_each_key_has_one_outcome_and_everybody_is_told_of_once(account):
    events = account.events(5)
    assert set(account.statuses(events).values()) == {"accepted"}
    assert account.calls() == -(-5 // account.kind.carries)
    assert account.recorded() == addresses(events)


def test_nothing_to_tell_is_no_call(account):
    assert account.send([]) == []
    assert account.calls() == 0


def test_what_is_given_twice_under_one_key_goes_out_once(account):
    first, second = account.events(2)
    (other,) = account.events(1, first=9)
    again = replace(other, key=first.key)
    assert account.statuses([first, second, first, again]) == {"e0": "accepted", "e1": "accepted"}
    assert account.recorded() == addresses([first, second])


def test_two_events_of_one_person_at_one_time_are_two(account):
    (one,) = account.events(1)
    assert account.statuses([one, replace(one, key="e1")]) == {"e0": "accepted", "e1": "accepted"}
    assert account.recorded() == [one.address, one.address]


@pytest.mark.parametrize("fault", ["timeout_after_apply", "timeout_before", "reset", "html200"])
def test_what_has_no_answer_never_becomes_a_second_mail(account, fault):
    events = account.events(3)
    account.faults({"do": fault})
    found = account.statuses(events)
    # whoever was in the one call that was struck
    struck = [one for one in events if found[one.key] != "accepted"]
    assert len(struck) == min(account.kind.carries, 3)
    assert {found[one.key] for one in struck} == {"try_again" if account.rules.keeps_keys else "unknown"}
    assert account.calls() == -(-3 // account.kind.carries)
    if account.rules.keeps_keys:
        assert set(account.statuses(struck).values()) == {"accepted"}
        assert account.recorded() == addresses(events)
    else:
        assert len(account.recorded()) == len(set(account.recorded()))


def test_a_failure_of_the_vendors_is_asked_again_only_where_it_keeps_keys(account):
    (one,) = account.events(1)
    account.faults({"do": "500"})
    assert account.statuses([one]) == {"e0": "accepted" if account.rules.keeps_keys else "unknown"}
    assert account.calls() == (2 if account.rules.keeps_keys else 1)


def test_a_call_that_was_throttled_was_not_taken_and_goes_out_later(account):
    events = account.events(3)
    account.faults({"do": "429", "times": 2})
    assert set(account.statuses(events).values()) == {"accepted"}
    assert account.recorded() == addresses(events)


def test_one_that_is_refused_does_not_stop_the_others(account):
    events = account.events(5)
    account.faults({"do": "400", "rows": ["bowl 2"], "times": None})
    assert account.statuses(events) == {one.key: "rejected" if one.key == "e2" else "accepted" for one in events}
    assert account.recorded() == addresses([one for one in events if one.key != "e2"])


def test_credentials_that_are_not_accepted_are_not_tried_again_and_nothing_is_lost(account):
    account.faults({"do": "401", "times": None})
    outcomes = account.send(account.events(4), connections=1)
    assert {(one.status, one.code) for one in outcomes} == {("try_again", "credentials")}
    assert account.calls() == 1


def test_what_is_wrong_about_our_call_is_no_fault_of_the_events(account):
    account.faults({"do": "405", "times": None})
    assert set(account.statuses(account.events(3)).values()) == {"try_again"}
    assert account.recorded() == []


def test_an_event_that_the_connection_does_not_name_stops_all_before_the_first_call(account):
    strange = Event("e9", "price_drop", "p9@example.test", NOW)
    with pytest.raises(ConfigurationError, match=r"settings\.events does not name price_drop; add it"):
        account.send([*account.events(2), strange])
    assert account.calls() == 0


def test_nothing_says_who_it_was_about(account, caplog):
    caplog.set_level(logging.DEBUG, "mailhouse")
    events = account.events(3)
    account.faults({"do": "429"}, {"do": "400", "nth": 2}, {"do": "reset", "nth": 3})
    text = repr(events) + repr(account.send(events)) + caplog.text
    assert caplog.text
    assert not [word for word in ("p0@", "p1@", "p2@", "bowl", "shop@") if word in text]


def test_a_vendor_that_is_not_there_was_told_of_nothing(account):
    nowhere = replace(account.connection(limits={"attempts": 1}), url="http://127.0.0.1:9")

    async def run() -> set[tuple[str, str]]:
        async with account.rules.connect(nowhere, account.served.clock) as transport:
            return {(one.status, one.code) for one in await transport.send(account.events(3))}

    if account.vendor == "mailchimp":
        # which list it is must be looked up first
        with pytest.raises(VendorUnreachable):
            asyncio.run(run())
    else:
        assert asyncio.run(run()) == {("try_again", "unreachable")}


def test_whoever_refuses_everything_is_not_asked_for_ever(account, monkeypatch):
    monkeypatch.setattr(telling, "MOST_EXTRA_CALLS", 6)
    account.faults({"do": "400", "times": None})
    found = account.statuses(account.events(40))
    if account.kind.carries == 1:
        assert set(found.values()) == {"rejected"}
    else:
        assert "accepted" not in found.values() and list(found.values()).count("try_again") > 30
        assert account.calls() < 15
    assert account.recorded() == []


def test_names_are_what_the_settings_name(account):
    assert list(account.rules.names(account.connection())) == [EVENT_NAME]
    assert account.rules.vendor == account.vendor


def test_every_vendor_that_is_told_of_events_keeps_these_promises():
    assert {vendor for vendor in VENDOR_URLS if events_for(vendor)} == set(KINDS)


def test_a_success_that_nobody_promised_may_have_been_one():
    client = HttpClient("sendgrid", "http://127.0.0.1:9", Limits(connections=1), FixedClock(NOW), headers={})
    with pytest.raises(OutcomeUnknown):
        telling.refused(client, Answer(203, {}))
    assert (telling.refused(client, Answer(400, {})).about_us, telling.refused(client, Answer(302, {})).about_us) == (False, True)


@pytest.mark.parametrize(
    ("vendor_name", "entry", "trouble"),
    [
        ("sendgrid", {"template": "0123", "sender": "a@example.org"}, r"back_in_stock\.template: must be the id of a dynamic"),
        ("sendgrid", {"template": "d-0123"}, r"back_in_stock\.sender: must be the verified address"),
        ("sendgrid", {"template": "d-01", "sender": "a@example.org", "group": "x"}, r"\.group: must be the number"),
        ("hubspot", {"email": "4711"}, r"\.email: must be the id of a mail"),
        ("hubspot", {"email": True}, r"\.email: must be the id of a mail"),
        ("klaviyo", {"metric": " Back"}, r"\.metric: must be the name of the metric"),
        ("klaviyo", {"metric": "x" * 128}, r"\.metric: must be the name of the metric"),
        ("mailchimp", {"list": "Customers", "event": "a"}, r"\.event: must be Mailchimp's name of the event: 2 to 30"),
        ("mailchimp", {"list": "Customers", "event": "back in stock"}, r"\.event: must be"),
        ("mailchimp", {"list": "", "event": "back_in_stock"}, r"\.list: must be the name of the list"),
        ("mailchimp", {"metric": "x"}, r"must be keys and values, of list, event"),
        ("klaviyo", ["x"], r"must be keys and values, of metric"),
    ],
)
def test_settings_that_cannot_be_meant_are_told_in_one_line(vendor, vendor_name, entry, trouble):
    account = EventAccount(vendor, vendor_name)
    connection = account.connection(entry)
    with pytest.raises(ConfigurationError, match=trouble) as found:
        account.rules.names(connection)
    assert "\n" not in str(found.value) and "example.org" not in str(found.value)

    async def open_it() -> None:
        async with account.rules.connect(connection, vendor.clock):
            pass

    with pytest.raises(ConfigurationError, match=trouble):
        asyncio.run(open_it())


def test_an_event_knows_its_moment_and_holds_what_can_be_sent():
    with pytest.raises(ValueError, match="event e1: occurred_at has no time zone"):
        Event("e1", EVENT_NAME, "a@example.test", datetime(2026, 5, 4))
    with pytest.raises(ValueError, match="event e1: its values hold something that JSON cannot") as found:
        Event("e1", EVENT_NAME, "a@example.test", NOW, {"price": Decimal("1.50")})
    assert "1.50" not in str(found.value)
