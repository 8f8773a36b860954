"""One engine, two ESPs of opposite kinds: the least calls on both, and desired = delivered = actual."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from tests.python.sync.both import Both, address
from tests.python.sync.conftest import Esp
from tests.python.sync.mixes import NAMES, Mix


@pytest.fixture
def both(tmp_path: Path, esp: Esp) -> Iterator[Both]:
    made = Both(tmp_path / "work", esp)
    yield made
    made.close()


def calls_of(both: Both) -> tuple[dict[str, int], dict[str, int]]:
    """(Mailchimp's, Klaviyo's) write calls since the last look, one-time set-up left out."""
    counted = both.esp.control("GET", "/calls")["calls"]
    klaviyo = both.klaviyo_writes()
    names = {"/3.0/lists/{list_id}": "batch", "/3.0/lists/{list_id}/segments/{segment_id}": "leave"}
    mailchimp: dict[str, int] = {}
    for call in counted:
        if call["vendor"] == "mailchimp" and call["writes"] and call["path"] in names:
            mailchimp[names[call["path"]]] = mailchimp.get(names[call["path"]], 0) + call["calls"]
    klaviyo.pop("set-up", None)
    return mailchimp, klaviyo


def test_five_thousand_known_people_who_changed_are_one_job_and_ten_batches(both):
    both.people(range(5000))
    both.segment("newsletter", range(5000))
    result = both.sync()
    assert result.ok
    assert calls_of(both) == ({"batch": 10}, {"job": 1})
    both.in_step(result)
    both.warehouse.execute("update profiles.mailchimp_profiles set first_name = first_name || '!'")
    both.esp.control("DELETE", "/calls")
    assert both.sync().ok
    assert calls_of(both) == ({"batch": 10}, {"job": 1})
    assert both.plan().is_empty
    assert both.sync().ok
    assert calls_of(both) == ({}, {})
    assert len(both.listed("Newsletter")) == len(both.esp.tag("NEWSLETTER")) == 5000


def test_a_member_who_only_joins_another_list_needs_no_job(both):
    both.people(range(30))
    both.segment("newsletter", range(30))
    both.segment("vip", range(5))
    both.sync()
    calls_of(both)
    both.members("vip", range(3, 12))
    result = both.sync()
    assert calls_of(both) == ({"batch": 1, "leave": 1}, {"join": 1, "leave": 1})
    assert both.listed("Vip") == {address(number) for number in range(3, 12)}
    both.in_step(result)


def test_null_clears_a_profile_field_and_nothing_else(both):
    both.people(range(1))
    both.segment("newsletter", range(1))
    both.sync()
    both.warehouse.execute("update profiles.mailchimp_profiles set first_name = null")
    assert both.sync().ok
    (profile,) = [row.body for row in both.esp.store.page("klaviyo.profile", limit=10)]
    assert not profile.get("first_name")
    assert profile["properties"]["Orders"] == 0


def test_what_cannot_be_an_address_is_refused_before_it_is_sent(both):
    both.people(range(6))
    refused = "refused@invalid..example"
    both.warehouse.execute("update profiles.mailchimp_profiles set email = ? where customer_id = 'c000003'", [refused])
    both.segment("newsletter", range(6), mailchimp=False)
    result = both.sync()
    assert result.ok
    assert result.plan.refused() == {"invalid_address": 1}
    assert len(both.listed("Newsletter")) == 5
    assert both.plan().is_empty


@pytest.mark.parametrize("seed", range(4))
def test_every_mix_takes_the_least_calls(both, seed):
    mix = Mix(both, seed)
    for _ in range(4):
        owed = mix.change()
        # a Mailchimp batch carries documents with all their tags; a Klaviyo job at most one list that all its profiles join
        batches = ceil(len(owed.written.union(*owed.adds.values())) / 500)
        carried = [name for name in NAMES if owed.written and owed.written <= owed.adds[name]]
        joins = {name: ceil(len(owed.adds[name]) / 1000) for name in NAMES}
        best = max((joins[name] - ceil(len(owed.adds[name] - owed.written) / 1000) for name in carried), default=0)
        assert both.sync().ok
        mailchimp, klaviyo = calls_of(both)
        left = sum(ceil(len(gone) / 500) for gone in owed.leaves.values())
        assert (mailchimp.get("batch", 0), mailchimp.get("leave", 0)) == (batches, left)
        assert klaviyo.get("job", 0) == bool(owed.written)
        assert klaviyo.get("join", 0) == sum(joins.values()) - best
        assert klaviyo.get("leave", 0) == left
        for name in NAMES:
            assert both.listed(name.title()) == mix.addresses(name)
