"""The company's SendGrid account: a small programme of care tips beside the others, for some who bought or read.

All its chance comes from streams of its own, so that the other systems are what they are with or without it.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox import members
from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.company.truth import Link
from mailhouse.sandbox.sendgrid_fields import FIELD, field_row
from mailhouse.sandbox.sendgrid_lists import list_row
from mailhouse.sandbox.sendgrid_mail import SINGLE_SEND, TEMPLATE, single_send_row, template_row
from mailhouse.sandbox.sendgrid_people import CONTACT, LIST, contact_row, normal
from mailhouse.sandbox.sendgrid_suppressions import GLOBAL, GROUP, SUPPRESSION, entry_row, group_list, group_row
from mailhouse.sandbox.store import Row, Store

OPENED_DAYS = 300  # the programme began so many days before the present
SHARE_OF_CUSTOMERS, SHARE_OF_READERS, SHARE_ON_LIST = 0.16, 0.10, 0.9
# how it ends for some: the list that has them, and the share of the contacts
ENDINGS = (
    (GLOBAL, 0.05),
    ("group", 0.03),
    ("bounces", 0.02),
    ("spam_reports", 0.005),
    ("invalid_emails", 0.005),
    ("blocks", 0.01),
)
SHARE_LEAVING, SHARE_DELETED, SHARE_COMING = 0.003, 0.001, 0.002  # of the contacts, a day
CAMPAIGNS = (("How to care for oak", 250), ("Wool and water", 190), ("Bowls that last", 120), ("Spring cleaning", 40))
GROUP_ID, FIRST_FIELD = "14501", "e1"
REASONS = {
    "bounces": {"reason": "550 5.1.1 The email account does not exist", "status": "5.1.1"},
    "blocks": {"reason": "421 4.7.0 Try again later", "status": "4.7.0"},
    "spam_reports": {"ip": "198.18.0.25"},
    "invalid_emails": {"reason": "Mail domain mentioned in email address is unknown"},
}


def fill(store: Store, company: Company, histories: Iterable[tuple[Person, Consent]], summary: Summary) -> list[Link]:
    """Puts the account with its past; whose contacts they are, for the truth."""
    rng, now = company.stream("sendgrid people"), company.calendar.now
    opened = max(company.calendar.first, now - timedelta(days=OPENED_DAYS))
    _furnish(store, company, opened)
    contacts: list[Row] = []
    links: list[Link] = []
    suppressed: list[Row] = []
    taken: set[str] = set()
    for person, _ in histories:
        comes, address = _comes_in(rng, person), normal("email", _address_of(person))
        if not comes or not address or address in taken:
            continue
        taken.add(address)
        created = between(rng, max(person.seen_from, opened), now)
        row = _contact(company, person, address, created)
        contacts.append(row)
        links.append(("sendgrid", row.id, person.person_id, person.customer_ref))
        suppressed += _endings(rng, address, created, now)
    summary.sendgrid_contacts += store.put_many(CONTACT, contacts)
    store.put_many(SUPPRESSION, suppressed)
    on_list = company.stream("sendgrid lists")
    listed = [row.id for row in contacts if on_list.random() < SHARE_ON_LIST]
    members.put_on(store, list_id(company), listed, iso(opened))
    return links


def live(day: Day, contacts_of: dict[str, list[str]]) -> None:
    """Lets the day pass: some come, some leave, some are deleted; `contacts_of` has each person's contacts, new ones too."""
    rng, store = day.stream("sendgrid"), day.store
    for row in store.page(CONTACT, limit=10_000_000):
        chance, moment = rng.random(), day.moment(rng)
        if chance < SHARE_LEAVING and store.get(SUPPRESSION, row.email, GLOBAL) is None:
            store.put(SUPPRESSION, entry_row(GLOBAL, row.email, iso(moment)))
        elif SHARE_LEAVING <= chance < SHARE_LEAVING + SHARE_DELETED:
            members.take_off(store, list_id(day.company), [row.id])
            store.delete(CONTACT, row.id)
            day.summary.sendgrid_contacts_deleted += 1
    for person in day.draw(rng, SHARE_COMING):
        address, moment = normal("email", _address_of(person)), day.moment(rng)
        if not address or store.by_email(CONTACT, address):
            continue
        row = _contact(day.company, person, address, moment)
        if store.get(CONTACT, row.id) is not None or row.id in contacts_of.get(person.person_id, ()):
            continue
        store.put(CONTACT, row)
        members.put_on(store, list_id(day.company), [row.id], iso(moment))
        contacts_of.setdefault(person.person_id, []).append(row.id)
        day.summary.sendgrid_contacts += 1


