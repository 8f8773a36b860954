"""The state: upserts, pages in the order of numbers or of change, transactions, tags."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailhouse.sandbox.store import Row, SandboxNotReady, Store, stamp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


def rows(*numbers, **more):
    return [Row(str(number), {"n": number}, NOON - timedelta(minutes=number), **more) for number in numbers]


def test_times_of_every_form_sort_as_text():
    assert stamp("2026-03-01T13:00:00+01:00") == stamp(NOON) == stamp("2026-03-01 12:00:00") == "2026-03-01T12:00:00.000Z"
    assert stamp(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-03-01T12:00:00.000Z"


def test_pages_follow_numbers_not_digits(store):
    store.put_many("k", rows(2, 10, 1, 9, 100))
    first = store.page("k", limit=3)
    assert [row.id for row in first] == ["1", "2", "9"]
    assert [row.id for row in store.page("k", limit=3, after=first[-1].id)] == ["10", "100"]


def test_pages_by_change_go_on_after_the_pair(store):
    store.put_many("k", [Row(str(number), {}, NOON) for number in range(5)])
    first = store.page("k", limit=2, order="updated_at")
    rest = store.page("k", limit=9, order="updated_at", after=(first[-1].updated_at, first[-1].id))
    assert [row.id for row in (*first, *rest)] == ["0", "1", "2", "3", "4"]


def test_windows_include_their_start_and_not_their_end(store):
    store.put_many("k", rows(1, 2, 3))
    window = {"updated_from": NOON - timedelta(minutes=2), "updated_before": NOON - timedelta(minutes=1)}
    assert [row.id for row in store.page("k", limit=9, **window)] == ["2"]
    assert store.count("k", **window) == 1


def test_an_upsert_replaces_and_archived_rows_are_apart(store):
    store.put_many("k", rows(1, 2))
    store.put("k", Row("1", {"n": "new"}, NOON, deleted=True))
    assert (store.count("k"), store.count("k", deleted=True), store.count("k", deleted=None)) == (1, 1, 2)
    assert store.get("k", "1").body == {"n": "new"}
    assert store.delete("k", "1")
    assert not store.delete("k", "1")


def test_the_same_id_may_live_under_two_parents(store):
    store.put_many("k", [*rows(1, parent="a"), *rows(1, parent="b")])
    assert store.count("k") == 2
    assert store.get("k", "1", "b").parent == "b"
    assert store.get("k", "1", "c") is None


def test_a_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.transaction():
        store.put_many("k", rows(1))
        store.meta_set("x", 1)
        raise RuntimeError
    assert (store.count("k"), store.meta_get("x")) == (0, None)


def test_writers_of_many_threads_take_turns(store):
    store.meta_set("n", 0)

    def add():
        for _ in range(20):
            with store.transaction():
                store.meta_set("n", store.meta_get("n") + 1)

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.meta_get("n") == 100


def test_tags_count_only_what_changed(store):
    assert store.tag_add("l", "1", ["a", "b"]) == 2
    assert store.tag_add("l", "1", ["b", "c"]) == 1
    assert store.tag_remove("l", "1", ["a", "z"]) == 1
    assert store.tag_members("l", "1") == ["b", "c"]
    assert store.tags_of("l", ["b", "z"]) == {"b": ["1"]}


def test_a_store_that_was_never_seeded_has_no_clock(store):
    with pytest.raises(SandboxNotReady, match="sandbox seed"):
        store.now()
