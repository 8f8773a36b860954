"""Checkouts that customers began and left: some are finished later, most are not. Chance from streams of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.shop_orders import CURRENCY
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row, Store

CHECKOUT = "shopify.checkout"
SHARE_OF_CUSTOMERS, SHARE_A_DAY, SHARE_FINISHED = 0.06, 0.001, 0.3
KEPT = timedelta(days=90)  # Shopify shows no older ones


def fill(store: Store, company: Company) -> None:
    """Those of the last three months."""
    rng, now = company.stream("checkouts"), company.calendar.now
    products = store.page("shopify.product", limit=10_000)
    rows = []
    for customer in store.page("shopify.customer", limit=10_000_000):
        chance, at = rng.random(), now - KEPT * rng.random()
        if chance < SHARE_OF_CUSTOMERS and products and str(customer.created_at) < iso(at):
            rows.append(_row(company, rng, products, customer, at))
    store.put_many(CHECKOUT, rows)


def leave(day: Day) -> None:
    """Some customers leave a checkout on this day."""
    rng, products = day.stream("checkouts"), day.store.page("shopify.product", limit=10_000)
    customers = day.store.page("shopify.customer", limit=10_000_000, updated_before=day.start)
    if products:
        wanted = len(customers) * SHARE_A_DAY
        chosen = rng.sample(customers, int(wanted) + (rng.random() < wanted % 1))
        day.store.put_many(CHECKOUT, [_row(day.company, rng, products, one, day.moment(rng)) for one in chosen])


def _row(company: Company, rng: Random, products: Sequence[Row], customer: Row, at: datetime) -> Row:
    number, finished = company.next_id("shopify.checkout"), rng.random() < SHARE_FINISHED
    changed = min(at + timedelta(minutes=rng.randint(1, 600)), company.calendar.now - timedelta(minutes=1))
    lines = []
    for product in rng.sample(list(products), min(len(products), rng.randint(1, 3))):
        variant = product.body["variants"][0]
        line = {"id": company.next_id("shopify.checkout line"), "title": product.body["title"], "sku": variant["sku"]}
        line |= {"quantity": 1, "productId": product.id, "variantId": variant["id"], "unitPrice": variant["price"]}
        lines.append(line)
    body = {
        "id": number,
        "name": f"#{number}",
        "abandonedCheckoutUrl": f"https://shop.brook-hearth.example/checkouts/{number}/recover?key={rng.getrandbits(64):016x}",
        "customerId": customer.id,
        "currencyCode": CURRENCY,
        "createdAt": iso(at),
        "updatedAt": iso(max(at, changed)),
        "completedAt": iso(max(at, changed)) if finished else None,
        "lineItems": lines,
    }
    return Row(number, body, body["updatedAt"], body["createdAt"], customer.id)
