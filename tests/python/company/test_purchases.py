"""Purchases look like those of people who buy till they leave; their money adds up."""

import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest


@pytest.fixture(scope="module")
def orders(seeded_5000):
    return [row.body for row in seeded_5000.rows("shopify.order")]


@pytest.fixture(scope="module")
def real(orders):
    found = defaultdict(list)
    for order in orders:
        if not order["test"]:
            found[order["customerId"]].append(order)
    return found


def total(order) -> Decimal:
    return sum(
        (Decimal(line["unitPrice"]) * line["quantity"] - Decimal(line["discount"]) for line in order["lineItems"]), Decimal(0)
    )


def test_a_third_bought_once_and_a_few_very_often(real):
    counts = Counter(len(found) for found in real.values())
    customers = counts.total()
    assert 0.25 <= counts[1] / customers <= 0.55
    assert sum(number for orders, number in counts.items() if orders >= 10) / customers >= 0.03
    assert 2.0 <= sum(orders * number for orders, number in counts.items()) / customers <= 6.0


def test_rates_differ_between_people_more_than_chance_alone(real, seeded_5000):
    """Repeat counts of people with the same time to buy are over-dispersed against Poisson."""
    cut = seeded_5000.summary.now - timedelta(days=600)
    repeats = [len(found) - 1 for found in real.values() if min(order["processedAt"] for order in found) < cut.isoformat()]
    assert len(repeats) >= 300
    assert statistics.variance(repeats) > 2 * statistics.mean(repeats)


def test_customers_leave(real, seeded_5000):
    """Of those with a history, many have been silent for far longer than their own rhythm."""
    now, silent, regular = seeded_5000.summary.now, 0, 0
    for found in real.values():
        times = sorted(datetime.fromisoformat(order["processedAt"]) for order in found)
        if len(times) < 4:
            continue
        gap = (times[-1] - times[0]) / (len(times) - 1)
        regular += 1
        silent += (now - times[-1]) > 4 * gap
    assert 0.2 <= silent / regular <= 0.8


def test_people_spend_at_levels_of_their_own(real):
    """Between people the mean order value varies more than within one."""
    values = [[float(total(order)) for order in found] for found in real.values() if len(found) >= 4]
    between = statistics.pvariance([statistics.mean(found) for found in values])
    within = statistics.mean(statistics.pvariance(found) for found in values)
    assert between > 0.5 * within
    assert 30 <= statistics.median(value for found in values for value in found) <= 120


def test_orders_have_lines_discounts_refunds_cancellations_and_tests(orders):
    share = {
        "several lines": sum(len(order["lineItems"]) > 1 for order in orders),
        "discounted": sum(any(line["discount"] != "0.00" for line in order["lineItems"]) for order in orders),
        "refunded": sum(bool(order["refunds"]) for order in orders),
        "partly refunded": sum(order["displayFinancialStatus"] == "PARTIALLY_REFUNDED" for order in orders),
        "cancelled": sum(order["cancelledAt"] is not None for order in orders),
        "test": sum(order["test"] for order in orders),
    }
    bounds = {
        "several lines": (0.3, 0.9),
        "discounted": (0.1, 0.25),
        "refunded": (0.02, 0.1),
        "partly refunded": (0.002, 0.05),
        "cancelled": (0.005, 0.05),
        "test": (0.0001, 0.01),
    }
    for what, (least, most) in bounds.items():
        assert least <= share[what] / len(orders) <= most, what


def test_no_refund_exceeds_what_was_paid(orders):
    for order in orders:
        for line in order["lineItems"]:
            assert Decimal(0) <= Decimal(line["discount"]) < Decimal(line["unitPrice"]) * line["quantity"]
        refunded = sum((Decimal(refund["amount"]) for refund in order["refunds"]), Decimal(0))
        assert refunded <= total(order)
        for refund in order["refunds"]:
            assert Decimal(refund["amount"]) == sum(Decimal(line["amount"]) for line in refund["lines"])
            assert order["createdAt"] < refund["createdAt"] <= order["updatedAt"]


def test_every_line_is_of_a_product_in_the_catalogue(orders, seeded_5000):
    skus = {row.body["variants"][0]["sku"]: row for row in seeded_5000.rows("shopify.product")}
    sold = {(line["sku"], line["productId"], line["unitPrice"]) for order in orders for line in order["lineItems"]}
    for sku, product_id, price in sold:
        assert skus[sku].id == product_id
        assert skus[sku].body["variants"][0]["price"] == price


def test_ids_and_order_names_are_unique(orders):
    lines = [line["id"] for order in orders for line in order["lineItems"]]
    assert len(set(lines)) == len(lines)
    assert len({order["name"] for order in orders}) == len(orders)
