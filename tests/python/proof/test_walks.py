"""Thousands of random steps through the shipped engine; a violation says the line that replays it.

A walk is many small worlds at once, so that its calls are full and its runs are few; after each run every invariant of
`invariants.py` is looked at, and at each quiet point everything is compared with everything.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.python.proof.faults import OF_CALLS, OF_JOBS
from tests.python.proof.steps import STEPS
from tests.python.proof.walk import Walk

DAILY = ((21, 300, 10_000), (22, 300, 10_000))  # seed, worlds, steps
SWEEP = tuple((seed, 1_000, 50_000) for seed in range(100, 120))


@contextmanager
def walked(folder: Path, consent: dict[str, Any], seed: int, worlds: int, steps: int, **more: Any) -> Iterator[Walk]:
    with closing(Walk(folder, consent, seed, worlds, **more)) as walk:
        walk.run(steps)
        print(f"{walk.replay} --steps {steps}: {walk.steps:,} steps, {dict(sorted(walk.counts.items()))}")
        yield walk


def test_walks_in_memory_keep_every_invariant_and_come_across_what_they_are_for(tmp_path, consent):
    exercised: Counter[str] = Counter()
    for seed, worlds, steps in DAILY:
        with walked(tmp_path / str(seed), consent, seed, worlds, steps) as walk:
            assert walk.steps >= steps
            exercised.update(walk.counts)
    assert sum(steps for _, _, steps in DAILY) >= 20_000
    happened = {step.__name__ for step, _ in STEPS}
    met = {"killed", "faults", "not approved", "quiet point", "nothing to do", "races repaired", "sealed plans"}
    assert happened | met <= exercised.keys()
    assert sum(exercised[f"fault: {fault}"] for fault in OF_CALLS + OF_JOBS) >= 10
    assert exercised["effects"] >= 20_000


def test_a_walk_on_a_file_and_with_the_real_last_look_keeps_every_invariant(tmp_path, consent):
    with walked(tmp_path, consent, seed=23, worlds=40, steps=500, on_file=True, real_look=True) as walk:
        assert walk.steps >= 500


def test_whoever_stops_the_mails_there_while_they_are_written_to_stays_as_they_chose(tmp_path, consent):
    with walked(tmp_path, consent, seed=24, worlds=40, steps=2_000, all_unsubscribe=True) as walk:
        assert walk.counts["unsubscribed there while written to"] >= 100


@pytest.mark.torture
@pytest.mark.parametrize(("seed", "worlds", "steps"), SWEEP)
def test_a_million_steps_keep_every_invariant(tmp_path, consent, seed, worlds, steps):
    assert sum(steps for _, _, steps in SWEEP) >= 1_000_000
    with walked(tmp_path, consent, seed, worlds, steps) as walk:
        assert walk.steps >= steps
