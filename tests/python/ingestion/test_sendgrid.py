"""A SendGrid account, served by the sandbox: read once by an export, later only what changed; who is gone, who said no."""

import pytest

from mailhouse.sandbox import members
from mailhouse.sandbox.sendgrid_lists import list_row
from mailhouse.sandbox.sendgrid_mail import SINGLE_SEND, single_send_row
from mailhouse.sandbox.sendgrid_people import CONTACT, LIST, contact_row, remove
from mailhouse.sandbox.sendgrid_suppressions import GROUP, SUPPRESSION, entry_row, group_list, group_row

NEWS = "6f0f35a1-3f2e-4b11-9a43-4d6b6c1d0a55"
STATS = ("requests", "delivered", "opens", "unique_opens", "clicks", "unique_clicks", "bounces", "spam_reports", "unsubscribes")
OTHERS = ("bounce_drops", "invalid_emails", "spam_report_drops")
EXPORTS, SEARCH = "/v3/marketing/contacts/exports", "/v3/marketing/contacts/search"


def at(day):
    return f"2026-02-{day:02}T08:00:00.000Z"


@pytest.fixture
def account(vendors):
    """Twelve contacts, three on a list, five suppressions, one campaign."""
    store = vendors.store
    store.put(LIST, list_row(NEWS, "News", at(1)))
    store.put_many(CONTACT, [contact_row(f"c{day:02}", f"p{day}@example.org", at(day), first_name="A") for day in range(1, 13)])
    members.put_on(store, NEWS, ["c01", "c02", "c03"], at(3))
    store.put(GROUP, group_row("7", "Tips", "Now and then", at(1)))
    said = {"reason": "550 no such user", "status": "5.1.1"}
    store.put_many(SUPPRESSION, [entry_row("bounces", f"p{day}@example.org", at(day), **said) for day in (4, 5)])
    store.put(SUPPRESSION, entry_row("unsubscribes", "p6@example.org", at(6)))
    store.put(SUPPRESSION, entry_row("spam_reports", "stranger@example.org", at(7), ip="198.18.0.1"))
    store.put(SUPPRESSION, entry_row(group_list("7"), "p8@example.org", at(8)))
    store.put(SINGLE_SEND, single_send_row(NEWS, "Oak", at(2), dict.fromkeys((*STATS, *OTHERS), 3)))
    return vendors


def land(place):
    landed = place.land(only=["sendgrid"])["sendgrid"]
    assert landed.error is None, landed.error
    return landed


def asked(account):
    """Calls since the last look, by path."""
    counted = account.served.calls()["calls"]
    account.served.call("DELETE", "/_sandbox/calls")
    return {f"{one['method']} {one['path']}": one["calls"] for one in counted if one["vendor"] == "sendgrid"}


def test_the_first_landing_takes_everything(place, account):
    landed = land(place)
    assert landed.unlisted == ()
    assert landed.new == {
        "contacts": 12,
        "lists": 1,
        "list_contacts": 3,
        "suppressions": 4,
        "groups": 1,
        "group_suppressions": 1,
        "single_sends": 1,
        "removed": 0,
    }
    found = place.rows("select suppression_list, email, created_at::varchar, status from raw_sendgrid.suppressions order by 3")
    assert found[0] == ("bounces", "p4@example.org", "2026-02-04 08:00:00+00", "5.1.1")
    assert place.rows("select email, first_name from raw_sendgrid.contacts where id = 'c03'") == [("p3@example.org", "A")]
    assert place.rows("select name, delivered from raw_sendgrid.single_sends") == [("Oak", 3)]


def test_the_second_landing_asks_only_for_what_changed(place, account):
    land(place)
    asked(account)
    account.store.put(CONTACT, contact_row("c13", "p13@example.org", at(20)))
    account.store.put(SUPPRESSION, entry_row("unsubscribes", "p1@example.org", at(21)))
    landed = land(place)
    assert (landed.new["contacts"], landed.new["suppressions"]) == (1, 1)
    # read again: the latest before, within the lag
    assert (landed.rows["contacts"], landed.rows["suppressions"]) == (2, 4)
    calls = asked(account)
    assert calls[f"POST {SEARCH}"] == 1
    assert f"POST {EXPORTS}" not in calls


def test_more_changes_than_a_search_tells_are_read_by_an_export(place, account):
    land(place)
    account.store.put_many(CONTACT, [contact_row(f"n{one}", f"n{one}@example.org", at(20)) for one in range(70)])
    landed = land(place)
    assert (landed.new["contacts"], landed.rows["contacts"]) == (70, 71)


def test_who_is_gone_is_noticed_by_the_count_and_taken_back_when_there_again(place, account):
    land(place)
    remove(account.store, ["c02"])
    landed = land(place)
    assert landed.new["removed"] == 2
    found = place.rows("select resource, parent_id, id from raw_sendgrid.removed order by all")
    assert found == [("contacts", "", "c02"), ("list_contacts", NEWS, "c02")]
    account.store.put(CONTACT, contact_row("c02", "p2@example.org", at(22)))
    members.put_on(account.store, NEWS, ["c02"], at(22))
    land(place)
    assert place.one("select count(*) from raw_sendgrid.removed") == 0


def test_an_export_whose_address_has_expired_is_made_again(place, account):
    account.served.control("faults", [{"vendor": "sendgrid", "do": "403", "path_contains": "/files/"}])
    assert land(place).new["contacts"] == 12
    assert asked(account)[f"POST {EXPORTS}"] == 3


def test_a_window_that_is_used_up_is_waited_out_by_its_reset(place, account):
    account.served.control("faults", [{"vendor": "sendgrid", "do": "429", "path_contains": "/v3/marketing/lists", "times": 2}])
    before = place.clock.now()
    assert land(place).new["lists"] == 1
    assert 1 <= (place.clock.now() - before).total_seconds() < 30


def test_two_accounts_with_the_same_ids_do_not_collide(place, account):
    served = account.served
    place.connect("sendgrid", f"{served.url}/sendgrid", "tips", served.runtime.secrets["sendgrid"])
    landed = place.land(only=["sendgrid", "tips"])
    assert [landed[name].new["contacts"] for name in ("sendgrid", "tips")] == [12, 12]
    assert place.rows("select connection_id, count(*) from raw_sendgrid.contacts group by 1 order by 1") == [
        ("sendgrid", 12),
        ("tips", 12),
    ]
    remove(account.store, ["c01"])
    place.land(only=["tips"])
    assert place.rows("select distinct connection_id from raw_sendgrid.removed") == [("tips",)]


def test_an_empty_account_makes_every_table(place, vendors):
    land(place)
    for table in (
        "contacts",
        "lists",
        "list_contacts",
        "suppressions",
        "groups",
        "group_suppressions",
        "single_sends",
        "removed",
    ):
        assert place.one(f"select count(*) from raw_sendgrid.{table}") == 0
