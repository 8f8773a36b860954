"""A chain of twenty thousand records: one person where rules hold it together, stopped and named where scores do."""

import pytest

from mailhouse.identity.scratch import Scratch
from mailhouse.settings import load_settings
from tests.python.identity.conftest import ROOT

LENGTH = 20_000
# neighbours on the path are far apart by number, as they are when records come in any order
PATH = f"""
select (place * 7919) % {LENGTH} + 1 as here, ((place + 1) * 7919) % {LENGTH} + 1 as there
from range({LENGTH - 1}) as path (place)
"""
TAKEN = f"""
create table taken as select range + 1 as record_number, range::varchar as id, 'x' as truth,
    {
    ", ".join(
        f"null::varchar as {name}"
        for name in (
            "given_name",
            "family_name",
            "birth_date",
            "street_number",
            "street",
            "locality",
            "city",
            "postcode",
            "region",
            "country",
            "phone",
            "email",
        )
    )
}
from range({LENGTH})
"""


@pytest.fixture
def chained(tmp_path):
    """A scratch warehouse with so many records that say nothing, to be linked by the test."""
    made = Scratch(load_settings(tmp_path, project=ROOT))
    with made.open() as connection:
        connection.execute(TAKEN)
    made.stand_in()
    with made.open() as connection:
        connection.execute("create table intermediate.nicknames (given_name varchar, nickname varchar)")
        connection.execute(
            """
            create table intermediate.int_identity_pairs_scored (
                record_number bigint, other_number bigint, given_name_level smallint, phone_level smallint,
                match_weight double, match_probability double, is_contradicted boolean
            );
            create table intermediate.int_identity_pairs_compared (
                record_number bigint, other_number bigint, count_known integer
            )
            """
        )
    return made


def clusters(made: Scratch) -> list[tuple]:
    with made.open() as connection:
        query = "select cluster_number, count(*) from intermediate.int_identities_clustered group by 1"
        return connection.execute(query).fetchall()


def reviews(made: Scratch) -> list[tuple]:
    with made.open() as connection:
        query = "select stopped_because, count_parts, count_clusters_left, what_stayed from intermediate.int_identity_reviews"
        return connection.execute(query).fetchall()


def test_a_path_that_rules_hold_together_is_one_person(chained):
    with chained.open() as connection:
        connection.execute(f"insert into intermediate.int_record_links_united {PATH}")
    chained.resolve(done=("int_identity_pairs_compared", "int_identity_pairs_scored"))
    assert clusters(chained) == [(1, LENGTH)]
    assert reviews(chained) == []


def test_a_path_that_scores_hold_together_is_stopped_and_named(chained):
    with chained.open() as connection:
        connection.execute(
            f"""
            insert into intermediate.int_identity_pairs_scored
            select greatest(here, there), least(here, there), null, null, 5, 0.97, false from ({PATH})
            """
        )
    chained.resolve(done=("int_identity_pairs_compared", "int_identity_pairs_scored"))
    assert len(clusters(chained)) == LENGTH
    assert reviews(chained) == [("too large", LENGTH, LENGTH, "no scores kept")]
