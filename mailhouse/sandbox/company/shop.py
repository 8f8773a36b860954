"""Shop customers as Shopify keeps them, with the shop's own view of consent."""

from datetime import datetime
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.countries import DOUBLE_OPT_IN
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.phones import written
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row


def marketing(rng: Random, person: Person, consent: Consent) -> dict[str, Any]:
    """Shopify's emailMarketingConsent: the latest act in the shop, which may know nothing of acts elsewhere."""
    level = "CONFIRMED_OPT_IN" if consent.confirmed else "SINGLE_OPT_IN"
    if consent.granted_again_at is not None:
        return state("SUBSCRIBED", level, consent.granted_again_at)
    if consent.withdrawn_in == "shop" and consent.withdrawn_at is not None:
        return state("UNSUBSCRIBED", level, consent.withdrawn_at)
    if consent.granted_at is not None and (consent.channel == "shop" or rng.random() < 0.7):
        waiting = not consent.confirmed and person.country in DOUBLE_OPT_IN and consent.member == "pending"
        return state("PENDING" if waiting else "SUBSCRIBED", "CONFIRMED_OPT_IN" if waiting else level, consent.granted_at)
    return state("NOT_SUBSCRIBED", "SINGLE_OPT_IN", None)


def state(word: str, level: str, moment: datetime | None) -> dict[str, Any]:
    """The three fields of emailMarketingConsent."""
    return {"marketingState": word, "marketingOptInLevel": level, "consentUpdatedAt": None if moment is None else iso(moment)}


def customer_row(company: Company, rng: Random, person: Person, consent: Consent, customer_id: str) -> Row:
    """The person's only shop customer; touched last by the latest of its orders and acts."""
    created = min(person.seen_from, person.first_order_at or person.seen_from)
    view = marketing(rng, person, consent)
    touched = [created]
    if person.last_order_at is not None:
        touched.append(person.last_order_at)
    if rng.random() < 0.2:
        touched.append(between(rng, created, company.calendar.now))
    updated = max(iso(max(touched)), view["consentUpdatedAt"] or "")
    address = {"address1": person.street, "city": person.city, "zip": person.zip, "countryCodeV2": person.country}
    if not person.is_buyer and rng.random() < 0.4:
        address = {"address1": None, "city": None, "zip": None, "countryCodeV2": None}
    phone = person.phone if rng.random() < 0.97 else None
    given, family = person.given, person.family
    if not person.shares_mailbox and rng.random() < 0.012:
        given = None
    tags = [tag for tag, share in (("wholesale", 0.04), ("loyal", 0.08), ("gift buyer", 0.05)) if rng.random() < share]
    metafields = {"custom.favourite_category": person.favourite} if person.favourite and rng.random() < 0.45 else {}
    body = {
        "id": customer_id,
        "firstName": given,
        "lastName": family,
        "email": person.shop_email,
        "phone": phone if phone is None else written(phone, 0),
        "state": rng.choices(("ENABLED", "DISABLED", "INVITED"), (6, 3, 1))[0],
        "locale": person.language,
        "tags": tags,
        "note": "Prefers delivery after six." if rng.random() < 0.02 else None,
        "createdAt": iso(created),
        "updatedAt": updated,
        "defaultAddress": address,
        "emailMarketingConsent": view,
        "metafields": metafields,
    }
    return Row(customer_id, body, updated, iso(created), "", (person.shop_email or "").lower())
