"""Fits the weights of scoring on the warehouse's own records, and says what came out."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from mailhouse.errors import RecordsRefused, WarehouseMissing
from mailhouse.identity.em import Fit, fit
from mailhouse.identity.patterns import read_patterns, rule_fields
from mailhouse.identity.weights import MOST_BITS, Weights, read_weights
from mailhouse.platforms import platform_of
from mailhouse.report import Table
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

SEED = Path("seeds") / "identity_weights.csv"
FEWEST_MATCHES = 50  # fewer pairs than this do not show how often people mistype a name


@dataclass(frozen=True)
class Training:
    """What was fitted on how many records, and what stood in the seed before; None when nothing readable did."""

    fitted: Fit
    records: int
    before: Weights | None

    def table(self) -> Table:
        """Each level with its weight before and now."""
        old = {(row.comparison, row.level): row for row in self.before.rows} if self.before else {}
        rows = []
        for row in self.fitted.weights.rows:
            known = old.get((row.comparison, row.level))
            cells = (f"{row.m:.5f}", f"{row.u:.7f}", f"{known.weight:+.2f}" if known else "", f"{row.weight:+.2f}")
            rows.append((f"{row.comparison} {row.level}", *cells, f"{row.household_weight:+.2f}"))
        columns = ("comparison and level", "one person", "strangers", "bits before", "bits now", "against a household")
        return Table("Weights of agreement", columns, tuple(rows), self.note)

    @property
    def note(self) -> str:
        clamped = sum(MOST_BITS in (abs(row.weight), abs(row.household_weight)) for row in self.fitted.weights.rows)
        return (
            f"{self.records:,} records, {self.fitted.pairs:,.0f} pairs compared, about {self.fitted.matches:,.0f} of them one "
            f"person; {self.fitted.rounds} rounds; {clamped} levels held at {MOST_BITS:.0f} bits."
        )


def train(settings: Settings) -> Training:
    """Fit weights on the published warehouse; writes nothing.

    Raises WarehouseMissing without a build that knows the scoring models, RecordsRefused when too few pairs are one person,
    ElsewhereKept where the models are built elsewhere.
    """
    platform_of(settings).require_raw("mailhouse identity train")
    with Warehouse(settings).read() as connection:
        try:
            patterns = read_patterns(connection)
        except duckdb.CatalogException as error:
            raise WarehouseMissing(
                f"{settings.published_path}: built before there was scoring; run `mailhouse run` once and train then"
            ) from error
    fitted = fit(patterns, rule_fields(settings.dbt_vars.get("identity_blocking_rules")))
    if fitted.matches < FEWEST_MATCHES:
        raise RecordsRefused(
            f"{settings.published_path}: about {fitted.matches:.0f} pairs of its {patterns.records:,} records are one person; "
            f"weights need {FEWEST_MATCHES}, keep the seed as it is"
        )
    seed = settings.project / SEED
    return Training(fitted, patterns.records, read_weights(seed) if seed.exists() else None)
