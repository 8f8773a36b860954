"""An account, asked through the real sandbox: long lists, campaigns and their reports, who is gone."""

from datetime import timedelta

import pytest

from ingestion.mailchimp.account import Account
from mailhouse.sandbox.mailchimp_automations import automation_row
from mailhouse.sandbox.mailchimp_interests import category_row, interest_row
from mailhouse.sandbox.mailchimp_words import hash_of
from mailhouse.sandbox.store import Row, stamp
from tests.python.sandbox import conftest as small


def land(place):
    return place.land(only=["mailchimp"])["mailchimp"]


@pytest.fixture
def long_list(vendors):
    vendors.store.put_many(
        "mailchimp.member", [small.member(f"m{number}", minutes_ago=60 + number // 7) for number in range(2_300)]
    )
    return vendors


def campaign(vendors, number, days_ago, sent=3):
    at = vendors.store.now() - timedelta(days=days_ago)
    body = {
        "id": f"c{number}",
        "type": "regular",
        "status": "sent",
        "create_time": stamp(at),
        "send_time": stamp(at),
        "settings": {"title": "News", "subject_line": "All new"},
        "recipients": {"list_id": small.LIST},
    }
    vendors.store.put_many("mailchimp.campaign", [Row(f"c{number}", body, at, created_at=at)])
    for receiver in range(sent):
        deliver(vendors, number, receiver, at, [])


def deliver(vendors, number, receiver, at, activity, unsubscribed=None):
    body = {
        "email_id": f"e{receiver}",
        "email_address": f"m{receiver}@example.org",
        "list_id": small.LIST,
        "status": "sent",
        "activity": activity,
        "unsubscribed": unsubscribed,
    }
    vendors.store.put_many("mailchimp.delivery", [Row(f"e{receiver}", body, at, parent=f"c{number}")])


def act(at, action="open", **more):
    return {"action": action, "timestamp": stamp(at), "ip": "203.0.113.9", **more}


def test_a_long_list_lands_whole_and_later_only_its_changes(place, long_list):
    first = land(place)
    assert first.error is None
    assert first.new["members"] == 2_305
    assert place.rows("select member_count > 0, name from raw_mailchimp.lists") == [(True, "Customers")]
    long_list.asked("mailchimp")
    changed = small.member("m5", "unsubscribed", minutes_ago=0)
    long_list.store.put_many("mailchimp.member", [changed])
    second = land(place)
    assert long_list.asked("mailchimp")["/3.0/lists/{list_id}/members"] < 60
    assert (second.new["members"], second.error) == (0, None)
    assert place.one("select status from raw_mailchimp.members where email_address = 'm5@example.org'") == "unsubscribed"
    assert place.rows("select count(*), count(distinct id) from raw_mailchimp.members") == [(2_305, 2_305)]


def test_a_list_that_moves_between_two_pages_loses_nobody(place, long_list, monkeypatch):
    real, moved = Account.page, []

    def moving(account, path, name, **query):
        answer = real(account, path, name, **query)
        if name == "members" and len(moved) < 2 and "offset" in query and "status" not in query:
            # someone of the first page is changed behind our back and goes to the end of the list
            moved.append(query["offset"])
            long_list.store.put_many("mailchimp.member", [small.member(f"m{2_299 - len(moved)}", minutes_ago=0)])
        return answer

    monkeypatch.setattr(Account, "page", moving)
    land(place)
    assert len(moved) == 2
    assert place.one("select count(distinct id) from raw_mailchimp.members") == 2_305


def test_a_member_deleted_for_good_is_noticed(place, long_list):
    land(place)
    gone = small.member("m9").id
    long_list.store.delete("mailchimp.member", gone, small.LIST)
    assert land(place).new["removed"] == 1
    assert place.rows("select resource, parent_id, id from raw_mailchimp.removed") == [("members", small.LIST, gone)]
    assert land(place).new["removed"] == 0


def test_reports_are_read_while_a_campaign_is_young_and_then_no_more(place, vendors):
    campaign(vendors, 1, days_ago=2)
    campaign(vendors, 2, days_ago=50)
    now = vendors.store.now()
    acts = [act(now - timedelta(days=1)), act(now - timedelta(hours=20), "click", url="u")]
    deliver(vendors, 1, 0, now - timedelta(days=1), acts)
    land(place)
    assert place.one("select count(*) from raw_mailchimp.campaigns") == 2
    assert place.one("select count(*) from raw_mailchimp.sent_to") == 6
    found = place.rows("select campaign_id, email_id, action, url from raw_mailchimp.email_activity order by all")
    assert found == [("c1", "e0", "click", "u"), ("c1", "e0", "open", "")]
    vendors.asked("mailchimp")
    left = {"timestamp": stamp(now), "reason": "too many"}
    deliver(vendors, 1, 0, now, [*acts, act(now)], unsubscribed=left)
    land(place)
    asked = vendors.asked("mailchimp")
    assert asked["/3.0/reports/{campaign_id}"] == 1  # the old campaign is not looked at again
    assert asked["/3.0/reports/{campaign_id}/email-activity"] == 1
    assert "/3.0/reports/{campaign_id}/sent-to" not in asked
    assert place.one("select count(*) from raw_mailchimp.email_activity") == 3
    assert place.rows("select campaign_id, email_id, reason from raw_mailchimp.unsubscribes") == [("c1", "e0", "too many")]


def test_a_403_without_a_body_means_slow_down(place, vendors):
    vendors.served.control("faults", [{"vendor": "mailchimp", "do": "bodyless_403", "times": 3}])
    before = place.clock.now()
    assert land(place).error is None
    assert place.clock.now() - before > timedelta(seconds=1)


def test_tables_of_what_an_account_has_not_exist_too(place, vendors):
    land(place)
    for table in ("campaigns", "sent_to", "email_activity", "unsubscribes", "abuse_reports", "removed"):
        assert place.one(f"select count(*) from raw_mailchimp.{table}") == 0


def test_interests_and_who_chose_them_land_and_a_choice_is_given_up(place, vendors):
    made = stamp(vendors.store.now())
    vendors.store.put("mailchimp.interest_category", category_row("cat", small.LIST, "Topics", made))
    vendors.store.put_many("mailchimp.interest", [interest_row(one, "cat", one.title(), made) for one in ("garden", "kitchen")])

    def choose(**interests):
        member = vendors.store.get("mailchimp.member", hash_of("ann@example.org"), small.LIST)
        member.body |= {"interests": interests, "last_changed": stamp(vendors.store.now())}
        member.updated_at = stamp(vendors.store.now())
        vendors.store.put("mailchimp.member", member)

    choose(garden=True)
    landed = land(place)
    assert (landed.error, landed.unlisted) == (None, ())
    assert place.rows("select id, category_id, name from raw_mailchimp.interests order by id") == [
        ("garden", "cat", "Garden"),
        ("kitchen", "cat", "Kitchen"),
    ]
    asked = f"select interest_id from raw_mailchimp.member_interests where is_chosen and id = '{hash_of('ann@example.org')}'"
    assert place.rows(asked) == [("garden",)]
    choose(garden=False, kitchen=True)
    land(place)
    assert place.rows(asked) == [("kitchen",)]
    assert place.one("select count(*) from raw_mailchimp.member_interests") == 2 * 5


def test_automations_land(place, vendors):
    at = stamp(vendors.store.now())
    vendors.store.put("mailchimp.automation", automation_row("1", "Welcome", small.LIST, at))
    vendors.store.put("mailchimp.automation", automation_row("2", "VIP", small.LIST, at, tag="vip", status="paused"))
    landed = land(place)
    assert (landed.error, landed.unlisted) == (None, ())
    found = place.rows("select id, list_id, title, status, workflow_type from raw_mailchimp.automations order by id")
    assert found == [("1", small.LIST, "Welcome", "sending", "welcomeSeries"), ("2", small.LIST, "VIP", "paused", "tagAdded")]
