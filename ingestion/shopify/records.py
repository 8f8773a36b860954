"""Shopify's nodes as the flat records that the tables' fields read: global ids become plain ones, edges become lists."""

from collections.abc import Iterable
from typing import Any

from ingestion.shopify import queries
from mailhouse.errors import MalformedAnswer

Node = dict[str, Any]


def plain_id(gid: Any) -> str | None:
    """`123` of `gid://shopify/Order/123?key=…`. Raises MalformedAnswer for anything that is no global id."""
    if gid is None:
        return None
    if not isinstance(gid, str) or not gid.startswith("gid://"):
        raise MalformedAnswer("Shopify answered an id that is not a global one; nothing of it was taken")
    return gid.rsplit("/", 1)[-1].split("?")[0]


def global_id(kind: str, plain: str) -> str:
    return f"gid://shopify/{kind}/{plain}"


def customer(node: Node) -> Node:
    """A customer; each listed metafield's value under its key."""
    record = {**node, "id": plain_id(node.get("id"))}
    for name, value in node.items():
        if name.startswith(queries.ALIAS):
            record[name.removeprefix(queries.ALIAS)] = value.get("value") if isinstance(value, dict) else None
    return record


def order(node: Node) -> Node:
    return {**node, "id": plain_id(node.get("id")), "customer_id": _id_of(node.get("customer"))}


def line(node: Node, order_gid: str, position: int) -> Node:
    """A line; `position` counts from 1 in the order's own sequence."""
    return {
        **node,
        "id": plain_id(node.get("id")),
        "order_id": plain_id(order_gid),
        "position": position,
        "product_id": _id_of(node.get("product")),
        "variant_id": _id_of(node.get("variant")),
    }


def refund(node: Node, order_gid: str, lines: Iterable[Node]) -> Node:
    """A refund with its lines: which order line, how many, how much."""
    return {
        **node,
        "id": plain_id(node.get("id")),
        "order_id": plain_id(order_gid),
        "lines": [
            {
                "line_item_id": _id_of(one.get("lineItem")),
                "quantity": one.get("quantity"),
                "amount": ((one.get("subtotalSet") or {}).get("shopMoney") or {}).get("amount"),
            }
            for one in lines
        ],
    }


def checkout(node: Node, lines: Iterable[Node]) -> Node:
    """A checkout with its lines: which product, how many, at which price."""
    return {
        **node,
        "id": plain_id(node.get("id")),
        "customer_id": _id_of(node.get("customer")),
        "lines": [
            {
                "product_id": _id_of(one.get("product")),
                "variant_id": _id_of(one.get("variant")),
                "title": one.get("title"),
                "sku": one.get("sku"),
                "quantity": one.get("quantity"),
                "unit_price": ((one.get("originalUnitPriceSet") or {}).get("shopMoney") or {}).get("amount"),
            }
            for one in lines
        ],
    }


def product(node: Node, variants: Iterable[Node]) -> Node:
    return {
        **node,
        "id": plain_id(node.get("id")),
        "variants": [{**variant, "id": plain_id(variant.get("id"))} for variant in variants],
    }


def _id_of(node: Any) -> str | None:
    return plain_id(node.get("id")) if isinstance(node, dict) else None
