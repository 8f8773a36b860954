"""Whatever happens to the records: the same ids however they are built, none given twice, and nobody together who is apart."""

from datetime import datetime, timedelta
from random import Random

import pytest

from mailhouse.consent.compiled import DecisionSql
from tests.python.identity_ids.conftest import HISTORY, Builds
from tests.python.identity_ids.histories import World
from tests.python.identity_ids.reference import Memory, clusters_of

START = datetime(2026, 1, 1)


def walk(sql: DecisionSql, seed: int, steps: int) -> None:
    """Build after every step, and see after each what must hold. The clock stands still now and then."""
    world, memory = World(Random(seed)), Memory()
    world.come()
    with Builds(sql) as builds:
        for step in range(steps):
            world.step()
            now = START + timedelta(hours=step - step % 3)
            builds.build(world.given(), now)
            called, history = builds.customers(), builds.table(HISTORY)
            place = f"seed {seed}, step {step}"

            # from the beginning, the rows in another order, an hour later: the same, the history included
            builds.build(world.given(), now + timedelta(hours=1))
            assert builds.table(HISTORY) == history and builds.customers() == called, place

            numbers = world.numbers()
            keys = {number: key for key, number in numbers.items()}
            joined = builds.table("int_identity_edges_guarded", "record_number, other_number")
            clusters = clusters_of(numbers, [(keys[one], keys[other]) for one, other in joined])
            assert called == memory.call(numbers, clusters), place
            assert_obeyed(world, called, place)
            assert_nobody_is_called_as_another(builds, len(clusters), place)


def assert_obeyed(world: World, called: dict[str, str], place: str) -> None:
    cannot = [pair for pair in world.cannot if world.here.issuperset(pair)]
    assert [pair for pair in cannot if called[pair[0]] == called[pair[1]]] == [], place
    apart = {frozenset(pair) for pair in cannot}
    must = [pair for pair in world.must if world.here.issuperset(pair) and frozenset(pair) not in apart]
    for bundle in clusters_of(world.numbers(), must):
        if not any(pair <= set(bundle) for pair in apart):
            assert len({called[record] for record in bundle}) == 1, place
    if not cannot:
        numbers = world.numbers()
        evidence = [pair for pair in (*world.evidence, *must) if world.here.issuperset(pair)]
        for cluster in clusters_of(numbers, evidence):
            assert len({called[record] for record in cluster}) == 1, place


def assert_nobody_is_called_as_another(builds: Builds, count_clusters: int, place: str) -> None:
    """One id a cluster, and whoever is split off gets an id that nobody has ever had."""
    rows = builds.table(HISTORY, "customer_id, change, began_in_build, valid_to is null")
    assert len({customer for customer, _, _, is_open in rows if is_open}) == count_clusters, place
    given_in: dict[str, int] = {}
    for customer, _, build, _ in rows:
        given_in[customer] = min(build, given_in.get(customer, build))
    assert [customer for customer, change, build, _ in rows if change == "split" and given_in[customer] < build] == [], place


@pytest.mark.parametrize("seed", range(3))
def test_a_build_from_the_beginning_gives_the_same_ids_after_any_history(identity_sql: DecisionSql, seed: int) -> None:
    walk(identity_sql, seed, steps=12)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 140))
def test_a_build_from_the_beginning_gives_the_same_ids_after_any_longer_history(identity_sql: DecisionSql, seed: int) -> None:
    walk(identity_sql, seed, steps=60)