def list_id(company: Company) -> str:
    """The one list of the account."""
    return _id(company, "list")


def _furnish(store: Store, company: Company, opened: datetime) -> None:
    """Everything but people: a list, a group, a field, a template, and the campaigns with their figures."""
    at, rng = iso(opened), company.stream("sendgrid campaigns")
    store.put(LIST, list_row(list_id(company), "Care tips", at))
    store.put(GROUP, group_row(GROUP_ID, "Care tips", "How to keep what you bought", at, is_default=True))
    store.put(FIELD, field_row(FIRST_FIELD, "favourite", "Text", at))
    # what callers make goes on counting from here
    store.numbers("sendgrid.counter", 100)
    store.put(TEMPLATE, template_row(f"d-{_id(company, 'template').replace('-', '')}", "Back in stock", at))
    for name, days in CAMPAIGNS:
        sent_at = company.calendar.last_order_end - timedelta(days=days) + timedelta(hours=9)
        if sent_at > opened:
            store.put(SINGLE_SEND, single_send_row(_id(company, name), name, iso(sent_at), _figures(rng)))


def _figures(rng: Random) -> dict[str, int]:
    delivered = rng.randint(200, 400)
    opened, clicked = round(delivered * rng.uniform(0.2, 0.5)), round(delivered * rng.uniform(0.02, 0.1))
    bounced = rng.randint(0, 8)
    return {
        "requests": delivered + bounced,
        "delivered": delivered,
        "opens": opened + rng.randint(0, opened),
        "unique_opens": opened,
        "clicks": clicked + rng.randint(0, clicked),
        "unique_clicks": clicked,
        "bounces": bounced,
        "bounce_drops": 0,
        "invalid_emails": 0,
        "spam_reports": rng.randint(0, 2),
        "spam_report_drops": 0,
        "unsubscribes": rng.randint(0, 6),
    }


def _comes_in(rng: Random, person: Person) -> bool:
    return rng.random() < (SHARE_OF_CUSTOMERS if person.in_shop else SHARE_OF_READERS)


def _address_of(person: Person) -> str:
    """The address by which SendGrid knows the person, '' for none."""
    return (person.shop_email if person.in_shop else person.list_email) or ""


def _contact(company: Company, person: Person, address: str, created: datetime) -> Row:
    own = {f"{FIRST_FIELD}_T": person.favourite} if person.favourite else {}
    place = {"city": person.city, "postal_code": person.zip, "country": person.country or ""}
    names = {"first_name": person.given, "last_name": person.family}
    return contact_row(_id(company, f"contact {address}"), address, iso(created), custom_fields=own, **names, **place)


def _endings(rng: Random, address: str, created: datetime, now: datetime) -> list[Row]:
    """How the programme ended for the address, if it did."""
    chance = rng.random()
    for name, share in ENDINGS:
        if chance < share:
            moment = iso(between(rng, created, now))
            return [entry_row(group_list(GROUP_ID) if name == "group" else name, address, moment, **REASONS.get(name, {}))]
        chance -= share
    return []


def _id(company: Company, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{company.seed}:sendgrid:{what}"))
