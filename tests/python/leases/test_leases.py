"""Of two runs at once one has the lease; the other is told who, or waits; whoever was overtaken is found out."""

import math
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailhouse.clock import FixedClock, SystemClock
from mailhouse.errors import LeaseHeld, LeaseLost, StateUnreadable
from mailhouse.leases import TIME_TO_LIVE, Lease, Leases, destination_lease

NOON = datetime(2026, 5, 4, 12, 3, tzinfo=UTC)
LIFE = TIME_TO_LIVE.total_seconds()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def leases(tmp_path, clock) -> Leases:
    return Leases(tmp_path / "leases.db", clock)


def test_the_second_is_told_who_and_since_when(leases, clock):
    with leases.hold("warehouse", "mailhouse run") as lease:
        clock.sleep(30)
        with pytest.raises(LeaseHeld) as refused, leases.hold("warehouse", "mailhouse sync"):
            pass
        lease.check()
    said = str(refused.value)
    assert said.startswith("warehouse: held by mailhouse run (process ")
    assert "since 12:03 UTC" in said and "--wait" in said and "\n" not in said


def test_what_was_given_back_is_free_also_after_an_error(leases):
    with pytest.raises(ZeroDivisionError), leases.hold("warehouse", "mailhouse run"):
        raise ZeroDivisionError
    assert leases.holder("warehouse") is None
    with leases.hold("warehouse", "mailhouse sync"):
        pass


def test_leases_of_other_names_are_free(leases):
    with leases.hold("warehouse", "one"), leases.hold(destination_lease("mailchimp"), "one") as lease:
        assert lease.name == "destination:mailchimp"
        with leases.hold(destination_lease("klaviyo"), "another"):
            pass


def test_waiting_is_told_once_and_ends_when_it_is_given_back(tmp_path, leases):
    first = leases.hold("warehouse", "mailhouse run")
    first.__enter__()
    told = []

    class GivesBack(FixedClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.now() == NOON + timedelta(seconds=1):
                first.__exit__(None, None, None)

    patient = Leases(tmp_path / "leases.db", GivesBack(NOON))
    with patient.hold("warehouse", "mailhouse sync", wait=math.inf, tell=told.append) as lease:
        assert "mailhouse sync" in lease.holder
    assert len(told) == 1 and told[0].startswith("waiting for mailhouse run (process ")


def test_waiting_ends_in_time(leases, clock):
    with leases.hold("warehouse", "mailhouse run"), pytest.raises(LeaseHeld), leases.hold("warehouse", "x", wait=2.1):
        pass
    assert clock.now() == NOON + timedelta(seconds=2.1)


def test_an_expired_lease_is_taken_over_and_the_old_holder_finds_out(leases, clock):
    with leases.hold("warehouse", "asleep") as old:
        clock.sleep(LIFE - 1)
        with pytest.raises(LeaseHeld), leases.hold("warehouse", "mailhouse run"):
            pass
        clock.sleep(1)
        old.check()  # late, but nobody has come since
        with leases.hold("warehouse", "mailhouse run") as new:
            assert new.token > old.token
            new.check()
            with pytest.raises(LeaseLost, match="taken over by mailhouse run"):
                old.check()
        with pytest.raises(LeaseLost, match="given back"):
            old.check()


def test_the_overtaken_gives_nothing_back(leases, clock):
    with leases.hold("warehouse", "asleep"):
        clock.sleep(LIFE)
        newer = leases.hold("warehouse", "mailhouse run")
        lease = newer.__enter__()
    lease.check()
    newer.__exit__(None, None, None)


def test_a_lease_is_renewed_while_its_holder_works(tmp_path):
    leases = Leases(tmp_path / "leases.db", SystemClock())
    with leases.hold("warehouse", "mailhouse run", ttl=timedelta(seconds=0.4)) as lease:
        first = leases.holder("warehouse").until
        while leases.holder("warehouse").until < first + timedelta(seconds=0.4):
            SystemClock().sleep(0.02)
        lease.check()


def test_tokens_go_on_growing_when_the_file_is_lost(tmp_path, leases, clock):
    with leases.hold("warehouse", "mailhouse run") as before:
        pass
    (tmp_path / "leases.db").unlink()
    clock.sleep(1)
    with leases.hold("warehouse", "mailhouse run") as after:
        assert after.token > before.token


def test_a_damaged_file_lets_nobody_in(tmp_path, clock):
    (tmp_path / "leases.db").write_bytes(b"no database at all, but long enough to be read as one" * 40)
    with pytest.raises(StateUnreadable, match=r"leases\.db"), Leases(tmp_path / "leases.db", clock).hold("warehouse", "x"):
        pass


ACTS = st.one_of(
    st.just(("come", 0)),
    st.tuples(st.just("go"), st.integers(0, 3)),
    st.tuples(st.just("sleep"), st.sampled_from((1, LIFE - 1, LIFE))),
)


@hypothesis_settings(deadline=None)  # each act waits for the disk
@given(st.lists(ACTS, max_size=12))
def test_whoever_comes_goes_and_sleeps_at_most_one_may_work(tmp_path_factory, acts):
    """A model beside it: the newest holder works until it goes; another comes in only when it went or slept too long."""
    clock = FixedClock(NOON)
    leases = Leases(tmp_path_factory.mktemp("leases") / "leases.db", clock)
    opened: list[tuple[Lease, AbstractContextManager[Lease]]] = []
    working, until, highest = None, NOON, 0
    for act, number in acts:
        if act == "sleep":
            clock.sleep(number)
        elif act == "go" and number < len(opened):
            lease, manager = opened.pop(number)
            manager.__exit__(None, None, None)
            working = None if lease is working else working
        elif act == "come":
            manager = leases.hold("warehouse", "a run")
            if working and clock.now() < until:
                with pytest.raises(LeaseHeld):
                    manager.__enter__()
                continue
            working, until = manager.__enter__(), clock.now() + TIME_TO_LIVE
            assert working.token > highest
            highest = working.token
            opened.append((working, manager))
        for lease, _ in opened:
            if lease is working:
                lease.check()
            else:
                with pytest.raises(LeaseLost):
                    lease.check()
    for _, manager in opened:
        manager.__exit__(None, None, None)
