"""Real purchases through the whole road: RFM and purchase summary equal the golden files, customer by customer."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from flows import chain
from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from mailhouse.build import run_vars
from mailhouse.settings import Settings
from tests.python.chain.conftest import run_chain, settings_in, shared

# the day looked at -> the golden files; the last day of a file first, earlier days are built again from what has landed
FILES = {
    "online_retail_to_2011-08-31": {
        date(2011, 8, 31): ("online_retail_rfm_marketing_2011-08-31", "online_retail_rfm_lifetimes_2011-08-31")
    },
    "cdnow_sample": {
        date(1998, 6, 30): ("cdnow_sample_rfm_marketing_full", "cdnow_sample_rfm_lifetimes_full"),
        date(1997, 9, 30): ("cdnow_sample_rfm_marketing_cal", "cdnow_sample_rfm_lifetimes_cal"),
    },
}
# the one file goes the whole road, the other as far as its purchases do
WHOLE = "cdnow_sample"
MARTS = ("customer_rfm", "customer_purchase_summary", "customer_records")
RFM = """
select truth.customer_ref, rfm.recency_days, rfm.frequency_days, rfm.frequency_orders, rfm.monetary_value,
       rfm.recency_score, rfm.frequency_score, rfm.monetary_score
from warehouse.marts.customer_rfm as rfm
inner join warehouse.marts.customer_records as records on records.customer_id = rfm.customer_id and records.source = 'shopify'
inner join truth.truth as truth on truth.source = 'shopify' and truth.record_id = records.record_id
"""
SUMMARY = RFM.replace("customer_rfm", "customer_purchase_summary").replace(
    """rfm.recency_days, rfm.frequency_days, rfm.frequency_orders, rfm.monetary_value,
       rfm.recency_score, rfm.frequency_score, rfm.monetary_score""",
    "rfm.frequency, rfm.recency_days, rfm.age_days, rfm.mean_order_day_value",
)


class Landed:
    """One orders file, landed once, and the published copy of each day it was looked at."""

    def __init__(self, run: Run, days: dict[date, Path], truth: Path) -> None:
        self.run, self.days, self.truth = run, days, truth

    def ask(self, day: date, query: str) -> list[tuple]:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.days[day]}' as warehouse (read_only)")
            connection.execute(f"attach '{self.truth}' as truth (read_only)")
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module", params=sorted(FILES))
def landed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    orders = shared(f"data/orders/{request.param}.parquet")
    settings = settings_in(tmp_path_factory.mktemp(request.param))
    sandbox.create(settings.sandbox_dir, seed=7, customers=5_000, orders_file=orders)
    days: dict[date, Path] = {}
    with serving(settings) as live:
        for position, day in enumerate(FILES[request.param]):
            if position:
                build(live, day, [f"int_clock_decided+,+{mart}" for mart in MARTS])
            elif request.param == WHOLE:
                run = run_chain(live, as_of=day, with_sync=False)
                assert run.problems == []
            else:
                run = build(live, day, [f"+{mart}" for mart in MARTS], with_landing=True)
            days[day] = settings.workdir / f"{day}.duckdb"
            settings.published_path.rename(days[day])
        yield Landed(run, days, settings.sandbox_dir / "truth.duckdb")


def build(settings: Settings, day: date, selected: list[str], *, with_landing: bool = False) -> Run:
    """Build a part as of a day from what has landed; data tests have their turn where everything is built."""
    with chain.open_run(settings, as_of=day) as run:
        run.project.parse()
        if with_landing:
            chain.land_sources(run)
            chain.normalise_contact_points(run)
        moment = json.dumps(run_vars(day, run.clock.now()))
        part = ["--select", *selected, "--resource-type", "seed", "--resource-type", "model"]
        assert run.project.run(["build", *part, "--vars", moment]).success
        run.warehouse.publish()
    return run


def golden(name: str) -> dict[str, dict[str, str]]:
    path = shared(f"data/golden/{name}.csv")
    rows = duckdb.sql(f"select * from read_csv('{path}', all_varchar = true)")
    return {row[0]: dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()}


def test_rfm_equals_the_golden_file(landed: Landed):
    for day, (marketing, _) in files_of(landed).items():
        expected = golden(marketing)
        found = {row[0]: row[1:] for row in landed.ask(day, RFM)}
        assert found.keys() == expected.keys()
        wrong = []
        for customer, (recency, days, orders, money, *scores) in found.items():
            want = expected[customer]
            figures = [int(want[name]) for name in ("recency_days", "frequency_days", "frequency_orders")]
            wanted_scores = [int(want[f"{letter}_score_pr"]) for letter in "rfm"]
            cents = abs(Decimal(money) - Decimal(want["monetary"])) < Decimal("0.005")
            if [recency, days, orders] != figures or scores != wanted_scores or not cents:
                wrong.append(customer)
        assert wrong == [], f"{len(wrong)} of {len(expected)} customers differ as of {day}"


def test_purchase_summary_equals_the_golden_file(landed: Landed):
    for day, (_, lifetimes) in files_of(landed).items():
        expected = golden(lifetimes)
        found = {row[0]: row[1:] for row in landed.ask(day, SUMMARY)}
        assert found.keys() == expected.keys()
        wrong = [
            customer
            for customer, (frequency, recency, age, value) in found.items()
            if [frequency, recency, age] != [int(expected[customer][name]) for name in ("frequency", "recency_days", "t_days")]
            or abs(float(value) - float(expected[customer]["monetary_value"])) > 1e-6
        ]
        assert wrong == [], f"{len(wrong)} of {len(expected)} customers differ as of {day}"


def test_each_buyer_is_one_customer(landed: Landed):
    query = """
        select count(*), count(distinct truth.customer_ref), count(distinct records.customer_id)
        from warehouse.marts.customer_records as records
        inner join truth.truth as truth on truth.source = records.source and truth.record_id = records.record_id
        where records.source = 'shopify'
    """
    for day in landed.days:
        records, people, customers = landed.ask(day, query)[0]
        assert records == people == customers > 0


def files_of(landed: Landed) -> dict[date, tuple[str, str]]:
    return next(days for days in FILES.values() if days.keys() == landed.days.keys())
