"""What we ask Shopify's GraphQL, as texts; a test holds them against the vendor's own schema."""

import re
from collections.abc import Iterable

from mailhouse.errors import ConfigurationError

# later than the schema of 2022-07 that the texts are tested against
LATER_FIELDS = {
    "AbandonedCheckout",
    "Order.sourceName",
    "QueryRoot.abandonedCheckouts",
    "QueryRoot.customersCount",
    "QueryRoot.ordersCount",
    "QueryRoot.productsCount",
}

METAFIELD_NAMESPACE = "custom"
ALIAS = "metafield_"
KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")

CUSTOMER = """
id firstName lastName email phone state locale tags createdAt updatedAt
defaultAddress { address1 city zip countryCodeV2 }
emailMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }
"""
MONEY = "{ shopMoney { amount currencyCode } }"
LINE = f"""
id title sku quantity product {{ id }} variant {{ id }}
originalUnitPriceSet {MONEY} totalDiscountSet {MONEY}
"""
ORDER = f"""
id name email createdAt processedAt updatedAt cancelledAt displayFinancialStatus currencyCode test sourceName
customer {{ id }} shippingAddress {{ countryCodeV2 }} totalPriceSet {MONEY} totalRefundedSet {MONEY}
"""
CHECKOUT = f"id name abandonedCheckoutUrl createdAt updatedAt completedAt customer {{ id }} totalPriceSet {MONEY}"
CHECKOUT_LINE = f"title sku quantity product {{ id }} variant {{ id }} originalUnitPriceSet {MONEY}"
REFUND = f"id createdAt totalRefundedSet {MONEY}"
REFUND_LINE = f"quantity lineItem {{ id }} subtotalSet {MONEY}"
VARIANT = "id sku title price"
PRODUCT = "id title productType vendor status createdAt updatedAt"
PAGE_INFO = "pageInfo { hasNextPage endCursor }"

ARGUMENTS = "$first: Int!, $after: String, $query: String"
PASSED = "first: $first, after: $after, query: $query, sortKey: UPDATED_AT"


def customer(metafields: Iterable[str]) -> str:
    """A customer's fields with the listed metafields, each under an alias of its own."""
    asked = []
    for key in metafields:
        if not KEY.fullmatch(key):
            raise ConfigurationError(
                f"custom property `{key}` of shopify_customers: a metafield's key is lower-case letters, digits and _; correct it"
            )
        asked.append(f'{ALIAS}{key}: metafield(namespace: "{METAFIELD_NAMESPACE}", key: "{key}") {{ value }}')
    return CUSTOMER + "\n".join(asked)


def customers(metafields: Iterable[str]) -> str:
    """A page of customers changed since a moment, oldest change first."""
    return (
        f"query customers({ARGUMENTS}) {{ customers({PASSED}) {{ {PAGE_INFO} edges {{ node {{ {customer(metafields)} }} }} }} }}"
    )


PRODUCTS = f"""
query products({ARGUMENTS}, $variants: Int!) {{
  products({PASSED}) {{
    {PAGE_INFO}
    edges {{ node {{ {PRODUCT} variants(first: $variants) {{ {PAGE_INFO} edges {{ node {{ {VARIANT} }} }} }} }} }}
  }}
}}
"""
ORDERS = f"""
query orders({ARGUMENTS}, $lines: Int!) {{
  orders({PASSED}) {{
    {PAGE_INFO}
    edges {{
      node {{
        {ORDER}
        lineItems(first: $lines) {{ {PAGE_INFO} edges {{ node {{ {LINE} }} }} }}
        refunds {{ id }}
      }}
    }}
  }}
}}
"""
REST_OF_LINES = f"""
query restOfLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Order {{ lineItems(first: $first, after: $after) {{ {PAGE_INFO} edges {{ node {{ {LINE} }} }} }} }} }}
}}
"""
CHECKOUTS = f"""
query checkouts($first: Int!, $after: String, $query: String, $lines: Int!) {{
  abandonedCheckouts(first: $first, after: $after, query: $query) {{
    {PAGE_INFO}
    edges {{ node {{ {CHECKOUT} lineItems(first: $lines) {{ {PAGE_INFO} edges {{ node {{ {CHECKOUT_LINE} }} }} }} }} }}
  }}
}}
"""
REST_OF_CHECKOUT_LINES = f"""
query restOfCheckoutLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{
    ... on AbandonedCheckout {{
      lineItems(first: $first, after: $after) {{ {PAGE_INFO} edges {{ node {{ {CHECKOUT_LINE} }} }} }}
    }}
  }}
}}
"""
REST_OF_REFUND_LINES = f"""
query restOfRefundLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{
    ... on Refund {{ refundLineItems(first: $first, after: $after) {{ {PAGE_INFO} edges {{ node {{ {REFUND_LINE} }} }} }} }}
  }}
}}
"""
REST_OF_VARIANTS = f"""
query restOfVariants($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{
    ... on Product {{ variants(first: $first, after: $after) {{ {PAGE_INFO} edges {{ node {{ {VARIANT} }} }} }} }}
  }}
}}
"""
REFUNDS_OF_ORDERS = f"""
query refundsOfOrders($ids: [ID!]!, $refundLines: Int!) {{
  nodes(ids: $ids) {{
    ... on Order {{
      id
      refunds {{ {REFUND} refundLineItems(first: $refundLines) {{ {PAGE_INFO} edges {{ node {{ {REFUND_LINE} }} }} }} }}
    }}
  }}
}}
"""
# bulk operations allow no connection inside a list, and pages that hold refunds in full cost too much: ids only, refunds after
BULK_ORDERS = f"{{ orders {{ edges {{ node {{ {ORDER} refunds {{ id }} lineItems {{ edges {{ node {{ {LINE} }} }} }} }} }} }} }}"
BULK_PRODUCTS = f"{{ products {{ edges {{ node {{ {PRODUCT} variants {{ edges {{ node {{ {VARIANT} }} }} }} }} }} }} }}"


def bulk_customers(metafields: Iterable[str]) -> str:
    """Every customer, as a bulk operation."""
    return f"{{ customers {{ edges {{ node {{ {customer(metafields)} }} }} }} }}"


RUN_BULK = """
mutation runBulk($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { field message } }
}
"""
POLL_BULK = "query pollBulk($id: ID!) { node(id: $id) { ... on BulkOperation { id status errorCode objectCount url } } }"


def latest_change(connection: str) -> str:
    """When the most recently changed record of a connection (customers, orders, products) was changed."""
    return (
        f"query latest {{ {connection}(first: 1, sortKey: UPDATED_AT, reverse: true) {{ edges {{ node {{ id updatedAt }} }} }} }}"
    )


def count(connection: str) -> str:
    """How many records a connection has."""
    return f"query count {{ {connection}Count(limit: null) {{ count precision }} }}"


def ids(connection: str) -> str:
    """A page of a connection's ids, in their own order."""
    return (
        f"query ids($first: Int!, $after: String) {{ {connection}(first: $first, after: $after, sortKey: ID)"
        f" {{ {PAGE_INFO} edges {{ node {{ id }} }} }} }}"
    )


STILL_THERE = "query stillThere($ids: [ID!]!) { nodes(ids: $ids) { id } }"
