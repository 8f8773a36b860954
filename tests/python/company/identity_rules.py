"""The deterministic rules of identity in a few lines of Python, to judge the company by."""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers

from mailhouse.sandbox.store import Row

Key = tuple[str, str]  # (source, record id)


@dataclass(frozen=True)
class Record:
    """A record with what identity looks at."""

    key: Key
    email: str
    more_emails: tuple[str, ...]
    phone: str
    given: str
    family: str
    merged: tuple[Key, ...]

    @property
    def is_nameless(self) -> bool:
        return not self.given and not self.family


def e164(text: str | None, country: str | None) -> str:
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def plain(text: str | None) -> str:
    return (text or "").strip().lower()


def hubspot(row: Row) -> Record:
    found = row.body["properties"]
    merged = tuple(("hubspot", one) for one in (found["hs_merged_object_ids"] or "").split(";") if one)
    phone = e164(found["phone"] or found["mobilephone"], found["country"])
    more = tuple(plain(one) for one in (found["hs_additional_emails"] or "").split(";") if one)
    return Record(
        ("hubspot", row.id), plain(found["email"]), more, phone, plain(found["firstname"]), plain(found["lastname"]), merged
    )


def shopify(row: Row) -> Record:
    body = row.body
    phone = e164(body["phone"], body["defaultAddress"]["countryCodeV2"])
    return Record(("shopify", row.id), plain(body["email"]), (), phone, plain(body["firstName"]), plain(body["lastName"]), ())


def mailchimp(row: Row) -> Record:
    names = row.body["merge_fields"]
    return Record(
        ("mailchimp", row.id), plain(row.body["email_address"]), (), "", plain(names["FNAME"]), plain(names["LNAME"]), ()
    )


def records(seeded) -> list[Record]:
    found = [hubspot(row) for row in seeded.rows("hubspot.contact")]
    found += [shopify(row) for row in seeded.rows("shopify.customer")]
    found += [mailchimp(row) for row in seeded.rows("mailchimp.member")]
    return found


def names_agree(one: Record, other: Record) -> bool:
    """Not clearly two people: the same initial, or a name is missing."""
    return not one.given or not other.given or one.given[0] == other.given[0]


def clusters(found: Iterable[Record]) -> dict[Key, Key]:
    """Each record's cluster, named by one of its records."""
    parent: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    by_email: dict[str, list[Record]] = defaultdict(list)
    by_person: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in found:
        root(record.key)
        for other in record.merged:
            parent[root(other)] = root(record.key)
        for email in {record.email, *record.more_emails} - {""}:
            by_email[email].append(record)
        if record.phone and record.given and record.family:
            by_person[record.phone, record.given, record.family].append(record)
    for same in by_person.values():
        for one, other in itertools.pairwise(same):
            parent[root(one.key)] = root(other.key)
    for same in by_email.values():
        shared = any(not names_agree(one, other) for one, other in itertools.combinations(same, 2))
        for one, other in itertools.combinations(same, 2):
            if shared and (one.is_nameless or other.is_nameless):
                continue
            if names_agree(one, other):
                parent[root(one.key)] = root(other.key)
    return {record.key: root(record.key) for record in found}


def pairs(groups: dict[Key, str | Key]) -> set[tuple[Key, Key]]:
    """All pairs of records of the same group."""
    members: dict[str | Key, list[Key]] = defaultdict(list)
    for key, group in groups.items():
        members[group].append(key)
    return {pair for keys in members.values() for pair in itertools.combinations(sorted(keys), 2)}
