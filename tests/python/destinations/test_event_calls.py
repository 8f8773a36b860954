"""What each ESP's calls about events look like: how many a call carries, what is written there, and what never is."""

from datetime import timedelta

import pytest

from mailhouse.destinations import Event
from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.hubspot_mail import SENT
from mailhouse.sandbox.klaviyo_events import EVENT as KLAVIYO_EVENT
from mailhouse.sandbox.klaviyo_events import METRIC
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.sandbox.mailchimp_events import EVENT as MAILCHIMP_EVENT
from mailhouse.sandbox.mailchimp_members import MEMBER
from mailhouse.sandbox.sendgrid_mail import MESSAGE, TEMPLATE, template_row
from mailhouse.sandbox.sendgrid_suppressions import SUPPRESSION, group_list
from mailhouse.sandbox.store import Row, stamp
from tests.python.destinations.conftest import NOW, Vendor
from tests.python.destinations.event_accounts import DYNAMIC, EVENT_NAME, EventAccount, event


@pytest.fixture
def klaviyo(vendor: Vendor) -> EventAccount:
    return EventAccount(vendor, "klaviyo")


@pytest.fixture
def mailchimp(vendor: Vendor) -> EventAccount:
    return EventAccount(vendor, "mailchimp")


@pytest.fixture
def sendgrid(vendor: Vendor) -> EventAccount:
    return EventAccount(vendor, "sendgrid")


@pytest.fixture
def hubspot(vendor: Vendor) -> EventAccount:
    return EventAccount(vendor, "hubspot")


# -- Klaviyo ----------------------------------------------------------------------------------------------------------------
def test_klaviyo_takes_one_event_by_itself_and_a_thousand_in_a_job(klaviyo):
    klaviyo.statuses([event(0)])
    assert klaviyo.served.writes() == {"POST /api/events": 1}
    assert set(klaviyo.statuses([event(number) for number in range(1, 1_202)]).values()) == {"accepted"}
    assert klaviyo.served.writes() == {"POST /api/event-bulk-create-jobs": 2}
    assert len(klaviyo.recorded()) == 1_202


def test_klaviyo_s_jobs_stay_below_five_megabytes(klaviyo):
    large = [event(number, text="x" * 95_000) for number in range(60)]
    assert set(klaviyo.statuses(large).values()) == {"accepted"}
    assert klaviyo.served.writes() == {"POST /api/event-bulk-create-jobs": 2}


def test_a_klaviyo_event_is_one_of_its_metric_and_time_and_says_nothing_of_consent(klaviyo):
    happened = NOW - timedelta(hours=3)
    klaviyo.send([Event("e1", EVENT_NAME, "Ann@Example.test", happened, {"what": "bowl"})])
    klaviyo.recorded()
    (told,), (metric,), (profile,) = (klaviyo.store.page(kind, limit=9) for kind in (KLAVIYO_EVENT, METRIC, PROFILE))
    assert (metric.body["name"], told.updated_at, told.body["event_properties"]) == (
        "Back in stock",
        stamp(happened),
        {"what": "bowl"},
    )
    assert (profile.email, profile.body["marketing"]["consent"]) == ("ann@example.test", "NEVER_SUBSCRIBED")
    assert {one["effect"] for one in klaviyo.served.runtime.effects.as_json("klaviyo")["effects"]} <= {"created"}


def test_a_klaviyo_job_that_is_refused_since_it_was_taken_before_goes_out_one_by_one(klaviyo):
    events = [event(number) for number in range(4)]
    klaviyo.faults({"do": "timeout_after_apply"}, {"do": "400", "path_contains": "event-bulk-create", "nth": 2, "times": None})
    assert set(klaviyo.statuses(events).values()) == {"try_again"}
    assert set(klaviyo.statuses(events).values()) == {"accepted"}
    assert len(klaviyo.recorded()) == 4


def test_the_event_that_klaviyo_points_at_is_found_at_once(klaviyo):
    events = [event(number) for number in range(9)]
    too_old = Event("old", EVENT_NAME, "p9@example.test", NOW - timedelta(days=40 * 365))
    outcomes = {one.key: one for one in klaviyo.send([*events[:3], too_old, *events[3:]])}
    assert (outcomes.pop("old").status, {one.status for one in outcomes.values()}) == ("rejected", {"accepted"})
    assert klaviyo.served.writes() == {"POST /api/event-bulk-create-jobs": 2, "POST /api/events": 1}


