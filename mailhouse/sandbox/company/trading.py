"""The shop's day: orders, cancellations, refunds. Only in a generated company; an orders file is never added to."""

import math
from datetime import datetime, timedelta

from mailhouse.sandbox.company import purchases, shop_orders
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.catalogue import Product
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.people import Person

REFUND_DAYS, REFUND_CHANCE, CANCEL_CHANCE = 20, 0.004, 0.02


def trade(day: Day, newcomers: list[Person]) -> None:
    """Newcomers place their first order, those still alive their next."""
    products = _products(day)
    by_kind = purchases.shelves(products)
    rng = day.stream("orders")
    come_today = {person.person_id for person in newcomers}
    moments: list[tuple[datetime, Person]] = [(person.seen_from, person) for person in newcomers if person.is_buyer]
    for person in day.town.people:
        may_come = person.is_buyer and person.is_alive and person.person_id not in come_today
        if may_come and rng.random() < 1 - math.exp(-person.rate):
            moments.append((day.moment(rng), person))
            person.is_alive = rng.random() >= person.drop
    moments.sort(key=lambda one: (one[0], one[1].person_id))
    rows, touched = [], []
    for moment, person in moments:
        customers = day.live("shopify.customer", day.town.record_ids(person, "shopify"))
        if not customers:
            continue
        customer = customers[0]
        body = shop_orders.order_body(
            day.company, rng, person, customer.id, moment, purchases.basket(rng, person, products, by_kind)
        )
        rows.append(shop_orders.row(body))
        day.summary.order_lines += len(body["lineItems"])
        person.last_order_at = moment
        day.town.changed[person.person_id] = person
        if customer.updated_at < iso(moment):
            customer.body["updatedAt"] = customer.updated_at = iso(moment)
            touched.append(customer)
    day.summary.orders += day.store.put_many("shopify.order", rows)
    # people in `newcomers` count as new customers, not as changed ones
    day.summary.shop_customers_changed += sum(one[1].person_id not in come_today for one in moments)
    day.store.put_many("shopify.customer", touched)


def take_back(day: Day) -> None:
    """Cancellations of yesterday's orders and refunds of the last weeks'."""
    rng = day.stream("refunds")
    since = day.start - timedelta(days=REFUND_DAYS)
    rows = []
    for row in day.store.page("shopify.order", updated_from=since, updated_before=day.start, limit=1_000_000):
        body, chance = row.body, rng.random()
        if body["refunds"] or body["cancelledAt"] or body["test"] or body["processedAt"] < iso(since):
            continue
        if chance < REFUND_CHANCE:
            shop_orders.refund(day.company, rng, body, day.moment(rng))
            day.summary.refunds += 1
        elif chance > 1 - CANCEL_CHANCE and body["processedAt"] >= iso(day.start - timedelta(days=1)):
            body["cancelledAt"] = body["updatedAt"] = iso(day.moment(rng))
            body["displayFinancialStatus"] = "VOIDED"
        else:
            continue
        rows.append(shop_orders.row(body))
    day.store.put_many("shopify.order", rows)


def _products(day: Day) -> list[Product]:
    found = []
    for row in day.store.page("shopify.product", limit=1_000_000):
        variant = row.body["variants"][0]
        price = shop_orders.cents(variant["price"])
        found.append(Product(row.id, variant["id"], variant["sku"], row.body["title"], row.body["productType"], price))
    return found
