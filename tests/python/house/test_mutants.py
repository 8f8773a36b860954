"""The planted bugs fit the project as it is; whether they are found is what `make mutants` shows."""

import pytest

from tests.python.proof.run_mutants import applies, patches


def test_every_bug_that_the_consent_and_sync_rules_are_held_against_is_planted():
    assert len(patches()) == 12


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.stem)
def test_a_planted_bug_fits_and_is_described(patch):
    assert applies(patch) == ""
    assert not patch.read_text(encoding="utf-8").startswith("diff")
