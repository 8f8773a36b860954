"""Salesforce's day: new contacts and leads, changed ones, a lead converted now and then, records merged and deleted."""

from datetime import datetime
from random import Random

from mailhouse.sandbox.company import salesforce
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.salesforce_sales import case, task
from mailhouse.sandbox.salesforce_changes import bin_record, merge_into, update
from mailhouse.sandbox.salesforce_objects import OBJECTS, record_row
from mailhouse.sandbox.store import Row

SHARE_CHANGED, SHARE_WITHDRAWING, SHARE_CONVERTED = 0.006, 0.0015, 0.004  # of the records, a day
SHARE_MERGED, SHARE_DELETED, SHARE_TALKED_TO = 0.0008, 0.0008, 0.006
CONTACT, LEAD = OBJECTS["Contact"], OBJECTS["Lead"]


def live(day: Day, records_of: dict[str, list[str]]) -> None:
    """Lets the day pass in the org; `records_of` has each person's contacts and leads and learns of new ones."""
    _arrive(day, records_of)
    rng = day.stream("salesforce records")
    contacts = day.store.page(CONTACT.kind, limit=10_000_000)
    leads = [row for row in day.store.page(LEAD.kind, limit=10_000_000) if not row.body["IsConverted"]]
    for of, rows in ((CONTACT, contacts), (LEAD, leads)):
        for row in _share(rng, rows, SHARE_CHANGED):
            update(day.store, of, row, {"Title": rng.choice(("Buyer", "Owner", "Head of Purchasing"))}, day.moment(rng))
            day.summary.salesforce_changed += 1
        for row in _share(rng, rows, SHARE_WITHDRAWING):
            if not _fresh(day, of.kind, row).body["HasOptedOutOfEmail"]:
                update(day.store, of, _fresh(day, of.kind, row), {"HasOptedOutOfEmail": True}, day.moment(rng))
                day.summary.salesforce_changed += 1
    for row in _share(rng, contacts, SHARE_TALKED_TO):
        about = rng.choice((task, case))
        made = about(day.company, rng, row, day.moment(rng))
        day.store.put(OBJECTS["Task" if about is task else "Case"].kind, made)
    _convert(day, rng, leads, contacts, records_of)
    _merge(day, rng, records_of)
    for of, rows in ((CONTACT, contacts), (LEAD, leads)):
        for row in _share(rng, rows, SHARE_DELETED):
            fresh, moment = _fresh(day, of.kind, row), day.moment(rng)
            if not fresh.deleted:
                bin_record(day.store, of, fresh, moment)
                day.summary.salesforce_deleted += 1


def _share(rng: Random, rows: list[Row], share: float) -> list[Row]:
    wanted = len(rows) * share
    return rng.sample(rows, min(len(rows), int(wanted) + (rng.random() < wanted % 1)))


def _fresh(day: Day, kind: str, row: Row) -> Row:
    return day.store.get(kind, row.id) or row


def _arrive(day: Day, records_of: dict[str, list[str]]) -> None:
    """People who came today and whom the sales people write down at once."""
    rng, org = day.stream("salesforce people"), salesforce.Org()
    org.accounts = _accounts(day)
    for person in day.town.people:
        if person.seen_from >= day.start:
            salesforce.enter(day.company, rng, org, person, Consent())
    salesforce.put(day.store, org, day.summary)
    for _, record, person_id, _ in org.links:
        records_of.setdefault(person_id, []).append(record)


def _accounts(day: Day) -> dict[str, Row]:
    return {row.body["Name"]: row for row in day.store.page(OBJECTS["Account"].kind, limit=10_000_000)}


def _convert(day: Day, rng: Random, leads: list[Row], contacts: list[Row], records_of: dict[str, list[str]]) -> None:
    """A lead becomes the contact that its person has already, or a new one."""
    owner: dict[str, Person] = {}
    for person in day.town.people:
        owner.update(dict.fromkeys(records_of.get(person.person_id, ()), person))
    live_contacts = {row.id for row in contacts}
    for row in _share(rng, leads, SHARE_CONVERTED):
        lead, person, moment = _fresh(day, LEAD.kind, row), owner.get(row.id), day.moment(rng)
        if person is None or lead.deleted:
            continue
        known = [one for one in records_of[person.person_id] if one in live_contacts]
        contact_id = known[0] if known else _contact_of(day, lead, moment)
        if not known:
            records_of[person.person_id].append(contact_id)
        done = {"IsConverted": True, "Status": "Closed - Converted", "ConvertedDate": iso(moment)[:10]}
        update(day.store, LEAD, lead, done | {"ConvertedContactId": contact_id}, moment)
        day.summary.salesforce_changed += 1


def _contact_of(day: Day, lead: Row, moment: datetime) -> str:
    shared = {name: lead.body[name] for name in lead.body if name in CONTACT.fields and name != "MasterRecordId"}
    home = {
        "MailingCity": lead.body["City"],
        "MailingPostalCode": lead.body["PostalCode"],
        "MailingCountry": lead.body["Country"],
    }
    contact = record_row(CONTACT, salesforce.next_identifier(day.company, "Contact"), shared | home, moment, moment)
    day.store.put(CONTACT.kind, contact)
    day.summary.salesforce_contacts += 1
    return contact.id


def _merge(day: Day, rng: Random, records_of: dict[str, list[str]]) -> None:
    """A sales person notices two contacts that are one person; the younger one goes into the older."""
    twice = []
    for person in day.town.people:
        found = day.live(CONTACT.kind, [one for one in records_of.get(person.person_id, ()) if one.startswith(CONTACT.prefix)])
        if len(found) > 1:
            twice.append(found)
    count = day.store.count(CONTACT.kind) * SHARE_MERGED
    for found in rng.sample(twice, min(len(twice), int(count) + (rng.random() < count % 1))):
        merge_into(day.store, CONTACT, found[0], found[1], day.moment(rng))
        day.summary.salesforce_merged += 1
