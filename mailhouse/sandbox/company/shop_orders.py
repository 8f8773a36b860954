"""Generated orders as Shopify keeps them: lines, discounts, refunds, cancellations, test orders."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import iso, some_days_later
from mailhouse.sandbox.company.catalogue import Product, money
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

CURRENCY = "EUR"
SHARE_DISCOUNTED, SHARE_REFUNDED, SHARE_CANCELLED, SHARE_TEST = 0.16, 0.05, 0.02, 0.04  # tests: of those who never bought


def order_body(
    company: Company,
    rng: Random,
    person: Person,
    customer_id: str,
    moment: datetime,
    chosen: list[tuple[Product, int]],
) -> dict[str, Any]:
    """A paid order; amounts are text with two decimals, a line's discount is of the whole line."""
    rate = rng.choice((5, 10, 10, 15, 20)) if rng.random() < SHARE_DISCOUNTED else 0
    lines = [
        {
            "id": company.next_id("shopify.line"),
            "title": product.title,
            "sku": product.sku,
            "quantity": quantity,
            "productId": product.product_id,
            "variantId": product.variant_id,
            "unitPrice": money(product.price),
            "discount": money(product.price * quantity * rate // 100),
        }
        for product, quantity in chosen
    ]
    at = iso(moment)
    return {
        "id": company.next_id("shopify.order"),
        "name": f"#{company.next_id('order name')}",
        "customerId": customer_id,
        "email": person.shop_email,
        "phone": person.phone,
        "createdAt": at,
        "processedAt": at,
        "updatedAt": at,
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "currencyCode": CURRENCY,
        "test": False,
        "sourceName": "pos" if rng.random() < 0.06 else "web",
        "shippingAddress": {"countryCodeV2": person.country},
        "lineItems": lines,
        "refunds": [],
    }


def settle(company: Company, rng: Random, body: dict[str, Any], moment: datetime) -> None:
    """What became of the order since: sent, cancelled or refunded, as far as that lies before the present."""
    now = company.calendar.now
    chance = rng.random()
    if chance < SHARE_CANCELLED:
        cancelled = moment + timedelta(minutes=rng.randint(20, 2_000))
        if cancelled < now:
            body["cancelledAt"] = body["updatedAt"] = iso(cancelled)
            body["displayFinancialStatus"] = "VOIDED"
        return
    sent = moment + timedelta(hours=rng.randint(4, 60))
    if sent < now:
        body["updatedAt"] = iso(sent)
    if chance < SHARE_CANCELLED + SHARE_REFUNDED:
        returned = some_days_later(rng, sent + timedelta(days=2), 9)
        if returned < now:
            refund(company, rng, body, returned)


def refund(company: Company, rng: Random, body: dict[str, Any], moment: datetime) -> None:
    """Money back for one line or for all of them."""
    lines = body["lineItems"] if rng.random() < 0.4 else [rng.choice(body["lineItems"])]
    returned, total = [], 0
    for line in lines:
        amount = cents(line["unitPrice"]) * line["quantity"] - cents(line["discount"])
        total += amount
        returned.append({"lineItemId": line["id"], "quantity": line["quantity"], "amount": money(amount)})
    body["refunds"].append(
        {"id": company.next_id("shopify.refund"), "createdAt": iso(moment), "amount": money(total), "lines": returned}
    )
    whole = len(lines) == len(body["lineItems"])
    body["displayFinancialStatus"] = "REFUNDED" if whole else "PARTIALLY_REFUNDED"
    body["updatedAt"] = iso(moment)


def cents(amount: str) -> int:
    """The inverse of `money`."""
    whole, _, rest = amount.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def row(body: dict[str, Any]) -> Row:
    """For the store, under its customer."""
    return Row(body["id"], body, body["updatedAt"], body["createdAt"], body["customerId"], (body["email"] or "").lower())
