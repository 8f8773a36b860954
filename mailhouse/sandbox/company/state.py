"""What the generator must remember between seeding and the days that pass: its seed, its mode, the numbers given out."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from mailhouse.errors import MailhouseError
from mailhouse.sandbox.company.calendar import Calendar
from mailhouse.sandbox.company.names import NamePools
from mailhouse.sandbox.company.phones import PhoneBook
from mailhouse.sandbox.store import Store

META_KEY = "company"
FIRST_IDS = {
    "hubspot.contact": 10_450_000_101,
    "hubspot.company": 20_450_000_101,
    "hubspot.deal": 30_450_000_101,
    "hubspot.ticket": 40_450_000_101,
    "shopify.customer": 7_012_300_451_001,
    "shopify.order": 5_600_100_200_001,
    "shopify.line": 13_900_100_300_001,
    "shopify.refund": 920_100_400_001,
    "shopify.checkout": 31_200_100_001,
    "shopify.checkout line": 33_400_100_001,
    "shopify.product": 8_100_200_500_001,
    "shopify.variant": 44_100_200_600_001,
    "mailchimp.contact": 3_200_400_001,
    "mailchimp.campaign": 51_000_001,
    "mailchimp.segment": 812_001,
    "mailchimp.abuse_report": 401,
    "salesforce.Contact": 1,
    "salesforce.Lead": 1,
    "salesforce.Account": 1,
    "salesforce.Opportunity": 1,
    "salesforce.Campaign": 1,
    "salesforce.CampaignMember": 1,
    "salesforce.Task": 1,
    "salesforce.Case": 1,
    "salesforce.case number": 1_001,
    "person": 1,
    "order name": 1001,
}


class CompanyMissing(MailhouseError):
    """The sandbox has no company whose time could pass."""


class CompanyExists(MailhouseError):
    """The sandbox has a company already."""


@dataclass
class Company:
    """The generator at work: streams of chance, names, numbers and the calendar."""

    seed: int
    calendar: Calendar
    from_orders_file: bool
    list_id: str
    names: NamePools
    phones: PhoneBook = field(default_factory=PhoneBook)
    ids: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))
    taken: set[str] = field(default_factory=set)  # addresses in lower case that belong to someone

    def stream(self, name: str) -> Random:
        """Chance of its own for each subject, so that a change in one leaves the others as they were."""
        return Random(f"{self.seed}:{name}")

    def next_id(self, kind: str) -> str:
        """The next number of a kind, as text."""
        number = self.ids[kind]
        self.ids[kind] = number + 1
        return str(number)

    def save(self, store: Store) -> None:
        """Into the sandbox's state, for the next call of `advance`."""
        store.meta_set(
            META_KEY,
            {
                "seed": self.seed,
                "first": self.calendar.first.isoformat(),
                "from_orders_file": self.from_orders_file,
                "list_id": self.list_id,
                "ids": self.ids,
                "phones": self.phones.given,
            },
        )


def load(store: Store) -> Company:
    """The company as the last `seed` or `advance` left it; raises CompanyMissing."""
    found = store.meta_get(META_KEY)
    if found is None:
        raise CompanyMissing(f"the sandbox in {store.path.parent} has no company yet: run `mailhouse sandbox seed` first")
    return Company(
        seed=found["seed"],
        calendar=Calendar(datetime.fromisoformat(found["first"]), store.now()),
        from_orders_file=found["from_orders_file"],
        list_id=found["list_id"],
        names=NamePools(found["seed"]),
        phones=PhoneBook(found["phones"]),
        ids=FIRST_IDS | found["ids"],
    )
