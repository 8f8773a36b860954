"""Records a shop no longer has: Shopify tells of none, so its count is held against ours, and if they differ, all ids."""

from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.shopify import queries, records, settings
from ingestion.shopify.graphql import Shop
from ingestion.source import Landing

WATCHED = {"customers": "Customer", "orders": "Order", "products": "Product"}


def removed(landing: Landing, shop: Shop, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for what has vanished; takes back the removal of what is there again."""
    rows = []
    for table, kind in WATCHED.items():
        if _count(shop, table) == known.present(table):
            continue
        ids = _all_ids(shop, table)
        known.forget_removal(table, ids)
        candidates = known.missing(table, ids)
        rows += [
            {"resource": table, "parent_id": "", "id": gone, "noticed_at": landing.now().isoformat()}
            for gone in _truly_gone(shop, kind, candidates)
        ]
    return rows


def _count(shop: Shop, connection: str) -> int | None:
    """The shop's own count, None when it does not say it exactly."""
    found = shop.ask(queries.count(connection)).get(f"{connection}Count")
    if not isinstance(found, dict) or not isinstance(found.get("count"), int):
        raise shop.malformed(f"no count of `{connection}`")
    return found["count"] if found.get("precision") == "EXACT" else None


def _all_ids(shop: Shop, connection: str) -> pa.Array:
    pages = shop.pages(connection, queries.ids(connection), settings.IDS_PAGE)
    chunks = [pa.array([records.plain_id(node.get("id")) for node in page], pa.string()) for page in pages]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())


def _truly_gone(shop: Shop, kind: str, candidates: list[str]) -> list[str]:
    """Those the shop does not know when asked by name: the listing may have moved under us."""
    gone = []
    for start in range(0, len(candidates), settings.IDS_PAGE):
        asked = candidates[start : start + settings.IDS_PAGE]
        nodes = shop.ask(queries.STILL_THERE, ids=[records.global_id(kind, one) for one in asked]).get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(asked):
            raise shop.malformed("another number of nodes than asked for")
        gone += [one for one, node in zip(asked, nodes, strict=True) if node is None]
    return gone
