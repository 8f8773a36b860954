"""One person is one document, and a sync makes the least calls there can be."""

from collections import defaultdict
from math import ceil
from random import Random

from mailhouse.destinations import Change
from mailhouse.destinations.mailchimp import wire


def least_calls(before: dict, after: dict, renamed: set) -> tuple[int, int]:
    """The lower bound from the segment tables alone: batches of documents, batches of leavers."""
    people = defaultdict(set)
    for tag, members in after.items():
        for person in members:
            people[person].add(tag)
    changed = {p for p, tags in people.items() if p in renamed or any(p not in before.get(tag, set()) for tag in tags)}
    leavers = sum(ceil(len(before.get(tag, set()) - after[tag]) / 500) for tag in after)
    return ceil(len(changed) / 500), leavers


def test_first_fill_takes_one_batch_per_500_people_and_the_second_sync_none(world, esp):
    world.people(range(1100))
    world.segment("newsletter", range(1100))
    world.segment("vip", range(0, 1100, 2))
    plan = world.plan()
    assert plan.call_count == ceil(1100 / 500)
    result = world.sync()
    assert result.ok
    writes = esp.writes()
    assert writes["batch"] == 3
    assert "leave" not in writes
    assert esp.tag("NEWSLETTER") == world.delivered("NEWSLETTER")
    assert len(esp.tag("VIP")) == 550

    again = world.plan()
    assert again.is_empty
    assert world.sync().ok
    assert esp.writes() == {}


def test_six_tags_of_one_person_travel_in_one_entry_of_one_batch(world, esp):
    world.people(range(10))
    for name in ("one", "two", "three", "four", "five", "six"):
        world.segment(name, range(10))
    plan = world.plan()
    assert plan.call_count == 1
    assert len(plan.changes["mailchimp"]) == 10
    assert all(len(change.add) == 6 for change in plan.changes["mailchimp"])
    world.sync()
    assert esp.writes()["batch"] == 1
    assert all(len(esp.tag(name)) == 10 for name in ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"))


def test_leavers_leave_each_tag_in_batches_of_500(world, esp):
    world.people(range(1201))
    world.segment("newsletter", range(1201))
    world.segment("vip", range(600))
    world.sync()
    esp.writes()
    world.members("newsletter", range(1100, 1201))
    world.members("vip", range(599))
    plan = world.plan()
    assert plan.calls_by() == {"mailchimp": {"write": 0, "join": 0, "leave": ceil(1100 / 500) + 1}}
    world.sync()
    assert esp.writes() == {"leave": 4}
    assert len(esp.tag("NEWSLETTER")) == 101
    assert len(esp.tag("VIP")) == 599


def test_random_walks_make_exactly_the_least_calls_and_end_in_step(world, esp):
    chance = Random(20260504)
    world.people(range(1400))
    tags = ("A", "B", "C")
    before: dict[str, set] = {tag: set() for tag in tags}
    for tag in tags:
        world.segment(tag.lower(), [])
    for step in range(4):
        after, renamed = {}, set()
        for tag in tags:
            share = chance.choice((0, 0.02, 0.4, 0.9, 1))
            kept = {p for p in before[tag] if chance.random() < chance.choice((0.2, 1, 1))} if share < 1 else before[tag]
            after[tag] = kept | {p for p in range(1400) if chance.random() < share * 0.4}
            world.members(tag.lower(), sorted(map("c{:06d}".format, after[tag])))
        for number in chance.sample(range(1400), chance.choice((0, 0, 7, 700))):
            world.rename(number, f"New {step}")
            # a name that nobody ever delivered is no change of its own: the person is new anyway
            if any(number in after[tag] for tag in tags):
                renamed.add(number)
        # a document may have been delivered before, been left without tags and come back: it then joins, which is counted above
        batches, leaves = least_calls(before, after, renamed)
        plan = world.plan()
        assert plan.calls_by()["mailchimp"] == {"write": batches, "join": 0, "leave": leaves}
        assert world.sync().ok
        writes = esp.writes()
        assert (writes.get("batch", 0), writes.get("leave", 0)) == (batches, leaves)
        for tag in tags:
            assert len(after[tag]) == len(esp.tag(tag)) or not after[tag]
            assert esp.tag(tag) == world.delivered(tag)
        assert world.plan().is_empty
        before = after


def test_a_batch_is_full_by_bytes_as_well_as_by_rows():
    def change(number: int) -> Change:
        fields = '{"FNAME":"' + "é" * 200 + '"}'
        return Change("mailchimp", "Customers", f"k{number}", "c", "a@example.test", "a@example.test", fields, "", True, ("T",))

    changes = [change(number) for number in range(100)]
    cut = list(wire.batches(changes, rows=500, limit=6_000))
    assert [c for batch in cut for c in batch] == changes
    assert len(cut) > 1
    assert all(sum(wire._size(c) for c in batch) <= 6_000 for batch in cut)
    assert [len(batch) for batch in wire.batches(changes, rows=40, limit=10**9)] == [40, 40, 20]
