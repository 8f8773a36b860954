"""CRM contacts as HubSpot keeps them: typed by hand, sometimes twice, merged, archived."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso, some_days_later
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.countries import DOUBLE_OPT_IN
from mailhouse.sandbox.company.mailboxes import plus_tagged
from mailhouse.sandbox.company.names import misspelt, nickname
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.phones import written
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

PROPERTIES = (
    ("email", "string", "Email", False),
    ("firstname", "string", "First Name", False),
    ("lastname", "string", "Last Name", False),
    ("phone", "string", "Phone Number", False),
    ("mobilephone", "string", "Mobile Phone Number", False),
    ("company", "string", "Company Name", False),
    ("address", "string", "Street Address", False),
    ("city", "string", "City", False),
    ("zip", "string", "Postal Code", False),
    ("country", "string", "Country/Region", False),
    ("hs_language", "enumeration", "Preferred language", False),
    ("lifecyclestage", "enumeration", "Lifecycle Stage", False),
    ("hs_email_optout", "bool", "Unsubscribed from all email", False),
    ("hs_additional_emails", "enumeration", "Additional email addresses", False),
    ("hs_merged_object_ids", "enumeration", "Merged record IDs", False),
    ("createdate", "datetime", "Create Date", False),
    ("lastmodifieddate", "datetime", "Last Modified Date", False),
    ("loyalty_tier", "enumeration", "Loyalty tier", True),
    ("newsletter_consent_at", "datetime", "Newsletter consent at", True),
    ("newsletter_consent_source", "string", "Newsletter consent source", True),
)
SHARE_TWICE, SHARE_MERGED, SHARE_ARCHIVED, SHARE_SLOPPY, SHARE_INVALID = 0.10, 0.045, 0.03, 0.09, 0.012


def property_rows(moment: datetime) -> list[Row]:
    """The account's contact properties, its own three among them."""
    return [
        Row(name, {"name": name, "type": kind, "label": label, "custom": custom}, iso(moment), iso(moment))
        for name, kind, label, custom in PROPERTIES
    ]


@dataclass(frozen=True)
class Hand:
    """How one record was typed."""

    given: str | None
    family: str | None
    phone: str | None


def typed(rng: Random, person: Person) -> Hand:
    """The person's names and phone as somebody entered them; names behind a shared address stay clear."""
    given, family = person.given, person.family
    if not person.shares_mailbox and rng.random() < SHARE_SLOPPY:
        slip = rng.randrange(5)
        if slip == 0:
            family = misspelt(rng, family)
        elif slip == 1:
            given = misspelt(rng, given)
        elif slip == 2:
            family = None
        else:
            given = nickname(given) or given
    elif rng.random() < 0.05:
        given, family = (given.upper(), family.upper()) if rng.random() < 0.5 else (given.lower(), family.lower())
    phone = None
    if person.phone is not None and rng.random() < 0.97:
        # without a country nobody could read a national number
        styles = (0, 0, 1, 1, 2, 3) if person.country is not None else (0, 1)
        phone = written(person.phone, rng.choice(styles))
    return Hand(given, family, phone)


def rows_of(company: Company, rng: Random, person: Person, consent: Consent) -> list[Row]:
    """The person's contacts, mostly one."""
    created = between(rng, person.seen_from, min(some_days_later(rng, person.seen_from, 40), company.calendar.now))
    first = contact_row(company, rng, person, consent, created=created, email=person.crm_email)
    if rng.random() < SHARE_MERGED:
        merge_in(first.body, company.next_id("hubspot.contact"), person.former)
    if rng.random() >= SHARE_TWICE:
        return [first]
    address = None
    if rng.random() < 0.7:
        address = plus_tagged(company, rng, person.private) if rng.random() < 0.5 else person.work or person.former
    if address is not None and address in (person.crm_email, person.former):
        address = plus_tagged(company, rng, person.private)
    again = between(rng, created, company.calendar.now)
    return [first, contact_row(company, rng, person, consent, created=again, email=address)]


