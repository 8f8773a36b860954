"""The same seed is the same company, and its times make sense."""

from collections import Counter
from datetime import date

import pytest
from conftest import make

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.company.state import CompanyExists
from mailhouse.sandbox.store import Store

KINDS = (
    "hubspot.contact",
    "hubspot.property",
    "shopify.customer",
    "shopify.product",
    "shopify.order",
    "mailchimp.list",
    "mailchimp.merge_field",
    "mailchimp.member",
    "mailchimp.segment",
    "mailchimp.campaign",
    "mailchimp.delivery",
    "mailchimp.abuse_report",
)


def everything(seeded) -> dict[str, list]:
    return {kind: [(row.id, row.parent, row.updated_at, row.deleted, row.body) for row in seeded.rows(kind)] for kind in KINDS}


def test_the_same_seed_is_the_same_company(tmp_path):
    one, other = make(tmp_path / "one", seed=3), make(tmp_path / "other", seed=3)
    assert everything(one) == everything(other)
    assert one.truth() == other.truth()
    assert all(rows for kind, rows in everything(one).items())


def test_another_seed_is_another_company(tmp_path):
    one, other = make(tmp_path / "one", seed=3), make(tmp_path / "other", seed=4)
    assert everything(one)["hubspot.contact"] != everything(other)["hubspot.contact"]


@pytest.mark.parametrize("customers", [1, 2, 40])
def test_small_companies_can_be_seeded(tmp_path, customers):
    seeded = make(tmp_path, customers=customers)
    assert seeded.summary.people == customers


@pytest.mark.parametrize("customers", [0, -5])
def test_a_company_needs_people(tmp_path, customers):
    with pytest.raises(ConfigurationError, match="customers"):
        make(tmp_path, customers=customers)


def test_a_second_company_is_refused_and_the_first_stays(tmp_path):
    first = make(tmp_path)
    before = everything(first)
    with pytest.raises(CompanyExists):
        make(tmp_path, seed=8)
    assert everything(first) == before


def test_as_of_is_the_last_order_day_and_the_clock_stands_on_the_morning_after(tmp_path):
    seeded = make(tmp_path, as_of=date(2024, 2, 28))
    assert max(row.body["processedAt"] for row in seeded.rows("shopify.order") if not row.body["test"])[:10] == "2024-02-28"
    assert seeded.store.now().isoformat() == "2024-02-29T06:00:00+00:00"


def test_a_small_company_too_sells_on_its_last_day(tmp_path):
    seeded = make(tmp_path, customers=12)
    assert max(row.body["processedAt"] for row in seeded.rows("shopify.order"))[:10] == "2026-09-30"


@pytest.mark.parametrize("which", ["seeded_5000", "seeded_cdnow"])
def test_nothing_happens_before_it_began_or_after_now(request, which):
    seeded = request.getfixturevalue(which)
    now = seeded.store.now().isoformat()[:19]
    for kind in KINDS:
        for row in seeded.rows(kind):
            assert row.created_at <= row.updated_at <= now, (kind, row.id)
    for row in seeded.rows("mailchimp.delivery"):
        stamps = [step["timestamp"] for step in row.body["activity"]]
        assert stamps == sorted(stamps)
        assert row.updated_at == max([row.created_at, *stamps, (row.body["unsubscribed"] or {}).get("timestamp", "")])


def test_a_shop_customer_is_touched_at_its_orders(seeded_5000):
    customers = {row.id: row for row in seeded_5000.rows("shopify.customer")}
    for order in seeded_5000.rows("shopify.order"):
        customer = customers[order.parent]
        assert customer.created_at <= order.body["createdAt"]
        assert order.body["test"] or order.body["processedAt"] <= customer.updated_at


def test_changes_are_spread_over_the_years(seeded_5000):
    for kind in ("hubspot.contact", "shopify.customer", "shopify.order", "mailchimp.member"):
        months = Counter(row.updated_at[:7] for row in seeded_5000.rows(kind))
        assert len(months) >= 30, kind
        assert max(months.values()) < 0.20 * months.total(), kind


def test_a_seeding_that_fails_leaves_nothing(tmp_path):
    broken = tmp_path / "orders.csv"
    broken.write_text("order_id,sku\n1,A\n")
    with pytest.raises(Exception, match="missing columns"):
        make(tmp_path, orders_file=broken)
    assert Store(tmp_path / "state.db").counts() == {}
    assert make(tmp_path).summary.people == 300
