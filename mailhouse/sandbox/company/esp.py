"""The Mailchimp list as a marketer kept it for years: members, merge fields, tags."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.mailchimp_interests import category_row, interest_row
from mailhouse.sandbox.store import Row, Store

LIST_NAME = "Customers"
TAGS = (("Trade fair", 0.07), ("Wholesale", 0.04), ("Press", 0.01))  # the marketer's own, with their share of members
INTERESTS, SHARE_INTERESTED = ("Garden", "Kitchen", "Offers"), 0.4
MERGE_FIELDS = ((1, "FNAME", "First Name", "text"), (2, "LNAME", "Last Name", "text"), (4, "PHONE", "Phone Number", "phone"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A member with what campaigns must know: from when until when it could be mailed."""

    member_id: str
    email: str
    person: Person
    consent: Consent
    mailable_from: datetime | None
    mailable_until: datetime | None


def member_id(email: str) -> str:
    """Mailchimp's own: the MD5 of the address in lower case."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def list_row(company: Company) -> Row:
    """The one list."""
    made = iso(company.calendar.first)
    body = {"id": company.list_id, "name": LIST_NAME, "double_optin": False, "date_created": made}
    return Row(company.list_id, body, made, made)


def merge_field_rows(company: Company) -> list[Row]:
    """The list's fields; the address is no merge field."""
    made = iso(company.calendar.first)
    return [
        Row(
            str(number),
            {"merge_id": number, "tag": tag, "name": name, "type": kind, "required": False, "default_value": ""},
            made,
            made,
            company.list_id,
        )
        for number, tag, name, kind in MERGE_FIELDS
    ]


def member_row(company: Company, rng: Random, person: Person, consent: Consent, email: str) -> Row:
    """The member behind an address; who never opted in has no proof of it."""
    identifier = member_id(email)
    listed = consent.listed_at
    named = rng.random() < (1.0 if person.shares_mailbox else 0.93)
    given, family = (person.given, person.family) if named else ("", "")
    signup, opted, ip = "", "", ""
    if consent.granted_at is not None and consent.channel != "import":
        ip = person.ip
        if consent.member == "pending" or consent.confirmed:
            signup = iso(consent.granted_at)
        if consent.confirmed:
            opted = iso(company.calendar.capped(consent.granted_at + timedelta(minutes=rng.randint(1, 300))))
        elif consent.member != "pending":
            opted = iso(consent.granted_at)
    elif consent.channel == "import":
        opted = iso(listed)  # Mailchimp stamps the hour of the import; without an IP it proves nothing
    changed = max(iso(consent.ended_at or listed), opted)
    if consent.member == "subscribed" and rng.random() < 0.3:
        changed = max(changed, iso(between(rng, listed, company.calendar.now)))
    body = {
        "id": identifier,
        "email_address": email,
        "contact_id": hashlib.md5(f"contact:{email.lower()}".encode(), usedforsecurity=False).hexdigest(),
        "unique_email_id": hashlib.md5(f"mailbox:{email.lower()}".encode(), usedforsecurity=False).hexdigest()[:10],
        "status": consent.member,
        "full_name": f"{given} {family}".strip(),
        "merge_fields": {"FNAME": given, "LNAME": family, "PHONE": ""},
        "timestamp_signup": signup,
        "timestamp_opt": opted,
        "ip_signup": ip if signup else "",
        "ip_opt": ip if opted else "",
        "last_changed": changed,
        "language": person.language,
        "vip": rng.random() < 0.01,
        "source": source_of(consent),
        "location": {"country_code": person.country or ""},
    }
    if consent.reason:
        body["unsubscribe_reason"] = consent.reason
    return row(company.list_id, body, iso(listed))


def source_of(consent: Consent) -> str:
    """How the member came onto the list, in Mailchimp's words."""
    words = {"form": "Embed Form", "shop": "API - Generic", "crm": "API - Generic", "import": "Import"}
    return words.get(consent.channel, "API - Generic")


def row(list_id: str, body: dict[str, Any], created: str | None = None) -> Row:
    """For the store; `last_changed` is what the API filters on."""
    return Row(body["id"], body, body["last_changed"], created, list_id, body["email_address"].lower())


def listed(person: Person, consent: Consent, member: Row) -> Listed:
    """What campaigns need of the member."""
    since = None
    if consent.member in ("subscribed", "unsubscribed", "cleaned"):
        since = consent.listed_at
    return Listed(member.id, member.body["email_address"], person, consent, since, consent.ended_at)


def put_tags(store: Store, company: Company, rng: Random, members: list[str]) -> None:
    """The marketer's own tags."""
    made = iso(company.calendar.first)
    rows = []
    for name, share in TAGS:
        identifier = company.next_id("mailchimp.segment")
        body = {"id": int(identifier), "name": name, "type": "static", "created_at": made, "updated_at": made}
        rows.append(Row(identifier, body, made, made, company.list_id))
        store.tag_add(company.list_id, identifier, [member for member in members if rng.random() < share])
    store.put_many("mailchimp.segment", rows)


def put_interests(store: Store, company: Company, rng: Random, members: list[Row]) -> None:
    """What the sign-up form asks for; who came by another way was not asked. Changes the members' rows."""
    made = iso(company.calendar.first)
    category = f"{rng.getrandbits(40):010x}"
    store.put("mailchimp.interest_category", category_row(category, company.list_id, "What may we write about?", made))
    ids = [f"{rng.getrandbits(40):010x}" for _ in INTERESTS]
    rows = [interest_row(one, category, name, made) for one, name in zip(ids, INTERESTS, strict=True)]
    store.put_many("mailchimp.interest", rows)
    for row in members:
        if row.body["ip_signup"]:
            row.body["interests"] = {one: True for one in ids if rng.random() < SHARE_INTERESTED}
