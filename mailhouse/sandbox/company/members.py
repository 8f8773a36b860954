"""From people and their consent to rows: contacts, shop customers, list members, and the links that truth keeps."""

from dataclasses import dataclass, field
from random import Random

from mailhouse.sandbox.company import crm, esp, shop
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.company.truth import Link
from mailhouse.sandbox.store import Row


@dataclass
class Records:
    """The rows of some people in each system, and whose they are."""

    contacts: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    listed: list[esp.Listed] = field(default_factory=list)
    customer_of: dict[str, str] = field(default_factory=dict)  # person_id -> shop customer
    links: list[Link] = field(default_factory=list)

    def link(self, source: str, record_id: str, person: Person) -> None:
        """Notes for the truth whose record this is."""
        self.links.append((source, record_id, person.person_id, person.customer_ref))


def records_of(company: Company, chances: dict[str, Random], people: list[tuple[Person, Consent]]) -> Records:
    """Every record of these people; an address is on the list only once."""
    records = Records()
    on_list: set[str] = set()
    for person, consent in people:
        if person.in_crm:
            for row in crm.rows_of(company, chances["crm"], person, consent):
                records.contacts.append(row)
                records.link("hubspot", row.id, person)
        if person.in_shop:
            customer_id = company.next_id("shopify.customer")
            records.customers.append(shop.customer_row(company, chances["shop"], person, consent, customer_id))
            records.customer_of[person.person_id] = customer_id
            records.link("shopify", customer_id, person)
        if consent.member is not None and person.list_email is not None:
            row = esp.member_row(company, chances["list"], person, consent, person.list_email)
            if row.id in on_list:
                continue
            on_list.add(row.id)
            records.members.append(row)
            records.listed.append(esp.listed(person, consent, row))
            records.link("mailchimp", row.id, person)
    return records