# -- Mailchimp --------------------------------------------------------------------------------------------------------------
def test_a_mailchimp_event_has_texts_for_properties_and_lets_automations_start(mailchimp):
    (known,) = mailchimp.events(1)
    happened = NOW - timedelta(hours=3)
    values = {"what": "bowl", "pieces": 3, "is_last": True, "sizes": ["S"], "until": None}
    assert mailchimp.statuses([Event("e0", EVENT_NAME, known.address.upper(), happened, values)]) == {"e0": "accepted"}
    (told,) = mailchimp.store.page(MAILCHIMP_EVENT, limit=9)
    assert told.body == {
        "name": "back_in_stock",
        "is_syncing": False,
        "properties": {"what": "bowl", "pieces": "3", "is_last": "true", "sizes": '["S"]', "until": ""},
    }
    assert told.updated_at == stamp(happened)


def test_who_is_no_member_of_the_list_is_refused_and_not_made_one(mailchimp):
    known, stranger = mailchimp.events(1)[0], event(9)
    outcomes = {one.key: one for one in mailchimp.send([known, stranger])}
    assert (outcomes["e0"].status, outcomes["e9"].status, outcomes["e9"].code) == ("accepted", "rejected", "not_a_member")
    assert [row.email for row in mailchimp.store.page(MEMBER, limit=9)] == [known.address]


def test_a_list_that_is_not_there_is_told_before_anything_goes_out(mailchimp):
    (one,) = mailchimp.events(1)
    mailchimp.store.delete("mailchimp.list", "a1b2c3d4e5")
    with pytest.raises(ConfigurationError, match="there is no list called 'Customers'"):
        mailchimp.send([one])
    assert mailchimp.calls() == 0


# -- SendGrid ---------------------------------------------------------------------------------------------------------------
def test_a_thousand_mails_of_sendgrid_are_one_call_and_each_carries_its_key(sendgrid):
    events = [event(number) for number in range(1_200)]
    assert set(sendgrid.statuses(events).values()) == {"accepted"}
    assert sendgrid.served.writes() == {"POST /v3/mail/send": 2}
    rows = sendgrid.store.page(MESSAGE, limit=2_000)
    assert {row.body["custom_args"]["mailhouse_key"] for row in rows} == {one.key for one in events}
    assert rows[0].body["data"]["what"].startswith("bowl")


def test_each_kind_of_event_has_its_own_template_at_sendgrid(sendgrid):
    other, connection = "d-00000000000000000000000000000000", sendgrid.connection()
    sendgrid.store.put(TEMPLATE, template_row(other, "Cheaper now", NOW.isoformat()))
    connection.settings["events"]["price_drop"] = {"template": other, "sender": "shop@example.org"}
    dropped = Event("e9", "price_drop", "p0@example.test", NOW)
    sendgrid.statuses([event(0), dropped, event(1)], connection=connection)
    assert sendgrid.served.writes() == {"POST /v3/mail/send": 2}
    sent = {row.body["custom_args"]["mailhouse_key"]: row.body["template_id"] for row in sendgrid.store.page(MESSAGE, limit=9)}
    assert sent == {"e0": DYNAMIC, "e1": DYNAMIC, "e9": other}


def test_sendgrid_s_mail_goes_out_under_the_group_that_refusals_go_into(sendgrid):
    address = "p0@example.test"
    sendgrid.store.put(SUPPRESSION, Row(address, {"created": 0}, NOW, parent=group_list("77"), email=address))
    connection = sendgrid.connection()
    connection.settings["suppression_group"] = 77
    sendgrid.send([event(0), event(1)], connection=connection)
    assert {row.email: row.body["is_dropped"] for row in sendgrid.store.page(MESSAGE, limit=9)} == {
        "p0@example.test": True,
        "p1@example.test": False,
    }


# -- HubSpot ----------------------------------------------------------------------------------------------------------------
def test_hubspot_mails_once_under_one_key_however_often_it_is_told(hubspot):
    assert hubspot.statuses([event(0)]) == hubspot.statuses([event(0)]) == {"e0": "accepted"}
    (row,) = hubspot.store.page(SENT, limit=9)
    assert (row.id, row.body["emailId"]) == ("e0", 4711)


def test_hubspot_says_of_whom_it_does_not_mail(hubspot):
    properties = {"email": "p1@example.test", "hs_email_optout": "true"}
    body = {"createdAt": stamp(NOW), "updatedAt": stamp(NOW), "properties": properties}
    hubspot.store.put("hubspot.contact", Row("9", body, NOW, email="p1@example.test"))
    outcomes = {one.key: one for one in hubspot.send([event(0), event(1)])}
    assert (outcomes["e0"].status, bool(outcomes["e0"].vendor_id)) == ("accepted", True)
    assert (outcomes["e1"].status, outcomes["e1"].code) == ("rejected", "previously_unsubscribed_message")


@pytest.mark.parametrize("fault", ["truncated", "html200"])
def test_half_an_answer_of_hubspot_s_is_no_answer(hubspot, fault):
    hubspot.faults({"do": fault})
    assert hubspot.statuses([event(0)]) == {"e0": "try_again"}
    assert hubspot.statuses([event(0)]) == {"e0": "accepted"}
    assert hubspot.recorded() == ["p0@example.test"]
