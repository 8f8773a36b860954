"""The scopes of Shopify's app: told by its installation, and needed by the root fields of a query."""

from typing import Any

from graphql import DocumentNode, FieldNode

from mailhouse.sandbox.shopify_cost import operation_of
from mailhouse.sandbox.store import Store

# of the state: a list of handles, everything below where it says nothing
GRANTED = "shopify.scopes"
SCOPES = {
    "read_all_orders": "Read all orders",
    "read_customers": "Read customers",
    "read_orders": "Read orders",
    "read_products": "Read products",
    "write_customer_data_erasure": "Modify customer data erasure",
    "write_customers": "Modify customers",
}
_ROOTS = {
    "read_customers": "customer customers customersCount",
    "read_orders": "abandonedCheckouts order orders ordersCount",
    "read_products": "product products productsCount",
    "write_customers": "customerDelete customerEmailMarketingConsentUpdate customerMerge",
    "write_customer_data_erasure": "customerRequestDataErasure",
}
NEEDED = {root: scope for scope, roots in _ROOTS.items() for root in roots.split()}


def scopes_of(store: Store) -> list[str]:
    """What the app was granted."""
    return sorted(store.meta_get(GRANTED) or SCOPES)


def installation(store: Store) -> dict[str, Any]:
    """The app as it is installed in the shop."""
    scopes = [{"handle": one, "description": SCOPES.get(one, one)} for one in scopes_of(store)]
    return {"id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}


def denied(store: Store, document: DocumentNode) -> list[dict[str, Any]]:
    """An error for each root field that the app has no scope for; a scope to write is one to read as well."""
    operation, granted = operation_of(document), set(scopes_of(store))
    granted |= {f"read_{one.removeprefix('write_')}" for one in granted if one.startswith("write_")}
    errors = []
    for node in operation.selection_set.selections if operation else ():
        wanted = NEEDED.get(node.name.value) if isinstance(node, FieldNode) else None
        if wanted is None or wanted in granted:
            continue
        named, required = node.name.value, f"`{wanted}` access scope."
        errors.append(
            {
                "message": f"Access denied for {named} field. Required access: {required}",
                "path": [node.alias.value if node.alias else named],
                "extensions": {"code": "ACCESS_DENIED", "requiredAccess": required},
            }
        )
    return errors
