"""The company's Salesforce: its sales people's accounts, contacts and leads, filled once with the past.

All its chance comes from streams of its own, so that the other systems are what they are with or without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.crm import typed
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.salesforce_sales import put_sales
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.company.truth import Link
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.store import Row, Store

SHARE_OF_EMPLOYED, SHARE_LEADS = 0.45, 0.12  # of those in the CRM: with a known employer, and of the rest
SHARE_STILL_LEAD, SHARE_CONVERTED, SHARE_TWICE = 0.25, 0.15, 0.05
SHARE_OPT_OUT_KNOWN = 0.6  # of those who said no to the clerks
STORES = ("Berlin", "Paris", "London", "Online", None, None)
SOURCES = ("Web", "Trade Show", "Partner Referral", "Phone Inquiry", "Other")
CONTACT, LEAD, ACCOUNT = OBJECTS["Contact"], OBJECTS["Lead"], OBJECTS["Account"]


@dataclass
class Org:
    """What was made of the people, and whose it is."""

    contacts: list[Row] = field(default_factory=list)
    leads: list[Row] = field(default_factory=list)
    accounts: dict[str, Row] = field(default_factory=dict)  # by the employer's name
    links: list[Link] = field(default_factory=list)


def fill(store: Store, company: Company, histories: Iterable[tuple[Person, Consent]], summary: Summary) -> list[Link]:
    """Puts the org with its past; whose contacts and leads they are, for the truth."""
    org, rng = Org(), company.stream("salesforce people")
    for person, consent in histories:
        enter(company, rng, org, person, consent)
    put(store, org, summary)
    put_sales(store, company, company.stream("salesforce sales"), org.contacts, org.leads)
    return org.links


def put(store: Store, org: Org, summary: Summary) -> None:
    """The people's records into the store."""
    store.put_many(ACCOUNT.kind, org.accounts.values())
    summary.salesforce_contacts += store.put_many(CONTACT.kind, org.contacts)
    summary.salesforce_leads += store.put_many(LEAD.kind, org.leads)


def enter(company: Company, rng: Random, org: Org, person: Person, consent: Consent) -> None:
    """The person's records in the org, for most people none."""
    employed = person.firm is not None
    if not person.in_crm or rng.random() >= (SHARE_OF_EMPLOYED if employed else SHARE_LEADS):
        return
    now = company.calendar.now
    created = between(rng, person.seen_from, now)
    if not employed or rng.random() < SHARE_STILL_LEAD:
        _add(org.leads, org, person, _lead(company, rng, person, consent, created))
        return
    account = _account(company, org, person, created)
    contact = _contact(company, rng, person, consent, created, account)
    _add(org.contacts, org, person, contact)
    if rng.random() < SHARE_CONVERTED:
        lead = _lead(company, rng, person, consent, between(rng, person.seen_from, created))
        converted = {"IsConverted": True, "Status": "Closed - Converted", "ConvertedDate": iso(created)[:10]}
        converted |= {"ConvertedContactId": contact.id, "ConvertedAccountId": account}
        _add(
            org.leads,
            org,
            person,
            record_row(LEAD, lead.id, lead.body | converted, contact.created_at, lead.created_at or created),
        )
    elif rng.random() < SHARE_TWICE:
        _add(org.contacts, org, person, _contact(company, rng, person, consent, between(rng, created, now), account))


def _add(rows: list[Row], org: Org, person: Person, row: Row) -> None:
    rows.append(row)
    org.links.append(("salesforce", row.id, person.person_id, person.customer_ref))


def next_identifier(company: Company, name: str) -> str:
    """The id of the next record of an object."""
    return identifier(OBJECTS[name].prefix, int(company.next_id(f"salesforce.{name}")))


def _account(company: Company, org: Org, person: Person, created: datetime) -> str:
    """The account of the person's employer; two people of one firm share it."""
    firm = str(person.firm)
    if firm not in org.accounts:
        body = {"Name": firm, "Type": "Customer", "BillingCity": person.city, "BillingCountry": person.country}
        org.accounts[firm] = record_row(ACCOUNT, next_identifier(company, "Account"), body, created, created)
    return org.accounts[firm].id


def _person(rng: Random, person: Person, consent: Consent) -> dict[str, Any]:
    """What contacts and leads have in common, as the sales people typed it."""
    hand = typed(rng, person)
    opted_out = consent.withdrawn_in == "crm" and rng.random() < SHARE_OPT_OUT_KNOWN
    return {
        "FirstName": hand.given,
        "LastName": hand.family or person.family,
        "Email": (person.work if rng.random() < 0.5 else None) or person.crm_email,
        "Phone": hand.phone,
        "LeadSource": rng.choice(SOURCES),
        "HasOptedOutOfEmail": opted_out,
    }


def _contact(company: Company, rng: Random, person: Person, consent: Consent, created: datetime, account: str) -> Row:
    body = _person(rng, person, consent) | {"AccountId": account, "Preferred_Store__c": rng.choice(STORES)}
    body |= {"MailingCity": person.city, "MailingPostalCode": person.zip, "MailingCountry": person.country}
    updated = _last_change(company, rng, consent, created, body)
    return record_row(CONTACT, next_identifier(company, "Contact"), body, updated, created)


def _lead(company: Company, rng: Random, person: Person, consent: Consent, created: datetime) -> Row:
    body = _person(rng, person, consent) | {"Company": person.firm or "[not provided]", "Status": "Open - Not Contacted"}
    body |= {"City": person.city, "PostalCode": person.zip, "Country": person.country}
    updated = _last_change(company, rng, consent, created, body)
    return record_row(LEAD, next_identifier(company, "Lead"), body, updated, created)


def _last_change(company: Company, rng: Random, consent: Consent, created: datetime, body: dict[str, Any]) -> datetime:
    now = company.calendar.now - timedelta(minutes=1)
    changed = between(rng, created, now) if rng.random() < 0.5 else created
    if body["HasOptedOutOfEmail"] and consent.withdrawn_at is not None:
        changed = max(changed, consent.withdrawn_at)
    return min(changed, now)
