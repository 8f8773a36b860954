"""Orders with their lines and refunds: everything by bulk operation first, later page by page what has changed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.shopify import bulk, queries, records, settings
from ingestion.shopify.changes import changed_after, latest_change, reach_page
from ingestion.shopify.graphql import Shop

Node = dict[str, Any]
Page = tuple[Fields, Sequence[Node]]
TABLES = [settings.ORDERS, settings.ORDER_LINES, settings.REFUNDS]
BATCH = 5_000


class Ungrouped(Exception):
    """A bulk file gives an order's line apart from its order."""


def pages(shop: Shop, lag: int) -> Iterator[Page]:
    """Batches for the three tables; moves the cursor of `orders`."""
    cursor = Cursor("orders", TABLES)
    if cursor.is_first:
        mark = latest_change(shop, "orders")
        yield from _everything(shop)
        if mark is not None:
            cursor.reach(mark)
    else:
        yield from _changed(shop, cursor, lag)


def _everything(shop: Shop) -> Iterator[Page]:
    try:
        yield from _bulk(shop, grouped=True)
    except Ungrouped:
        # the places of lines must then be counted per order, which takes memory for each; merge takes the repeats
        yield from _bulk(shop, grouped=False)


def _bulk(shop: Shop, *, grouped: bool) -> Iterator[Page]:
    orders: list[Node] = []
    lines: list[Node] = []
    refunded: list[str] = []
    counted: dict[str, int] = {}
    for row in bulk.rows(shop, queries.BULK_ORDERS):
        parent = row.get("__parentId")
        if parent is None:
            if grouped:
                counted = {row["id"]: 0}
            orders.append(records.order(row))
            if row.get("refunds"):
                refunded.append(row["id"])
        else:
            if grouped and parent not in counted:
                raise Ungrouped
            counted[parent] = counted.get(parent, 0) + 1
            lines.append(records.line(row, parent, counted[parent]))
        if len(orders) >= BATCH:
            yield settings.ORDERS, orders
            orders = []
        if len(lines) >= BATCH:
            yield settings.ORDER_LINES, lines
            lines = []
        if len(refunded) >= BATCH:
            yield settings.REFUNDS, list(_refunds_of(shop, refunded))
            refunded = []
    for fields, rest in ((settings.ORDERS, orders), (settings.ORDER_LINES, lines)):
        if rest:
            yield fields, rest
    if refunded:
        yield settings.REFUNDS, list(_refunds_of(shop, refunded))


def _refunds_of(shop: Shop, orders: list[str]) -> Iterator[Node]:
    for start in range(0, len(orders), settings.REFUNDED_PAGE):
        wanted = orders[start : start + settings.REFUNDED_PAGE]
        for order in _orders_with_refunds(shop, wanted, settings.REFUND_LINES_PAGE):
            if any(shop.page(refund.get("refundLineItems"), "refundLineItems")[1] for refund in order["refunds"]):
                for longer in _orders_with_refunds(shop, [order["id"]], settings.LONG_REFUND_LINES_PAGE):
                    yield from _refunds(shop, longer)
            else:
                yield from _refunds(shop, order)


def _orders_with_refunds(shop: Shop, orders: list[str], lines: int) -> list[Node]:
    nodes = shop.ask(queries.REFUNDS_OF_ORDERS, ids=orders, refundLines=lines).get("nodes")
    if not isinstance(nodes, list):
        raise shop.malformed("no `nodes`")
    return [node for node in nodes if node is not None and node.get("refunds")]


def _refunds(shop: Shop, order: Node) -> Iterator[Node]:
    for refund in order["refunds"]:
        lines = shop.drain(refund["id"], refund.get("refundLineItems"), "refundLineItems", queries.REST_OF_REFUND_LINES)
        yield records.refund(refund, order["id"], lines)


def _changed(shop: Shop, cursor: Cursor, lag: int) -> Iterator[Page]:
    since: datetime = cursor.since(lag)
    asked = {"lines": settings.LINES_PAGE, "query": changed_after(since)}
    for nodes in shop.pages("orders", queries.ORDERS, settings.ORDERS_PAGE, **asked):
        lines: list[Node] = []
        for node in nodes:
            whole = shop.drain(node["id"], node.get("lineItems"), "lineItems", queries.REST_OF_LINES)
            lines += [records.line(line, node["id"], place) for place, line in enumerate(whole, start=1)]
        yield settings.ORDERS, [records.order(node) for node in nodes]
        yield settings.ORDER_LINES, lines
        if refunded := [node["id"] for node in nodes if node.get("refunds")]:
            yield settings.REFUNDS, list(_refunds_of(shop, refunded))
        reach_page(shop, cursor, nodes)
