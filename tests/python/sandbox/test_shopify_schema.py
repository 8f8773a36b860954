"""The sandbox speaks of Shopify only in Shopify's own words."""

from pathlib import Path

import pytest
from graphql import build_schema, is_enum_type, is_input_object_type, is_object_type

from mailhouse.sandbox.shopify import SCHEMA, schema_with_fields
from mailhouse.sandbox.shopify_fields import CHILDREN, FIELDS

PUBLISHED = Path(__file__).resolve().parents[4] / "shared/specs/shopify/admin-2022-07.graphql"

# what Shopify added after the schema of 2022-07
LATER_TYPES = {
    "AbandonedCheckout",
    "AbandonedCheckoutConnection",
    "AbandonedCheckoutEdge",
    "AbandonedCheckoutLineItem",
    "AbandonedCheckoutLineItemConnection",
    "AbandonedCheckoutLineItemEdge",
    "AbandonedCheckoutSortKeys",
    "BulkOperationUserError",
    "Count",
    "CountPrecision",
    "CustomerMergePayload",
    "CustomerRequestDataErasurePayload",
}
LATER_FIELDS = {
    ("CustomerEmailAddress", "marketingOptInLevel"),
    ("CustomerEmailAddress", "marketingUpdatedAt"),
    ("QueryRoot", "abandonedCheckouts"),
    ("QueryRoot", "bulkOperation"),
    ("QueryRoot", "customersCount"),
    ("QueryRoot", "ordersCount"),
    ("QueryRoot", "productsCount"),
    ("Mutation", "customerMerge"),
    ("Mutation", "customerRequestDataErasure"),
    ("Customer", "defaultEmailAddress"),
    ("Customer", "defaultPhoneNumber"),
    ("Order", "sourceName"),
}
LATER_ARGUMENTS = {("Mutation", "bulkOperationRunQuery", "groupObjects")}


@pytest.mark.skipif(not PUBLISHED.exists(), reason="Shopify's published schema is not beside the repository")
def test_every_type_field_and_argument_is_one_of_shopifys():
    published = build_schema(PUBLISHED.read_text(encoding="utf-8"), assume_valid=True)
    ours = build_schema(SCHEMA.read_text(encoding="utf-8"))
    strange = []
    for name, kind in ours.type_map.items():
        if name.startswith("__") or name in LATER_TYPES:
            continue
        theirs = published.type_map.get(name)
        if theirs is None:
            strange.append(name)
        elif is_enum_type(kind):
            strange += [f"{name}.{value}" for value in kind.values if value not in theirs.values]
        elif is_object_type(kind) or is_input_object_type(kind):
            for field_name, field in kind.fields.items():
                if (name, field_name) in LATER_FIELDS:
                    continue
                if field_name not in theirs.fields:
                    strange.append(f"{name}.{field_name}")
                    continue
                strange += [
                    f"{name}.{field_name}({argument})"
                    for argument in getattr(field, "args", {})
                    if argument not in theirs.fields[field_name].args and (name, field_name, argument) not in LATER_ARGUMENTS
                ]
    assert strange == []


@pytest.mark.skipif(not PUBLISHED.exists(), reason="Shopify's published schema is not beside the repository")
def test_nothing_is_listed_as_later_that_was_there_before():
    published = build_schema(PUBLISHED.read_text(encoding="utf-8"), assume_valid=True)
    assert not [name for name in LATER_TYPES if name in published.type_map]
    assert not [(name, field) for name, field in LATER_FIELDS if field in published.type_map[name].fields]


def test_every_resolver_belongs_to_a_field_and_every_connection_can_be_had_in_bulk():
    schema = schema_with_fields()
    for type_name, field_name in (*FIELDS, *CHILDREN):
        assert field_name in schema.type_map[type_name].fields
    connections = {
        (name, field_name)
        for name, kind in schema.type_map.items()
        if is_object_type(kind)
        for field_name, field in kind.fields.items()
        if str(field.type).rstrip("!").endswith("Connection")
    }
    assert connections == set(CHILDREN)
