"""Klaviyo's limits, by its own table, on seconds that are moved by hand."""

import pytest

from mailhouse.sandbox.klaviyo import published_limits
from mailhouse.sandbox.limits import Bucket, FixedWindows, Window
from mailhouse.sandbox.ticks import Ticks


@pytest.fixture
def vendor(sandbox_server):
    sandbox_server.control("limits", {"profile": "vendor"})
    ticks = sandbox_server.runtime.ticks
    ticks.move(60 - ticks.now() % 60)  # to the beginning of a minute
    return sandbox_server


def statuses(sandbox, path, calls):
    return [sandbox.call("GET", f"/klaviyo/api{path}").status_code for _ in range(calls)]


def test_so_many_calls_a_second_and_a_minute(vendor):
    assert statuses(vendor, "/accounts", 2) == [200, 429]
    taken = 1
    for _ in range(20):
        vendor.control("ticks", {"seconds": 1})
        taken += statuses(vendor, "/accounts", 1) == [200]
    assert taken == 15
    vendor.control("ticks", {"seconds": 40})
    assert statuses(vendor, "/accounts", 2) == [200, 429]


def test_a_refusal_says_only_when_to_come_back(vendor):
    vendor.control("limits", {"klaviyo": {"steady_share": 0.2}})
    statuses(vendor, "/metrics", 10)
    vendor.control("ticks", {"seconds": 0.25})
    refused = vendor.call("GET", "/klaviyo/api/metrics")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert not [name for name in refused.headers if name.lower().startswith("ratelimit")]
    for _ in range(2):
        vendor.control("ticks", {"seconds": 1})
        statuses(vendor, "/metrics", 10)
    vendor.control("ticks", {"seconds": 1})
    refused = vendor.call("GET", "/klaviyo/api/metrics")
    assert refused.headers["Retry-After"] == "57"
    vendor.control("ticks", {"seconds": 57})
    assert statuses(vendor, "/metrics", 1) == [200]


def test_each_endpoint_is_counted_for_itself(vendor):
    assert statuses(vendor, "/accounts", 2) == [200, 429]
    assert statuses(vendor, "/lists", 75) == [200] * 75
    assert statuses(vendor, "/lists", 1) == [429]
    assert statuses(vendor, "/lists/LstAll", 1) == [200]


def test_predictive_analytics_have_a_limit_of_their_own(vendor):
    path = "/profiles?additional-fields%5Bprofile%5D=predictive_analytics"
    assert statuses(vendor, path, 11) == [200] * 10 + [429]
    assert statuses(vendor, "/profiles", 1) == [200]


def test_lists_can_only_be_made_so_often_a_day(vendor):
    assert published_limits()["POST /api/lists"] == {"burst": 10, "steady": 150, "daily": 150}
    body = {"data": {"type": "list", "attributes": {"name": "Another"}}}
    vendor.control("limits", {"klaviyo": {"daily_share": 0.2}})
    vendor.runtime.ticks.move(86_400 - vendor.runtime.ticks.now() % 86_400)
    for minute in range(3):
        vendor.runtime.ticks.move(60 if minute else 0)
        for _ in range(10):
            vendor.klaviyo("POST", "/lists", body, status=201)
    vendor.runtime.ticks.move(60)
    assert int(vendor.call("POST", "/klaviyo/api/lists", body).headers["Retry-After"]) > 80_000


def test_profiles_of_limits_are_shares_of_the_published(sandbox_server):
    assert statuses(sandbox_server, "/accounts", 5) == [200] * 5
    sandbox_server.runtime.ticks.move(0)
    sandbox_server.control("limits", {"profile": "small"})
    assert statuses(sandbox_server, "/lists", 8) == [200] * 7 + [429]
    sandbox_server.control("limits", {"klaviyo": {"burst_share": 0.05}})
    sandbox_server.runtime.ticks.move(1)
    assert statuses(sandbox_server, "/lists", 4) == [200] * 3 + [429]


def test_a_window_begins_at_each_multiple_of_its_length():
    ticks = Ticks()
    ticks.move(1_000_000 - ticks.move(0))
    windows = FixedWindows(ticks)
    most = {1.0: 2, 10.0: 3}
    assert [windows.take(most) for _ in range(3)] == [None, None, 1.0]
    ticks.move(1.0)
    assert [windows.take(most) for _ in range(2)] == [None, 9.0]
    ticks.move(8.5)
    assert windows.take(most) == 0.5
    ticks.move(0.5)
    assert windows.take(most) is None


def test_the_other_ways_of_counting_follow_the_same_seconds():
    ticks = Ticks()
    ticks.move(0)
    window, bucket = Window(ticks), Bucket(ticks)
    assert [window.take(2, 10.0) for _ in range(3)] == [1, 0, None]
    assert [bucket.take(60, 100, 10) for _ in range(2)] == [True, False]
    ticks.move(10)
    assert window.take(2, 10.0) == 1
    assert bucket.available(100, 10) == 100
    assert ticks.by_hand and not (ticks.let_go() and ticks.by_hand)
