"""Checkouts that were begun and left, those finished later included; Shopify keeps them for three months."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingestion.cursor import Cursor
from ingestion.shopify import queries, records, settings
from ingestion.shopify.changes import changed_after, changed_at
from ingestion.shopify.graphql import Shop

CONNECTION = "abandonedCheckouts"


def checkouts(shop: Shop, lag: int, began: datetime) -> Iterator[list[dict[str, Any]]]:
    """Those changed since the cursor less `lag` seconds; moves the cursor.

    They come by id, for Shopify sorts them by no time of change: so the cursor moves when all were read, and never beyond
    `began`, when the reading began.
    """
    cursor = Cursor(settings.CHECKOUTS.table, [settings.CHECKOUTS])
    search = None if cursor.is_first else changed_after(cursor.since(lag))
    latest: datetime | None = None
    more = {"query": search, "lines": settings.LINES_PAGE}
    for nodes in shop.pages(CONNECTION, queries.CHECKOUTS, settings.CHECKOUTS_PAGE, **more):
        yield [_record(shop, node) for node in nodes]
        latest = max([*(changed_at(shop, node) for node in nodes), *([latest] if latest else [])])
    if latest is not None:
        cursor.reach(min(latest, began))


def _record(shop: Shop, node: dict[str, Any]) -> dict[str, Any]:
    lines = shop.drain(node["id"], node.get("lineItems"), "lineItems", queries.REST_OF_CHECKOUT_LINES)
    return records.checkout(node, lines)
