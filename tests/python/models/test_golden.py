"""The purchase models on real purchases: RFM and purchase summary equal the golden files, customer by customer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"
CASES = {
    "online_retail": ("online_retail_to_2011-08-31", [("2011-08-31", "rfm_marketing_2011-08-31", "rfm_lifetimes_2011-08-31")]),
    "cdnow_sample": (
        "cdnow_sample",
        [("1998-06-30", "rfm_marketing_full", "rfm_lifetimes_full"), ("1997-09-30", "rfm_marketing_cal", "rfm_lifetimes_cal")],
    ),
}
WANTED = ("+customer_rfm", "+customer_purchase_summary", "+customer_records")
LOAD = """
create temp table lines as
select *, row_number() over () as line, min(ordered_at) over (partition by order_id) as placed_at
from read_parquet('{orders}');

insert into raw_shopify.customers by name
select 'shopify' as connection_id, '1.0' as _dlt_load_id, customer_ref as id,
       min(placed_at) as created_at, max(placed_at) as updated_at
from lines group by customer_ref;

insert into raw_shopify.orders by name
select 'shopify' as connection_id, '1.0' as _dlt_load_id, order_id as id, any_value(customer_ref) as customer_id,
       min(placed_at) as created_at, min(placed_at) as processed_at, min(placed_at) as updated_at,
       any_value(currency) as currency, false as test
from lines group by order_id;

insert into raw_shopify.order_lines by name
select 'shopify' as connection_id, '1.0' as _dlt_load_id, line::varchar as id, order_id, 1 as position, sku, quantity, unit_price,
       0 as discount_amount, currency
from lines;
"""
RFM = """
select count(*) filter (where golden.customer_id is null or mine.customer_id is null
    or golden.recency_days <> mine.recency_days
    or golden.frequency_orders <> mine.frequency_orders
    or golden.frequency_days <> mine.frequency_days
    or abs(golden.monetary - mine.monetary_value) >= 0.005
    or golden.r_score_pr <> mine.recency_score
    or golden.f_score_pr <> mine.frequency_score
    or golden.m_score_pr <> mine.monetary_score
    or mine.rfm_segment is null) as different, count(*) as customers
from (select * replace (customer_id::varchar as customer_id) from read_csv('{golden}')) as golden
full join (
    select customer_rfm.*, customer_records.record_id
    from marts.customer_rfm
    inner join marts.customer_records on customer_rfm.customer_id = customer_records.customer_id
    where customer_rfm.as_of = date '{day}'
) as mine on golden.customer_id = mine.record_id
"""
SUMMARY = """
select count(*) filter (where golden.customer_id is null or mine.customer_id is null
    or golden.frequency <> mine.frequency
    or golden.recency_days <> mine.recency_days
    or golden.t_days <> mine.age_days
    or abs(golden.monetary_value - mine.mean_order_day_value) > 1e-6) as different, count(*) as customers
from (select * replace (customer_id::varchar as customer_id) from read_csv('{golden}')) as golden
full join (
    select summary.*, customer_records.record_id
    from marts.customer_purchase_summary as summary
    inner join marts.customer_records on summary.customer_id = customer_records.customer_id
    where summary.as_of = date '{day}'
) as mine on golden.customer_id = mine.record_id
"""


@pytest.mark.torture  # the chain lands the same files in `make test`; this is the short way from raw to the marts
@pytest.mark.parametrize("name", sorted(CASES))
def test_purchase_models_equal_the_golden_files(name: str, raw_factory: Callable[[str], Any]) -> None:
    orders, days = CASES[name]
    source = SHARED / "data" / "orders" / f"{orders}.parquet"
    if not source.exists():
        pytest.skip("../shared with the real purchases is not here")
    raw = raw_factory(name)
    with raw.connect() as db:
        db.execute(LOAD.format(orders=source))
    raw.normalise()
    for day, rfm, summary in days:
        raw.build("--resource-type", "seed", "--resource-type", "model", "--select", *WANTED, as_of=day)
        for query, golden in ((RFM, rfm), (SUMMARY, summary)):
            path = SHARED / "data" / "golden" / f"{name}_{golden}.csv"
            different, customers = raw.rows(query.format(golden=path, day=day))[0]
            known = duckdb.sql(f"select count(*) from read_csv('{path}')").fetchall()[0][0]
            assert (different, customers) == (0, known), f"{golden} at {day}"
