"""The steps of the walks in one small world, chosen by hypothesis: what breaks is shrunk to the least that breaks it."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.python.proof.engine import modelled
from tests.python.proof.steps import STEPS
from tests.python.proof.walk import Walk

# the steps draw from it who and what; hypothesis writes it down, and makes it small as well
RANDOM = st.randoms(use_true_random=False)


class OneWorld(RuleBasedStateMachine):
    """A walk whose every step somebody else decides on."""

    consent: ClassVar[dict[str, Any]]

    @initialize(seed=st.integers(0, 5))
    def begins(self, seed: int) -> None:
        self.opened = ExitStack()
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        self.walk = Walk(folder, self.consent, seed, worlds=1)
        self.opened.callback(self.walk.close)
        self.opened.enter_context(modelled(lambda: self.walk.engine.esps))
        self.walk.build()

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    def by(self, random: Random) -> Walk:
        """The walk, drawing from `random` from now on."""
        self.walk.random = self.walk.around.random = random
        self.walk.around.now = self.walk.engine.clock.now()
        return self.walk

    @rule(step=st.sampled_from([step for step, _ in STEPS]), random=RANDOM)
    def happens(self, step: Any, random: Random) -> None:
        walk = self.by(random)
        step(walk.around, walk.company.worlds[0])

    @rule(hours=st.sampled_from((0.1, 1, 24, 60)), random=RANDOM)
    def syncs_in_bad_weather(self, hours: float, random: Random) -> None:
        walk = self.by(random)
        walk.passes(hours)
        walk.rough()

    @rule(random=RANDOM)
    def seals_a_plan_and_applies_it(self, random: Random) -> None:
        self.by(random).seals_and_applies()

    @rule(random=RANDOM)
    def is_quiet(self, random: Random) -> None:
        walk = self.by(random)
        walk.passes(1)
        walk.tell()
        walk.clean()


def searched(consent: dict[str, Any], examples: int, steps: int) -> None:
    OneWorld.consent = consent
    said = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OneWorld, settings=said)


def test_no_few_steps_in_one_world_break_an_invariant(consent):
    searched(consent, examples=5, steps=12)


@pytest.mark.torture
def test_no_steps_in_one_world_break_an_invariant(consent):
    searched(consent, examples=60, steps=30)
