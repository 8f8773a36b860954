"""A Klaviyo account: read once, later only what changed; who is suppressed, and who is gone. A fake, and the real sandbox."""

from datetime import timedelta

import pytest

from ingestion import quality
from ingestion.klaviyo import settings
from ingestion.pace import Pace, Rate
from ingestion.vanished import TooManyGone
from mailhouse.errors import MalformedAnswer
from tests.python.ingestion.fake_klaviyo import START, FakeKlaviyo

DAY = timedelta(days=1)


@pytest.fixture
def klaviyo():
    fake = FakeKlaviyo()
    yield fake
    fake.close()


@pytest.fixture
def account(place, klaviyo):
    """The place, connected to the fake Klaviyo."""
    place.connect("klaviyo", klaviyo.url, secrets={"api_key": "right"})
    return place


def land(place):
    return place.land()["klaviyo"]


def suppressed(reason, at):
    return {"suppression": [{"reason": reason, "timestamp": at.isoformat()}], "can_receive_email_marketing": False}


def test_a_second_run_asks_only_for_what_changed_and_doubles_nothing(account, klaviyo):
    klaviyo.fill(250, every=DAY)
    assert land(account).new["profiles"] == 250
    klaviyo.rows.clear()
    klaviyo.put(7, START + DAY * 300, first_name="Ann")
    landed = land(account)
    assert (landed.error, landed.new["profiles"], landed.changed["profiles"]) == (None, 0, 2)
    assert klaviyo.rows["profile"] == 2  # the changed one, and the latest of last time within the lag
    assert account.rows("select count(*), count(distinct id) from raw_klaviyo.profiles") == [(250, 250)]
    assert account.one("select first_name from raw_klaviyo.profiles where id = 'p00007'") == "Ann"


def test_what_a_profile_says_lands_with_it_listed_properties_included(account, klaviyo):
    marketing = {"consent": "SUBSCRIBED", "consent_timestamp": START.isoformat(), "method": "SIGNUP_FORM", "double_optin": True}
    marketing |= {"list_suppressions": [{"list_id": "L", "reason": "UNSUBSCRIBE"}]}
    klaviyo.put(1, START, marketing=marketing, properties={"Favourite Colour": "green", "RFM group": "champions"})
    asked = {"favourite_colour": "red", "Favourite Colour": "grey"}
    klaviyo.put(2, START, marketing=suppressed("HARD_BOUNCE", START), properties=asked)
    account.list_custom(klaviyo="{favourite_colour: text}")
    assert land(account).unlisted == ()
    found = account.rows(
        "select consent, consent_timestamp, consent_method, double_optin, can_receive_email_marketing, country,"
        " suppressions ->> '$[0].reason', list_suppressions ->> '$[0].list_id', favourite_colour"
        " from raw_klaviyo.profiles order by id"
    )
    assert found == [
        ("SUBSCRIBED", START, "SIGNUP_FORM", True, None, "Germany", None, "L", "green"),
        ("NEVER_SUBSCRIBED", None, None, None, False, "Germany", "HARD_BOUNCE", None, "red"),
    ]


def test_a_suppression_that_does_not_count_as_a_change_of_the_profile_is_found(account, klaviyo):
    klaviyo.fill(30, every=DAY)
    land(account)
    klaviyo.put(3, START + DAY * 3, marketing=suppressed("USER_SUPPRESSED", START + DAY * 31))
    assert land(account).changed["profiles"] == 2
    assert account.one("select suppressions ->> '$[0].reason' from raw_klaviyo.profiles where id = 'p00003'") == "USER_SUPPRESSED"


def test_a_profile_that_vanished_is_noticed_when_it_is_due_and_taken_back_when_it_is_there_again(account, klaviyo, monkeypatch):
    klaviyo.fill(120)
    land(account)
    klaviyo.forget(5)
    assert land(account).new["removed"] == 0  # an hourly run does not read all ids every time
    account.clock.sleep(settings.REMOVALS_HOURS * 3600)
    real = klaviyo.collection

    def moving(request, kind, records, query, **more):
        if kind == "profile" and query.get("sort") == "id" and "filter" not in query:
            records = {one: said for one, said in records.items() if one != "p00007"}  # overlooked by the listing alone
        return real(request, kind, records, query, **more)

    monkeypatch.setattr(klaviyo, "collection", moving)
    assert land(account).new["removed"] == 1
    assert account.rows("select resource, parent_id, id from raw_klaviyo.removed") == [("profiles", "", "p00005")]
    klaviyo.put(5, START)
    account.clock.sleep(settings.REMOVALS_HOURS * 3600)
    land(account)
    assert account.one("select count(*) from raw_klaviyo.removed") == 0


