"""Scores a file of person records with the project's own identity models, and measures the answer against a known truth."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import duckdb

from mailhouse.identity.em import fit
from mailhouse.identity.patterns import read_patterns, rule_fields
from mailhouse.identity.records import Asked, take
from mailhouse.identity.scratch import scratch
from mailhouse.identity.weights import Weights
from mailhouse.report import Table
from mailhouse.settings import Settings

# Pairs are counted, never listed: a cluster of n records has n * (n - 1) / 2 of them.
MEASURE = """
with answered as (
    select clusters.cluster_number, taken.truth
    from taken
    inner join intermediate.int_identities_clustered as clusters using (record_number)
    where taken.truth is not null
),
both_same as (select count(*) as records from answered group by cluster_number, truth),
found as (select count(*) as records from answered group by cluster_number),
true_groups as (select count(*) as records from answered group by truth)
select
    (select coalesce(sum(records * (records - 1) // 2), 0) from both_same),
    (select coalesce(sum(records * (records - 1) // 2), 0) from found),
    (select coalesce(sum(records * (records - 1) // 2), 0) from true_groups)
"""
SIZES = """
select count(*), max(records)
from (select count(*) as records from intermediate.int_identities_clustered group by cluster_number)
"""
REVIEWED = "select count(*) from intermediate.int_identity_reviews"


@dataclass(frozen=True)
class Score:
    """How right the clusters are, over pairs after closure. Shares from 0 to 1; no pair found is precision 1."""

    precision: float
    recall: float
    f1: float
    clusters: int
    largest_cluster: int
    seconds: float
    records: int
    true_pairs: int
    found_pairs: int
    right_pairs: int
    stopped_by_guard: int

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)

    def table(self) -> Table:
        rows = [(name, f"{value:.4f}" if isinstance(value, float) else f"{value:,}") for name, value in asdict(self).items()]
        return Table("Pairs of records, after closure, against the truth", ("measure", "value"), tuple(rows))


def score(settings: Settings, asked: Asked, weights: Weights | None, say: Callable[[str], None]) -> tuple[Score, Weights]:
    """Score a file; without `weights` they are fitted on it. Gives back the measures and the weights that were used.

    Raises RecordsRefused for a file that cannot be taken, BuildFailed when a model fails.
    """
    began = time.monotonic()
    with scratch(settings) as made:
        with made.open() as connection:
            records = take(connection, asked)
        made.stand_in()
        say(f"{records:,} records taken; comparing")
        made.compare()
        if weights is None:
            with made.open() as connection:
                patterns = read_patterns(connection)
            fitted = fit(patterns, rule_fields(settings.dbt_vars.get("identity_blocking_rules")))
            say(f"weights fitted over {fitted.pairs:,.0f} pairs, of which about {fitted.matches:,.0f} are one person")
            weights = fitted.weights
        made.put_weights(weights)
        made.resolve()
        with made.open() as connection:
            return _measured(connection, records, time.monotonic() - began), weights


def _measured(connection: duckdb.DuckDBPyConnection, records: int, seconds: float) -> Score:
    right, found, true = connection.execute(MEASURE).fetchone() or (0, 0, 0)
    clusters, largest = connection.execute(SIZES).fetchone() or (0, 0)
    (stopped,) = connection.execute(REVIEWED).fetchone() or (0,)
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    return Score(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        clusters=clusters,
        largest_cluster=largest,
        seconds=round(seconds, 2),
        records=records,
        true_pairs=int(true),
        found_pairs=int(found),
        right_pairs=int(right),
        stopped_by_guard=stopped,
    )
