"""Segment's events from files: what is taken, what is set aside with which reason, and what a second run reads."""

import gzip
import json
import os

import pytest


def event(number=1, **more):
    said = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m{number}",
        "anonymousId": "a-1",
        "timestamp": "2026-05-01T10:00:00.000Z",
    }
    return {**said, **more}


def lines(*events):
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in events).encode()


@pytest.fixture
def drop(place, tmp_path):
    """Puts a file into the folder that the connection reads."""
    folder = tmp_path / "delivered"
    folder.mkdir()
    place.connect("segment", str(folder), secrets={})

    def put(name, content):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return put


def landed(place):
    done = place.land()["segment"]
    assert done.error is None, done.error
    return done


def reasons(place):
    return [row[0] for row in place.rows("select reason from raw_segment.quarantine order by origin, position")]


def test_lines_gzip_and_posted_batches_become_events(place, drop):
    drop("2026/05/01.jsonl", lines(event(1), event(2)))
    drop("2026/05/02.gz", lines(event(3)))
    drop("posted.json", json.dumps({"batch": [event(4), event(5)], "context": {"locale": "de-DE"}}, indent=1).encode())
    drop("listed.json", json.dumps([event(6)]).encode())
    drop("notes.txt", b"nothing of ours")
    assert landed(place).rows["events"] == 6
    assert place.rows("select message_id, locale from raw_segment.events order by 1") == [
        ("m1", None), ("m2", None), ("m3", None), ("m4", "de-DE"), ("m5", "de-DE"), ("m6", None),
    ]  # fmt: skip
    assert reasons(place) == []


def test_a_second_run_reads_only_what_is_new_or_has_changed(place, drop):
    first = drop("1.jsonl", lines(event(1)))
    landed(place)
    drop("2.jsonl", lines(event(2)))
    assert landed(place).rows["events"] == 1
    assert landed(place).rows.get("events", 0) == 0
    first.write_bytes(lines(event(1), event(3)))
    os.utime(first, (2_000_000_000, 2_000_000_000))
    assert landed(place).rows["events"] == 2
    assert place.one("select count(*) from raw_segment.events") == 3


def test_a_late_event_and_a_repeated_one(place, drop):
    drop("1.jsonl", lines(event(1), event(1), event(2, timestamp="2020-01-01T00:00:00Z")))
    landed(place)
    drop("2.jsonl", lines(event(2, timestamp="2020-01-01T00:00:00Z")))
    landed(place)
    assert place.rows("select message_id, year(timestamp) from raw_segment.events order by 1") == [("m1", 2026), ("m2", 2020)]


BROKEN = {
    "no JSON": "{half of an event",
    "no JSON object": "17",
    "type is none of identify, track, page, screen, group, alias": event(type="buy"),
    "neither userId nor anonymousId": event(anonymousId=None),
    "userId is no text": event(userId={"id": 1}),
    "track without event": event(event=" "),
    "alias without previousId and userId": event(type="alias"),
    "group without groupId": event(type="group"),
    "traits is no JSON object": event(type="identify", traits="email"),
    "no timestamp": event(timestamp=None),
    "a time is no ISO 8601 text": event(timestamp="yesterday"),
    "a time is of no year between 2000 and 2200": event(timestamp="0001-01-01T00:00:00Z"),
    "event of more than 32,768 bytes": event(properties={"text": "x" * 33_000}),
}


def test_a_broken_event_is_set_aside_with_its_reason_and_loses_nobody_elses(place, drop):
    mixed = [part for number, bad in enumerate(BROKEN.values()) for part in (bad, event(number))]
    drop("mixed.jsonl", lines(event("first"), *mixed))
    done = landed(place)
    assert done.rows["events"] == len(BROKEN) + 1
    assert done.set_aside == (f"segment: {len(BROKEN)} rows were set aside; raw_segment.quarantine says why",)
    assert reasons(place) == list(BROKEN)
    kept = str(place.rows("select * from raw_segment.quarantine"))
    assert "half of an event" not in kept and "yesterday" not in kept


def test_what_is_too_large_is_said_in_the_settings(place, drop, tmp_path):
    place.connect("segment", str(tmp_path / "delivered"), secrets={}, max_event_bytes=200, max_batch_bytes=500)
    drop("events.jsonl", lines(event(1, properties={"text": "x" * 200}), event(2)))
    drop("batch.jsonl", lines({"batch": [event(n) for n in range(10, 20)]}, {"batch": [event(3)]}))
    landed(place)
    assert place.rows("select message_id from raw_segment.events order by 1") == [("m2",), ("m3",)]
    assert reasons(place) == ["batch of more than 500 bytes", "event of more than 200 bytes"]


def test_a_file_that_breaks_off_keeps_what_came_before(place, drop):
    whole = gzip.compress(lines(*(event(n) for n in range(50))))
    path = drop("cut.gz", b"")
    path.write_bytes(whole[:-20])
    drop("fine.jsonl", lines(event("fine")))
    landed(place)
    assert reasons(place) == ["the file breaks off: it is no whole gzip"]
    assert place.one("select count(*) from raw_segment.events where message_id = 'mfine'") == 1
    path.write_bytes(whole)
    landed(place)
    assert place.one("select count(*) from raw_segment.events") == 51


def test_nobodys_address_stays_in_what_is_kept_as_json_or_url(place, drop):
    told = event(
        properties={"friend": "Ann Other <ann@friends.example>", "list": [{"to": "bob@friends.example"}], "size": 3},
        context={"page": {"url": "https://shop.example/a?email=cy@friends.example#x", "path": "/a", "title": "Hi"}},
    )
    known = event(2, type="identify", userId=7, traits={"email": "dee@mail.example", "name": "Dee von Doe", "plan": "gold"})
    drop("1.jsonl", lines(told, known))
    landed(place)
    assert "friends.example" not in str(place.rows("select * from raw_segment.events"))
    found = place.rows(
        "select user_id, unnamed_id, email, first_name, last_name, traits from raw_segment.events order by message_id"
    )
    assert found == [(None, "a-1", None, None, None, None), ("7", None, "dee@mail.example", "Dee von", "Doe", '{"plan":"gold"}')]


def test_an_event_without_message_id_is_known_by_its_content(place, drop):
    bare = {key: value for key, value in event().items() if key != "messageId"}
    drop("1.jsonl", lines(bare))
    landed(place)
    drop("2.jsonl", lines(dict(reversed(bare.items()))))
    landed(place)
    assert place.one("select count(*) from raw_segment.events") == 1


def test_older_spellings_and_shortened_dates_are_understood(place, drop):
    drop("1.jsonl", lines(event(1, type=None, action="track", anonymousId=None, user_id=12, timestamp="2026-2-03T10:00:00.000Z")))
    landed(place)
    assert place.rows("select user_id, cast(timestamp as varchar) from raw_segment.events") == [("12", "2026-02-03 10:00:00+00")]
    assert reasons(place) == []


def test_a_folder_that_is_not_there_is_one_line(place, tmp_path):
    place.connect("segment", str(tmp_path / "nowhere"), secrets={})
    error = place.land()["segment"].error
    assert "is not there" in str(error) and "\n" not in str(error)
