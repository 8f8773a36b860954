"""Shopify's consent of a customer to marketing mail, as an app may write it."""

from mailhouse.sandbox.shopify_fields import Object, Shop, bare
from mailhouse.sandbox.shopify_search import CUSTOMER
from mailhouse.sandbox.store import stamp

# the states that may be given; the others are Shopify's own to set [from general knowledge, not from a document]
GIVEN = ("PENDING", "SUBSCRIBED", "UNSUBSCRIBED")


def update_consent(shop: Shop, given: Object) -> Object:
    """The customer with the consent that was given; `consentUpdatedAt` is now unless it is said."""
    consent, now = given["emailMarketingConsent"], stamp(shop.store.now())
    customer = shop.store.get(CUSTOMER, bare(given["customerId"], "Customer"))
    if customer is None or customer.deleted:
        return _refused(["input", "customerId"], "Customer not found", "INVALID")
    if not customer.body.get("email"):
        return _refused(["input", "customerId"], "The customer has no email address", "INVALID")
    if consent["marketingState"] not in GIVEN:
        return _refused(
            ["input", "emailMarketingConsent", "marketingState"], "Marketing state is not included in the list", "INCLUSION"
        )
    try:
        since = stamp(consent.get("consentUpdatedAt") or now)
    except ValueError:
        since = ""
    if not since or since > now:
        field = ["input", "emailMarketingConsent", "consentUpdatedAt"]
        return _refused(field, "Consent updated at must be a time that is not in the future", "INVALID")
    before = customer.body.get("emailMarketingConsent") or {}
    level = consent.get("marketingOptInLevel") or before.get("marketingOptInLevel") or "UNKNOWN"
    after = {"marketingState": consent["marketingState"], "marketingOptInLevel": level, "consentUpdatedAt": since}
    if after != before:
        customer.body |= {"emailMarketingConsent": after, "updatedAt": now}
        customer.updated_at = now
        shop.store.put(CUSTOMER, customer)
    return {"customer": customer.body, "userErrors": []}


def _refused(field: list[str], message: str, code: str) -> Object:
    return {"customer": None, "userErrors": [{"field": field, "message": message, "code": code}]}