def test_so_many_gone_at_once_are_rather_another_account(account, klaviyo):
    klaviyo.fill(200)
    land(account)
    for number in range(1, 52):
        klaviyo.forget(number)
    account.clock.sleep(settings.REMOVALS_HOURS * 3600)
    error = land(account).error
    assert type(error) is TooManyGone
    assert "51 of 200" in str(error)
    assert account.one("select count(*) from raw_klaviyo.removed") == 0
    account.connect("klaviyo", klaviyo.url, secrets={"api_key": "right"}, stop_if_removed=0.3)
    assert land(account).new["removed"] == 51  # it was not looked for in vain: the next landing looks again


def test_lists_know_who_joined_and_who_left(account, klaviyo):
    klaviyo.fill(3)
    for name in (f"L{number}" for number in range(12)):
        klaviyo.put_list(name, p00001=(START + DAY).isoformat(), p00002=(START + DAY * 2).isoformat())
    first = land(account)
    assert (first.error, first.new["lists"], first.new["list_members"]) == (None, 12, 24)
    klaviyo.joined["L3"]["p00003"] = (START + DAY * 3).isoformat()
    del klaviyo.joined["L3"]["p00001"]
    klaviyo.records["list"].pop("L5")
    account.clock.sleep(settings.REMOVALS_HOURS * 3600)
    klaviyo.rows.clear()
    landed = land(account)
    assert (landed.new["list_members"], landed.new["removed"]) == (1, 2)
    found = account.rows("select resource, parent_id, id from raw_klaviyo.removed order by all")
    assert found == [("list_members", "L3", "p00001"), ("lists", "", "L5")]


def test_events_of_our_mails_land_from_each_metric_s_own_cursor(account, klaviyo):
    klaviyo.fill(1)
    opened, clicked = klaviyo.put_metric("Opened Email"), klaviyo.put_metric("Clicked Email")
    for number in range(1_200):
        klaviyo.put_event(number, opened, START + timedelta(hours=number), **{"$message": "k1", "Subject": "News"})
    klaviyo.put_event(5_000, clicked, START, URL="u")
    klaviyo.put_event(6_000, klaviyo.put_metric("Opened Email", integration="Another ESP"), START)
    klaviyo.put_event(7_000, klaviyo.put_metric("Placed Order"), START)
    assert land(account).new["events"] == 1_201
    assert account.rows("select metric_id, profile_id, message_id, url from raw_klaviyo.events where id in ('e0', 'e5000')") == [
        (opened, "p00001", "k1", None),
        (clicked, "p00001", None, "u"),
    ]
    assert account.one("select count(*) from raw_klaviyo.metrics") == 4
    klaviyo.rows.clear()
    klaviyo.put_event(5_001, clicked, START + DAY)  # long before the latest opening
    assert land(account).new["events"] == 1
    assert klaviyo.rows["event"] == 3  # the new one, and the latest of each metric within the lag


def test_slow_down_is_waited_out_as_long_as_it_is_asked(account, klaviyo):
    klaviyo.script = [(429, {"Retry-After": "17"}, "{}")]
    before = account.clock.now()
    assert land(account).error is None
    assert timedelta(seconds=17) <= account.clock.now() - before < timedelta(seconds=18)


def test_a_next_page_without_a_cursor_or_without_an_end_is_refused(account, klaviyo):
    for following in ("https://elsewhere.example/", "https://elsewhere.example/?page%5Bcursor%5D=1"):
        klaviyo.script = [(200, {}, f'{{"data": [], "links": {{"next": "{following}"}}}}')] * 2
        error = land(account).error
        assert type(error) is MalformedAnswer
        assert "/api/" in str(error)


