"""What changed since a moment, as Shopify's search understands it."""

from datetime import UTC, datetime
from typing import Any

from ingestion.cursor import Cursor
from ingestion.shopify import queries
from ingestion.shopify.graphql import Shop


def changed_after(since: datetime) -> str:
    """The search term for records changed at or after `since`."""
    return f"updated_at:>='{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


def latest_change(shop: Shop, connection: str) -> datetime | None:
    """When the connection's most recently changed record was changed; None when there is none."""
    edges = (shop.ask(queries.latest_change(connection)).get(connection) or {}).get("edges")
    if not isinstance(edges, list):
        raise shop.malformed(f"no page of `{connection}`")
    return changed_at(shop, edges[0]["node"]) if edges else None


def reach_page(shop: Shop, cursor: Cursor, nodes: list[dict[str, Any]]) -> None:
    """Move the cursor to the latest change of a page."""
    cursor.reach(max(changed_at(shop, node) for node in nodes))


def changed_at(shop: Shop, node: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(node["updatedAt"])
    except (KeyError, TypeError, ValueError) as error:
        raise shop.malformed("a record without a readable updatedAt") from error
