"""The engine on SendGrid: the least calls by a formula of our own, every mode, and desired = delivered = actual."""

from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from mailhouse.sandbox.sendgrid_people import CONTACT
from tests.python.sync.both import Both, address
from tests.python.sync.conftest import Esp
from tests.python.sync.mixes import NAMES, Mix

ONLY = {"klaviyo": False, "mailchimp": False, "sendgrid": True}


@pytest.fixture
def world(tmp_path: Path, esp: Esp) -> Iterator[Both]:
    made = Both(tmp_path / "work", esp)
    yield made
    made.close()


def test_five_thousand_known_people_who_changed_are_one_upsert_and_leavers_go_by_the_hundred(world):
    # the judge reads each contact of an upsert against the description, and takes its time
    world.limits["timeout"] = 120.0
    world.people(range(5000))
    world.segment("newsletter", range(5000), **ONLY)
    assert world.sync().ok
    assert world.sendgrid_writes() == {"upsert": 1}
    world.warehouse.execute("update profiles.mailchimp_profiles set first_name = first_name || '!'")
    assert world.sync().ok
    assert world.sendgrid_writes() == {"upsert": 1}
    assert world.plan().is_empty
    assert world.sync().ok
    assert world.sendgrid_writes() == {}
    world.members("newsletter", range(250, 5000))
    assert world.sync().ok
    looked_up = [one["calls"] for one in world.esp.control("GET", "/calls")["calls"] if one["path"].endswith("/search/emails")]
    assert (looked_up, world.sendgrid_writes()) == ([3], {"leave": 3})
    assert len(world.on_list("Newsletter")) == 4750
    assert world.esp.store.count(CONTACT) == 5000


@pytest.mark.parametrize("seed", range(3))
def test_every_mix_takes_the_least_calls(world, seed):
    mix = Mix(world, seed, **ONLY)
    for _ in range(3):
        owed = mix.change()
        # who owes anything joins some lists, perhaps none: an upsert for each such choice, or one for each list
        owing = owed.written.union(*owed.adds.values())
        alike = Counter(frozenset(name for name in NAMES if number in owed.adds[name]) for number in owing)
        by_list = [len(joining) for joining in owed.adds.values() if joining]
        by_list += [alike[frozenset()]] if alike[frozenset()] else []
        least = min(sum(ceil(count / 30_000) for count in counts) for counts in (alike.values(), by_list))
        result = world.sync()
        assert result.ok
        calls = world.sendgrid_writes()
        assert calls.get("upsert", 0) == least
        assert calls.get("leave", 0) == sum(ceil(len(gone) / 100) for gone in owed.leaves.values())
        for name in NAMES:
            assert world.on_list(name.title()) == mix.addresses(name)
    world.in_step(result, with_fields=True)


def test_update_only_makes_nobody_and_insert_only_changes_nobody(world):
    world.people(range(4))
    world.segment("known", range(2), **ONLY)
    world.sync()
    world.segment("updated", range(1, 4), mode="update_only", **ONLY)
    world.sync()
    assert world.on_list("Updated") == {address(1)}
    assert world.esp.store.count(CONTACT) == 2
    world.segment("inserted", range(2, 4), mode="insert_only", **ONLY)
    world.sync()
    assert world.on_list("Inserted") == {address(2), address(3)}


def test_a_refused_row_waits_and_the_others_are_in_step(world):
    world.people(range(5))
    world.segment("newsletter", range(5), **ONLY)
    world.esp.control("POST", "/faults", [{"vendor": "sendgrid", "method": "PUT", "do": "partial", "rows": [address(2)]}])
    result = world.sync()
    assert {one.destination: one.rejected for one in result.destinations}["sendgrid"] == {"refused": 1}
    assert world.on_list("Newsletter") == {address(number) for number in (0, 1, 3, 4)}
    assert world.plan().is_empty
    world.later(hours=2)
    assert world.sync().ok
    assert world.on_list("Newsletter") == {address(number) for number in range(5)}