def test_a_vendor_s_burst_and_steady_rate_are_both_kept(place):
    pace = Pace((Rate(calls=10, seconds=1), Rate(calls=30, seconds=60)), place.clock)
    taken = []
    for _ in range(70):
        pace.take()
        taken.append(place.clock.now())
    for calls, seconds in ((10, 1), (30, 60)):
        spans = [later - earlier for earlier, later in zip(taken, taken[calls:], strict=False)]
        # the clock that is slept on stands still while the calls themselves take their moment
        assert min(spans) >= timedelta(seconds=seconds) - timedelta(milliseconds=200)
    assert taken[-1] - taken[0] < timedelta(seconds=122)


def test_an_empty_account_makes_every_table(account):
    assert land(account).error is None
    for table in ("profiles", "lists", "list_members", "metrics", "events", "removed"):
        assert account.one(f"select count(*) from raw_klaviyo.{table}") == 0
    assert account.one(f"select status from {quality.TABLE}") == "complete"


def by_name(place):
    found = place.rows("select split_part(email, '@', 1), id, suppressions ->> '$[0].reason' from raw_klaviyo.profiles")
    return {name: (identifier, reason) for name, identifier, reason in found}


def test_what_the_sandbox_says_is_understood_and_not_asked_for_twice(place, vendors):
    landed = place.land(only=["klaviyo"])["klaviyo"]
    assert (landed.error, landed.unlisted) == (None, ())
    of_people = {"profiles": 8, "list_members": 5, "events": 0, "removed": 0}
    assert landed.new == {**of_people, "lists": 3, "metrics": 1, "segments": 1, "campaigns": 1}
    reasons = {name: reason for name, (_, reason) in by_name(place).items() if reason}
    expected = {"bob": "UNSUBSCRIBE", "cay": "HARD_BOUNCE", "dan": "SPAM_COMPLAINT", "eve": "USER_SUPPRESSED"}
    assert reasons == expected
    vendors.asked("klaviyo")
    assert place.land(only=["klaviyo"])["klaviyo"].error is None
    # the latest within the lag, the four suppressed since, and those who joined a list last
    asked = vendors.asked("klaviyo")
    assert (asked["/api/profiles"], asked["/api/lists/{id}/profiles"]) == (5, 5)


def test_a_suppression_by_hand_and_a_merge_come_with_the_next_landings(place, vendors):
    place.land(only=["klaviyo"])
    ids = {name: identifier for name, (identifier, _) in by_name(place).items()}
    klaviyo = vendors.served.klaviyo
    addresses = {"data": [{"type": "profile", "attributes": {"email": "fay@example.org"}}]}
    job = {"type": "profile-suppression-bulk-create-job", "attributes": {"profiles": addresses}}
    klaviyo("POST", "/profile-suppression-bulk-create-jobs", {"data": job}, status=202)
    source = {"profiles": {"data": [{"type": "profile", "id": ids["hal"]}]}}
    klaviyo("POST", "/profile-merge", {"data": {"type": "profile-merge", "id": ids["gus"], "relationships": source}}, status=201)
    place.clock.sleep(settings.REMOVALS_HOURS * 3600)
    landed = place.land(only=["klaviyo"])["klaviyo"]
    assert (landed.error, landed.new["removed"]) == (None, 1)
    assert by_name(place)["fay"][1] == "USER_SUPPRESSED"
    assert place.rows("select resource, id from raw_klaviyo.removed") == [("profiles", ids["hal"])]


def test_segments_and_campaigns_land_and_are_read_anew(place, vendors):
    at = place.land(only=["klaviyo"])["klaviyo"]
    assert (at.error, at.unlisted) == (None, ())
    kind = "definition ->> '$.condition_groups[0].conditions[0].type'"
    assert place.rows(f"select id, name, is_active, {kind} from raw_klaviyo.segments") == [
        ("SegAll", "All of them", True, "profile-group-membership")
    ]
    asked = "select id, name, status, archived, included from raw_klaviyo.campaigns"
    assert place.rows(asked) == [("CmpOne", "Spring", "Sent", False, '["LstAll"]')]
    row = vendors.store.get("klaviyo.campaign", "CmpOne")
    row.body |= {"name": "Summer", "archived": True}
    vendors.store.put("klaviyo.campaign", row)
    place.land(only=["klaviyo"])
    assert place.rows(asked) == [("CmpOne", "Summer", "Sent", True, '["LstAll"]')]
