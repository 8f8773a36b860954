"""One day that passes: what its parts share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from mailhouse.sandbox.company.calendar import between
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.company.truth import Link
from mailhouse.sandbox.store import Row, Store


@dataclass
class Town:
    """Everybody, their records, and what has changed since the truth was last written."""

    people: list[Person]
    records: dict[str, list[tuple[str, str]]]
    changed: dict[str, Person] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def record_ids(self, person: Person, source: str) -> list[str]:
        """The person's records in a system, also those that are gone by now."""
        return [record for found, record in self.records.get(person.person_id, ()) if found == source]

    def link(self, link: Link) -> None:
        """A new record of somebody."""
        self.links.append(link)
        self.records.setdefault(link[2], []).append(link[:2])


@dataclass
class Day:
    """From `start` to `end`, the company's new present; chance is bound to the date, not to how many days pass at once."""

    company: Company
    store: Store
    town: Town
    start: datetime
    end: datetime
    summary: Summary

    def stream(self, subject: str) -> Random:
        return self.company.stream(f"{self.start.date()}:{subject}")

    def moment(self, rng: Random) -> datetime:
        """Some time of this day."""
        return between(rng, self.start, self.end)

    def some(self, rng: Random, share: float) -> int:
        """How many that is of the people, the fraction by chance."""
        wanted = len(self.town.people) * share
        return int(wanted) + (rng.random() < wanted % 1)

    def draw(self, rng: Random, share: float) -> list[Person]:
        """That share of the people, each once; who came only today has had no time for second thoughts."""
        drawn = rng.sample(self.town.people, min(self.some(rng, share), len(self.town.people)))
        return [person for person in drawn if person.seen_from < self.start]

    def live(self, kind: str, ids: Iterable[str], parent: str | None = None) -> list[Row]:
        """Those records that still exist and are not archived, by id."""
        found = self.store.get_many(kind, ids, parent)
        return [found[one] for one in sorted(found, key=lambda one: (len(one), one)) if not found[one].deleted]


class Addresses:
    """Whether an address belongs to someone: in any of the systems, or only in somebody's pocket."""

    def __init__(self, store: Store, people: Iterable[Person]) -> None:
        self._store = store
        self._own = {
            address.lower()
            for person in people
            for address in (person.private, person.work, person.former, person.crm_email, person.shop_email, person.list_email)
            if address
        }

    def __contains__(self, address: str) -> bool:
        kinds = ("hubspot.contact", "shopify.customer", "mailchimp.member")
        return address in self._own or any(self._store.by_email(kind, address) for kind in kinds)

    def add(self, address: str) -> None:
        """It belongs to someone from now on."""
        self._own.add(address)
