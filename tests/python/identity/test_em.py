"""Fitting weights finds again what made the patterns, and never weighs more than it may."""

import itertools

import pytest

from mailhouse.identity.em import NAMES, Pattern, Patterns, fit
from mailhouse.identity.weights import MOST_BITS, read_weights

USED = ("given_name", "family_name", "birth_date", "postcode")
EQUAL = {"given_name": 5, "family_name": 3, "birth_date": 3, "postcode": 2}
M = {"given_name": 0.95, "family_name": 0.8, "birth_date": 0.9, "postcode": 0.7}
H = {"given_name": 0.01, "family_name": 0.8, "birth_date": 0.001, "postcode": 0.7}
U = {"given_name": 0.01, "family_name": 0.005, "birth_date": 0.001, "postcode": 0.002}


def patterns_of(shares: dict[str, float], pairs: float, rules: int) -> list[Pattern]:
    """Every way to agree or not on the fields in use, as often as these shares make it."""
    found = []
    for agree in itertools.product((True, False), repeat=len(USED)):
        count = pairs
        levels: list[int | None] = [None] * len(NAMES)
        for name, equal in zip(USED, agree, strict=True):
            count *= shares[name] if equal else 1 - shares[name]
            levels[NAMES.index(name)] = EQUAL[name] if equal else 0
        found.append(Pattern(rules, tuple(levels), count))
    return found


@pytest.fixture(scope="module")
def fitted():
    """A thousand pairs of one person and five hundred of one household among fifty thousand strangers, found by e-mail."""
    blocked = patterns_of(M, 1_000, 1) + patterns_of(H, 500, 1) + patterns_of(U, 50_000, 1)
    return fit(Patterns(blocked, patterns_of(U, 500_000, 0), 5_000), [["email"]])


def row(fitted, name: str, level: int):
    return next(one for one in fitted.weights.rows if (one.comparison, one.level) == (name, level))


def test_what_made_the_patterns_is_found_again(fitted):
    for name in USED:
        assert row(fitted, name, EQUAL[name]).m == pytest.approx(M[name], abs=0.02)
        assert row(fitted, name, EQUAL[name]).u == pytest.approx(U[name], rel=0.05)
    # a few that agree on next to nothing cannot be told from strangers
    assert fitted.matches == pytest.approx(1_000, rel=0.15)


def test_a_shared_surname_and_address_say_nothing_against_a_household(fitted):
    assert abs(row(fitted, "family_name", 3).household_weight) < 0.2
    assert abs(row(fitted, "postcode", 2).household_weight) < 0.2
    assert row(fitted, "birth_date", 3).household_weight > 8


def test_no_weight_is_more_than_it_may_be(fitted):
    weights = [weight for one in fitted.weights.rows for weight in (one.weight, one.household_weight)]
    assert max(map(abs, weights)) <= MOST_BITS


def test_only_what_was_seen_is_weighed(fitted):
    assert {one.comparison for one in fitted.weights.rows} == set(USED)


def test_a_seed_reads_back_as_it_was_written(fitted, tmp_path):
    path = tmp_path / "weights.csv"
    path.write_text(fitted.weights.as_csv(), encoding="utf-8")
    assert read_weights(path).as_csv() == fitted.weights.as_csv()


def test_records_without_a_single_pair_can_be_fitted():
    nobody = fit(Patterns([], [], 1), [["email"]])
    assert nobody.weights.rows == []
    assert nobody.weights.prior.weight < 0
