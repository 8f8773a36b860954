"""Klaviyo's metrics and events: pages by time, filters, and an event told twice that is one."""

import pytest


def told(unique_id=None, time="2026-02-28T10:00:00Z", email="ann@example.org", metric="Placed Order", **attributes):
    own = {"properties": {"a": 1}, "time": time, **attributes} | ({"unique_id": unique_id} if unique_id else {})
    own["metric"] = {"data": {"type": "metric", "attributes": {"name": metric}}}
    return {**own, "profile": {"data": {"type": "profile", "attributes": {"email": email}}}}


def tell(sandbox, status=202, **event):
    body = {"data": {"type": "event", "attributes": told(**event)}}
    return sandbox.klaviyo("POST", "/events", body, status=status)


def test_events_come_by_time_and_each_once(sandbox_server):
    found, link = [], sandbox_server.klaviyo("GET", "/events", **{"page[size]": 5, "sort": "datetime"})
    while link:
        found += [one["attributes"]["datetime"] for one in link["data"]]
        following = link["links"].get("next")
        link = sandbox_server.call("GET", following.removeprefix(sandbox_server.url)).json() if following else None
    assert len(found) == len(set(found)) == 12 and found == sorted(found)
    assert sandbox_server.klaviyo("GET", "/events")["data"][0]["attributes"]["datetime"] == found[-1]


def test_events_are_filtered_by_time_metric_and_person(sandbox_server):
    metric = sandbox_server.klaviyo("GET", "/metrics")["data"][0]
    ann = sandbox_server.klaviyo("GET", "/profiles", filter="equals(email,'ann@example.org')")["data"][0]["id"]

    def count(text):
        return len(sandbox_server.klaviyo("GET", "/events", filter=text)["data"])

    assert count("greater-than(datetime,2026-03-01T09:00:00Z)") == 3
    assert count("greater-or-equal(datetime,2026-03-01T09:00:00Z),less-than(datetime,2026-03-01T12:00:00Z)") == 3
    assert count("greater-or-equal(timestamp,1772359200)") == 3
    assert (count(f"equals(metric_id,'{metric['id']}')"), count("equals(metric_id,'none')")) == (12, 0)
    assert (count(f"equals(profile_id,'{ann}')"), count("equals(profile_id,'none')")) == (12, 0)


def test_metric_and_profile_come_along_when_asked(sandbox_server):
    answer = sandbox_server.klaviyo("GET", "/events", include="metric,profile", **{"page[size]": 2})
    assert sorted(one["type"] for one in answer["included"]) == ["metric", "profile"]
    assert answer["data"][0]["relationships"]["metric"]["data"]["id"] == answer["included"][0]["id"]
    assert answer["data"][0]["attributes"]["event_properties"] == {"$value": 9}


def test_an_event_makes_metric_and_profile_and_counts_once(sandbox_server):
    for _ in range(2):
        tell(sandbox_server, unique_id="order-1", email="New@example.org", metric="Wrote Review", value=5)
    answer = sandbox_server.klaviyo("GET", "/events", filter="less-than(datetime,2026-03-01T00:00:00Z)", include="metric,profile")
    assert [one["attributes"]["event_properties"] for one in answer["data"]] == [{"a": 1, "$value": 5}]
    assert [one["attributes"].get("email") or one["attributes"]["name"] for one in answer["included"]] == [
        "Wrote Review",
        "new@example.org",
    ]
    assert answer["included"][1]["attributes"]["last_event_date"] == "2026-02-28T10:00:00+00:00"
    assert len(sandbox_server.effects("created")) == 3
    tell(sandbox_server, unique_id="order-2", email="new@example.org", metric="Wrote Review")
    assert sandbox_server.store.count("klaviyo.event") == 13
    assert len(sandbox_server.klaviyo("GET", "/events")["data"]) == 14


def test_many_events_are_one_job(sandbox_server):
    def batch(name, count):
        own = told(email=f"{name}@example.org")
        events = [
            {
                "type": "event",
                "attributes": {key: own[key] for key in ("properties", "metric")} | {"unique_id": f"{name}{number}"},
            }
            for number in range(count)
        ]
        return {"type": "event-bulk-create", "attributes": {"profile": own["profile"], "events": {"data": events}}}

    def job(*batches):
        return {"data": {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": list(batches)}}}}

    sandbox_server.klaviyo("POST", "/event-bulk-create-jobs", job(batch("ann", 500), batch("ivy", 500)), status=202)
    assert len(sandbox_server.klaviyo("GET", "/events", **{"page[size]": 1000})["data"]) == 1000
    assert sandbox_server.store.count("klaviyo.event") == 1012
    sandbox_server.klaviyo("POST", "/event-bulk-create-jobs", job(batch("ann", 1001)), status=400)
    # one told once more is passed over, one that stands twice in a job refuses the whole
    sandbox_server.klaviyo("POST", "/event-bulk-create-jobs", job(batch("ann", 501)), status=202)
    sandbox_server.klaviyo("POST", "/event-bulk-create-jobs", job(batch("jo", 2), batch("Jo", 1)), status=202)
    sandbox_server.klaviyo("POST", "/event-bulk-create-jobs", job(batch("kim", 2), batch("kim", 1)), status=400)
    assert len(sandbox_server.klaviyo("GET", "/events", **{"page[size]": 1})["data"]) == 1
    assert sandbox_server.store.count("klaviyo.event") == 1016


@pytest.mark.parametrize(
    "wrong",
    [
        {"properties": None},
        {"properties": {str(number): number for number in range(401)}},
        {"properties": {"text": "x" * 100_001}},
        {"metric": {"data": {"type": "metric", "attributes": {}}}},
        {"metric": {"data": {"type": "metric", "attributes": {"name": "x" * 128}}}},
        {"time": "soon"},
        {"time": "1989-12-31T23:59:59Z"},
        {"time": "2027-12-31T00:00:00Z"},
    ],
)
def test_an_event_that_will_not_do_is_refused(sandbox_server, wrong):
    body = {"data": {"type": "event", "attributes": told() | wrong}}
    sandbox_server.klaviyo("POST", "/events", body, status=400)


def test_metrics_are_filtered_by_where_they_come_from(sandbox_server):
    tell(sandbox_server, metric="Wrote Review")
    everything = {one["attributes"]["name"] for one in sandbox_server.klaviyo("GET", "/metrics")["data"]}
    assert everything == {"Placed Order", "Wrote Review"}
    shop = sandbox_server.klaviyo("GET", "/metrics", filter="equals(integration.name,'Shopify')")["data"]
    assert [one["attributes"]["name"] for one in shop] == ["Placed Order"]
