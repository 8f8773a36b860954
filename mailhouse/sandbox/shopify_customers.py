"""What an app may do to Shopify's customers: delete one without orders, merge two."""

from mailhouse.sandbox.shopify_fields import Object, Shop, bare, gid, shop_itself
from mailhouse.sandbox.shopify_search import CUSTOMER, ORDER
from mailhouse.sandbox.store import stamp


def delete_customer(shop: Shop, identifier: str) -> Object:
    """Really gone, and no listing tells of it; a customer with orders cannot be deleted."""
    number = bare(identifier, "Customer")
    message = ""
    if shop.load("Customer", number) is None:
        message = "Customer can't be found"
    elif shop.store.count(ORDER, number):
        message = "Customer can't be deleted because they have associated orders"
    else:
        shop.store.delete(CUSTOMER, number)
    errors = [{"field": ["id"], "message": message}] if message else []
    return {
        "deletedCustomerId": None if message else gid("Customer", number),
        "shop": shop_itself({}, {}, shop),
        "userErrors": errors,
    }


def merge_customers(shop: Shop, one: str, two: str) -> Object:
    """The first stays and takes the orders of the second, and what it has and the first has not.

    Which of the two stays is from general knowledge, not from a document.
    """
    store = shop.store
    kept, gone = (store.get(CUSTOMER, bare(identifier, "Customer")) for identifier in (one, two))
    if kept is None or gone is None or kept.id == gone.id:
        message = "Both customers must exist and differ."
        return {"resultingCustomerId": None, "job": None, "userErrors": [{"field": None, "message": message}]}
    now = stamp(store.now())
    for name, value in gone.body.items():
        if kept.body.get(name) in (None, "", [], {}):
            kept.body[name] = value
    kept.body["tags"] = list(dict.fromkeys([*(kept.body.get("tags") or []), *(gone.body.get("tags") or [])]))
    kept.body["updatedAt"] = kept.updated_at = now
    kept.email = kept.email or gone.email
    orders = store.page(ORDER, parent=gone.id, limit=1_000_000)
    for order in orders:
        store.delete(ORDER, order.id, gone.id)
        order.body |= {"customerId": kept.id, "updatedAt": now}
        order.parent, order.updated_at = kept.id, now
    store.put_many(ORDER, orders)
    store.delete(CUSTOMER, gone.id)
    store.put(CUSTOMER, kept)
    job = {"id": f"gid://shopify/Job/{kept.id}-{gone.id}", "done": True}
    return {"resultingCustomerId": gid("Customer", kept.id), "job": job, "userErrors": []}


def erase_customer(shop: Shop, identifier: str) -> Object:
    """What is personal is emptied, and the orders stay without a name. Shopify does it days later, the sandbox at once."""
    store, number = shop.store, bare(identifier, "Customer")
    customer = store.get(CUSTOMER, number)
    if customer is None:
        return {"customerId": None, "userErrors": [{"field": ["customerId"], "message": "Customer can't be found"}]}
    now = stamp(store.now())
    consent = {"marketingState": "REDACTED", "marketingOptInLevel": None, "consentUpdatedAt": None}
    customer.body |= dict.fromkeys(("firstName", "lastName", "email", "phone", "note", "locale", "defaultAddress"))
    customer.body |= {"tags": [], "metafields": {}, "emailMarketingConsent": consent, "state": "DISABLED", "updatedAt": now}
    customer.email, customer.updated_at = "", now
    store.put(CUSTOMER, customer)
    orders = store.page(ORDER, parent=number, limit=1_000_000, deleted=None)
    for order in orders:
        order.body |= {"email": None, "updatedAt": now}
        order.email, order.updated_at = "", now
    store.put_many(ORDER, orders)
    return {"customerId": gid("Customer", number), "userErrors": []}
