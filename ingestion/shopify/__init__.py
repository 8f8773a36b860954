"""Everything we take from one Shopify shop: customers with consent, orders with lines and refunds, products, checkouts."""

from collections.abc import Callable, Iterator
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.known import REMOVED
from ingestion.shopify import bulk, orders, queries, records, settings
from ingestion.shopify.changes import changed_after, latest_change, reach_page
from ingestion.shopify.checkouts import checkouts
from ingestion.shopify.graphql import Shop
from ingestion.source import Landing, batches

Node = dict[str, Any]


def customer_fields(custom: dict[str, str]) -> Fields:
    """The columns of `customers`, configured metafields included."""
    return settings.CUSTOMERS.with_custom(custom, lambda key: key)


@dlt.source(name="shopify")
def shopify(landing: Landing, shop: Shop, custom: dict[str, str]) -> Iterator[DltResource]:
    """One shop; `custom` are the listed metafields of customers, `{key: type}`."""
    lag = landing.lag(settings.LAG_SECONDS)
    customers = customer_fields(custom)

    def read(
        fields: Fields,
        everything: Callable[[], Iterator[Node]],
        query: str,
        page: int,
        record: Callable[[Node], Node],
        **more: Any,
    ):
        cursor = Cursor(fields.table, [fields])
        if cursor.is_first:
            mark = latest_change(shop, fields.table)
            yield from batches([node] for node in everything())
            if mark is not None:
                cursor.reach(mark)
            return
        for nodes in shop.pages(fields.table, query, page, query=changed_after(cursor.since(lag)), **more):
            yield [record(node) for node in nodes]
            reach_page(shop, cursor, nodes)

    def all_customers() -> Iterator[Node]:
        return map(records.customer, bulk.rows(shop, queries.bulk_customers(custom)))

    def product_page(node: Node) -> Node:
        return records.product(node, shop.drain(node["id"], node.get("variants"), "variants", queries.REST_OF_VARIANTS))

    yield landing.resource(
        customers,
        lambda: batches(read(customers, all_customers, queries.customers(custom), settings.CUSTOMERS_PAGE, records.customer)),
    )
    yield landing.resource(
        settings.PRODUCTS,
        lambda: batches(
            read(
                settings.PRODUCTS,
                lambda: _all_products(shop),
                queries.PRODUCTS,
                settings.PRODUCTS_PAGE,
                product_page,
                variants=settings.VARIANTS_PAGE,
            )
        ),
    )
    yield landing.resource_of(settings.ORDERS, [settings.ORDER_LINES, settings.REFUNDS], lambda: orders.pages(shop, lag))
    # an app may be kept from these alone: they want a permission of their own
    wanted = landing.connection.settings.get("abandoned_checkouts", True)
    yield landing.resource(settings.CHECKOUTS, lambda: batches(checkouts(shop, lag, landing.now())) if wanted else iter(()))
    yield landing.resource(REMOVED, list)


def _all_products(shop: Shop) -> Iterator[Node]:
    """Each product with its variants, which the file gives on lines of their own; a catalogue fits into memory."""
    products: dict[str, Node] = {}
    variants: dict[str, list[Node]] = {}
    for row in bulk.rows(shop, queries.BULK_PRODUCTS):
        if "__parentId" in row:
            variants.setdefault(row["__parentId"], []).append({name: row[name] for name in row if name != "__parentId"})
        else:
            products[row["id"]] = row
    for gid, node in products.items():
        yield records.product(node, variants.get(gid, []))