def contact_row(company: Company, rng: Random, person: Person, consent: Consent, *, created: datetime, email: str | None) -> Row:
    """One contact, as last changed at some time since it was made."""
    now = company.calendar.now
    hand = typed(rng, person)
    updated = between(rng, created, now) if rng.random() < 0.75 else created
    properties: dict[str, str | None] = {name: None for name, *_ in PROPERTIES}
    shown = email
    if email is not None and not person.shares_mailbox:
        if rng.random() < SHARE_INVALID:
            shown = rng.choice((email.replace("@", ".at."), email.replace("@", "@@"), email.split("@")[0] + "@"))
        elif rng.random() < 0.05:
            shown = email[:1].upper() + email[1:]
    properties |= {
        "email": shown,
        "firstname": hand.given,
        "lastname": hand.family,
        "hs_language": person.language,
        "lifecyclestage": "customer" if person.is_buyer else rng.choice(("lead", "subscriber", "opportunity", "lead")),
        "country": person.country if rng.random() < 0.95 else None,
    }
    properties["mobilephone" if rng.random() < 0.15 else "phone"] = hand.phone
    if hand.phone is not None and not hand.phone.startswith(("+", "00")):
        properties["country"] = person.country
    if rng.random() < 0.7:
        properties |= {"address": person.street, "city": person.city, "zip": person.zip}
    if person.firm is not None and rng.random() < 0.8:
        properties["company"] = person.firm
    if person.is_buyer:
        properties["loyalty_tier"] = rng.choices(("bronze", "silver", "gold", None), (5, 3, 1, 3))[0]
    updated = max(updated, _consent_fields(rng, person, consent, properties, created))
    stage = {"createdate": iso(created), "lastmodifieddate": iso(updated)}
    archived_at = None
    if rng.random() < SHARE_ARCHIVED:
        archived_at = iso(updated)
    body = {
        "id": company.next_id("hubspot.contact"),
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "archived": archived_at is not None,
        "archivedAt": archived_at,
        "properties": properties | stage,
    }
    return row(body)


def _consent_fields(
    rng: Random, person: Person, consent: Consent, properties: dict[str, str | None], created: datetime
) -> datetime:
    """What the CRM believes of consent; gives back when it last learnt of it."""
    learnt = created
    if consent.withdrawn_in == "crm" and consent.withdrawn_at is not None:
        properties["hs_email_optout"] = "true"
        learnt = max(created, consent.withdrawn_at)
    elif rng.random() < 0.7:
        properties["hs_email_optout"] = "false"
    if consent.granted_at is not None and (consent.channel == "crm" or rng.random() < 0.72):
        source = rng.choice(("website form", "trade fair", "store counter", "website form"))
        if consent.confirmed and (person.country in DOUBLE_OPT_IN or person.country is None):
            source = "website form (double opt-in confirmed)"
        properties["newsletter_consent_source"] = source
        # some clerks note where, and forget when: no proof
        if rng.random() < 0.94:
            properties["newsletter_consent_at"] = iso(consent.granted_at)
        learnt = max(learnt, consent.granted_at)
    return learnt


def merge_in(body: dict[str, Any], loser_id: str, address: str | None) -> None:
    """Marks the contact as the winner of a merge; the loser's address becomes an additional one."""
    properties = body["properties"]
    properties["hs_merged_object_ids"] = ";".join(filter(None, (properties["hs_merged_object_ids"], loser_id)))
    add_address(body, address)


def add_address(body: dict[str, Any], address: str | None) -> None:
    """One more address of the contact, unless it has it already."""
    properties = body["properties"]
    known = (properties["hs_additional_emails"] or "").split(";")
    if address and address not in (properties["email"], *known):
        properties["hs_additional_emails"] = ";".join(filter(None, (*known, address)))


def touch(body: dict[str, Any], moment: datetime) -> Row:
    """The contact as changed at that moment, or at a later one that it already bears."""
    body["updatedAt"] = body["properties"]["lastmodifieddate"] = max(iso(moment), body["updatedAt"])
    return row(body)


def row(body: dict[str, Any]) -> Row:
    """For the store."""
    email = (body["properties"]["email"] or "").lower()
    return Row(body["id"], body, body["updatedAt"], body["createdAt"], "", email, body["archived"])
