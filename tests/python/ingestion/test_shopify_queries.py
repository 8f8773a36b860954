"""Shopify's own schema judges what we ask."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from ingestion.shopify import queries

SCHEMA = Path(__file__).parents[4] / "shared" / "specs" / "shopify" / "admin-2022-07.graphql"

TEXTS = {
    "customers": queries.customers(["favourite_category"]),
    "bulk customers": queries.bulk_customers(["favourite_category"]),
    "bulk orders": queries.BULK_ORDERS,
    "bulk products": queries.BULK_PRODUCTS,
    "orders": queries.ORDERS,
    "products": queries.PRODUCTS,
    "checkouts": queries.CHECKOUTS,
    "rest of checkout lines": queries.REST_OF_CHECKOUT_LINES,
    "rest of lines": queries.REST_OF_LINES,
    "rest of refund lines": queries.REST_OF_REFUND_LINES,
    "rest of variants": queries.REST_OF_VARIANTS,
    "refunds of orders": queries.REFUNDS_OF_ORDERS,
    "run bulk": queries.RUN_BULK,
    "poll bulk": queries.POLL_BULK,
    "still there": queries.STILL_THERE,
} | {
    f"{kind.__name__} of {connection}": kind(connection)
    for kind in (queries.latest_change, queries.count, queries.ids)
    for connection in ("customers", "orders", "products")
}


@pytest.fixture(scope="module")
def schema():
    if not SCHEMA.exists():
        pytest.skip(f"the vendor's schema is not here: {SCHEMA.name}")
    return build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid_sdl=True, assume_valid=True)


def complaints(schema, text):
    """What the schema says against a text, as `Type.field` where a field is unknown, as `Type` where a type is."""
    found = []
    for error in validate(schema, parse(text)):
        unknown = re.search(r"Cannot query field '(\w+)' on type '(\w+)'", error.message)
        kind = re.fullmatch(r"Unknown type '(\w+)'\.?(?: Did you mean .*)?", error.message)
        found.append(f"{unknown[2]}.{unknown[1]}" if unknown else kind[1] if kind else error.message)
    return set(found)


@pytest.mark.parametrize("name", TEXTS)
def test_every_query_is_one_that_the_vendor_understands(schema, name):
    assert complaints(schema, TEXTS[name]) <= queries.LATER_FIELDS


def test_every_field_said_to_be_newer_is_asked_for(schema):
    assert set().union(*(complaints(schema, text) for text in TEXTS.values())) == queries.LATER_FIELDS


def test_a_wrong_query_is_told_of(schema):
    assert complaints(schema, queries.BULK_ORDERS.replace("processedAt", "processedWhen")) - queries.LATER_FIELDS
