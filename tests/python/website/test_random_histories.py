"""Whatever happens at however many browsers, the models say of it what plain Python says."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.python.website.reference import Event, owners, sessions

START = datetime(2026, 5, 1)
ACCOUNTS = ("a1", "a2", "b1", "c1")
# a1 and a2 are the same person, so that two accounts at one browser are not always two people
CUSTOMERS = {"a1": "ann", "a2": "ann", "b1": "bob", "c1": "cy"}
# steps of ten minutes meet the half hour exactly, and several events fall on one moment
MOMENTS = some.integers(0, 40).map(lambda step: START + timedelta(minutes=10 * step))
HISTORIES = some.lists(
    some.tuples(some.sampled_from("xyz"), some.none() | some.sampled_from(ACCOUNTS), MOMENTS), min_size=1, max_size=25
).map(lambda rows: [Event(f"e{number:02d}", *row) for number, row in enumerate(rows)])
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(HISTORIES)
def test_stitching_and_sessions_are_what_the_reference_says(website, history):
    website.build(history, CUSTOMERS)
    expected = owners(history, CUSTOMERS)
    assert dict(website.rows("select event_id, customer_id from warehouse.marts.web_events")) == expected
    visits = sessions(history, expected, timedelta(minutes=30))
    told = website.rows("select session_id, count_events, ended_at from warehouse.marts.sessions")
    moments = {event.event_id: event.at for event in history}
    assert sorted(told) == sorted((visit[0], len(visit), moments[visit[-1]]) for visit in visits)


@FEW
@given(HISTORIES, some.randoms())
def test_the_order_in_which_events_arrive_changes_nothing(website, history, chance):
    website.build(history, CUSTOMERS)
    before = sorted(website.rows("select event_id, customer_id from warehouse.marts.web_events"))
    shuffled = list(history)
    chance.shuffle(shuffled)
    website.build(shuffled, CUSTOMERS)
    assert sorted(website.rows("select event_id, customer_id from warehouse.marts.web_events")) == before


@FEW
@given(HISTORIES)
def test_nobody_gets_an_event_from_before_they_shared_a_browser(website, history):
    """Of a browser that several people used, nothing from before the first naming is anybody's."""
    website.build(history, CUSTOMERS)
    owner = dict(website.rows("select event_id, customer_id from warehouse.marts.web_events"))
    for browser in "xyz":
        named = [event for event in history if event.browser == browser and event.account]
        if len({CUSTOMERS[event.account] for event in named}) < 2:
            continue
        first = min(event.at for event in named)
        early = [event for event in history if event.browser == browser and event.at < first]
        assert {owner[event.event_id] for event in early} <= {None}
