"""The shop's customers in Klaviyo, as the shop's integration brought them, and what Klaviyo knows of their consent.

It knows its own part: what happened at the checkout and in its own mails, little of what was said elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.countries import DOUBLE_OPT_IN
from mailhouse.sandbox.company.klaviyo_account import Mailing
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.klaviyo_consent import suppress, unsubscribe
from mailhouse.sandbox.klaviyo_profiles import PHONE, SUBSCRIBED, UNSUBSCRIBED, fresh_marketing, new_profile
from mailhouse.sandbox.store import Row

SHARE_OF_CUSTOMERS, SHARE_OF_READERS = 0.80, 0.35  # readers: people who are neither in the shop nor in the CRM
SHARE_CONSENT_KNOWN, SHARE_WITHDRAWAL_KNOWN = 0.84, 0.80  # of acts in the shop or on a form
SHARE_UNSUBSCRIBED, SHARE_BOUNCED, SHARE_COMPLAINED, SHARE_BY_HAND = 0.06, 0.022, 0.008, 0.008


@dataclass(frozen=True, slots=True)
class Ending:
    """By when, how and by which mail a profile could not be mailed any more; nothing of all that while it can."""

    at: datetime | None = None
    how: str = ""  # unsubscribed | bounced | complained; '' by hand
    mailing: Mailing | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A profile with what its mails must know: since when it could be mailed, and how that ended."""

    person: Person
    row: Row
    since: datetime | None
    ending: Ending


def comes_in(rng: Random, person: Person) -> bool:
    """Whether the person has a profile at all."""
    if person.in_shop:
        return rng.random() < SHARE_OF_CUSTOMERS
    return not person.in_crm and rng.random() < SHARE_OF_READERS


def address_of(person: Person) -> str:
    """The address by which Klaviyo knows the person, '' for none."""
    return (person.shop_email if person.in_shop else person.list_email) or ""


def profile_row(person: Person, created: datetime, address: str, marketing: dict[str, Any]) -> Row:
    """As the integration fills it in; the phone only where Klaviyo takes it."""
    phone = person.phone if person.phone and PHONE.fullmatch(person.phone) and person.in_shop else None
    properties: dict[str, Any] = {"$source": "Shopify" if person.in_shop else "Form"}
    if person.favourite:
        properties["Favourite category"] = person.favourite
    row = new_profile(
        address,
        created,
        phone_number=phone,
        first_name=person.given,
        last_name=person.family,
        locale=f"{person.language}-{person.country}" if person.country else None,
        properties=properties,
        marketing=marketing,
    )
    row.body["location"] |= {"city": person.city, "zip": person.zip, "country": person.country}
    changed = max(row.body["updated"], marketing["last_updated"] or "")
    row.body["updated"] = row.updated_at = changed
    return row


def decide(rng: Random, person: Person, consent: Consent, created: datetime, mailings: list[Mailing], now: datetime) -> Known:
    """The profile and its history of consent in this account, up to the present."""
    marketing = fresh_marketing()
    since = _take_over(rng, person, consent, marketing, created)
    ending = Ending()
    if since is None:
        if rng.random() < SHARE_BY_HAND:
            suppress(marketing, "USER_SUPPRESSED", iso(between(rng, created, now)))
    elif marketing["consent"] == UNSUBSCRIBED:
        since = None
    else:
        ending = _end(rng, marketing, since, mailings, now)
    return Known(person, profile_row(person, created, address_of(person), marketing), since, ending)


def _take_over(rng: Random, person: Person, consent: Consent, marketing: dict[str, Any], created: datetime) -> datetime | None:
    """What the integration and the form told of consent; since when the account has known of a yes, None without one."""
    granted = consent.granted_again_at or consent.granted_at
    told = consent.channel in ("shop", "form") or consent.granted_again_at is not None
    if granted is None or not told or rng.random() >= SHARE_CONSENT_KNOWN:
        return None
    known_at = max(granted, created)
    marketing |= {
        "consent": SUBSCRIBED,
        "consent_timestamp": iso(granted),
        "last_updated": iso(known_at),
        "method": "FORM" if consent.channel == "form" and consent.granted_again_at is None else "CHECKOUT",
        "method_detail": "",
        "double_optin": consent.confirmed and person.country in DOUBLE_OPT_IN,
    }
    left_shop = consent.withdrawn_at if consent.withdrawn_in == "shop" and consent.granted_again_at is None else None
    if left_shop is not None and rng.random() < SHARE_WITHDRAWAL_KNOWN:
        unsubscribe(marketing, iso(max(left_shop, known_at)), "INTEGRATION")
    return known_at


def _end(rng: Random, marketing: dict[str, Any], since: datetime, mailings: list[Mailing], now: datetime) -> Ending:
    """Some mails bounce for good, are complained of or unsubscribed from; and the marketer keeps some away by hand."""
    chance = rng.random()
    if chance < SHARE_BY_HAND:
        until = between(rng, since, now)
        suppress(marketing, "USER_SUPPRESSED", iso(until))
        return Ending(until)
    chance -= SHARE_BY_HAND
    received = [one for one in mailings if one.sent_at > since]
    if not received or chance >= SHARE_UNSUBSCRIBED + SHARE_BOUNCED + SHARE_COMPLAINED:
        return Ending()
    mailing = rng.choice(received)
    moment = min(mailing.sent_at + timedelta(minutes=rng.randint(90, 1_500)), now - timedelta(minutes=5))
    if chance < SHARE_UNSUBSCRIBED:
        unsubscribe(marketing, iso(moment), rng.choice(("PREFERENCE_PAGE", "ONE_CLICK_UNSUBSCRIBE")))
        return Ending(moment, "unsubscribed", mailing)
    bounced = chance < SHARE_UNSUBSCRIBED + SHARE_BOUNCED
    suppress(marketing, "HARD_BOUNCE" if bounced else "SPAM_COMPLAINT", iso(moment))
    return Ending(moment, "bounced" if bounced else "complained", mailing)
