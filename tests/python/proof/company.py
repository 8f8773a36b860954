"""The truth of many small worlds: people, segments and what they said; independent of each other, and of the engine."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property

from mailhouse.contact_points import normalise_email
from tests.python.proof.acts import Act, People

PEOPLE_OF_A_WORLD = 4


@dataclass(frozen=True)
class Feed:
    """One way of a segment into a membership; what `meta` says of it."""

    segment: str
    destination: str
    audience: str
    tag: str = ""
    purpose: str = "marketing_email"
    mode: str = "mirror"
    priority: int = 0
    holdout: float = 0.0
    rollout: float = 1.0

    @cached_property
    def container(self) -> str:
        return self.audience if self.destination == "mailchimp" else ""

    @cached_property
    def membership(self) -> str:
        return self.tag if self.destination == "mailchimp" else self.audience

    @cached_property
    def place(self) -> tuple[str, str, str]:
        return self.destination, self.container, self.membership

    @property
    def meta(self) -> dict[str, object]:
        said = {name: getattr(self, name) for name in ("destination", "audience", "purpose", "mode", "priority")}
        tag = {"tag": self.tag} if self.tag else {}
        return {**said, **tag, "holdout": self.holdout, "rollout": self.rollout}


# every mode, two feeders of one membership, a priority, a roll-out, a hold-out, two lists, three purposes
FEEDS = (
    Feed("seg_news", "mailchimp", "Customers", "NEWS"),
    Feed("seg_more", "mailchimp", "Customers", "NEWS"),
    Feed("seg_vip", "mailchimp", "Customers", "VIP", priority=2),
    Feed("seg_more", "mailchimp", "Customers", "WIN", priority=1),
    Feed("seg_once", "mailchimp", "Customers", "ONCE", mode="insert_only"),
    Feed("seg_keep", "mailchimp", "Customers", "KEEP", mode="upsert", purpose="research"),
    Feed("seg_known", "mailchimp", "Customers", "KNOWN", mode="update_only"),
    Feed("seg_dark", "mailchimp", "Customers", "DARK", mode="shadow"),
    Feed("seg_part", "mailchimp", "Partners", "PART", holdout=0.3),
    Feed("seg_news", "klaviyo", "News"),
    Feed("seg_vip", "klaviyo", "Vip", rollout=0.6),
    Feed("seg_keep", "klaviyo", "Keep", mode="upsert", purpose="research"),
    Feed("seg_part", "klaviyo", "Part", holdout=0.3),
    Feed("seg_news", "sendgrid", "News"),
    Feed("seg_vip", "sendgrid", "Vip", rollout=0.6),
    Feed("seg_keep", "sendgrid", "Keep", mode="upsert", purpose="research"),
    Feed("seg_news", "hubspot", "News"),
    Feed("seg_keep", "hubspot", "Keep", mode="upsert", purpose="research"),
)
SEGMENTS = tuple(sorted({feed.segment for feed in FEEDS}))
CONTAINERS = {"mailchimp": ("Customers", "Partners"), "klaviyo": ("",), "sendgrid": ("",), "hubspot": ("",)}


@cache
def key_of(mailbox: str) -> str:
    """A document's key: every ESP compares addresses in lower case."""
    return hashlib.md5(mailbox.encode(), usedforsecurity=False).hexdigest()


@cache
def wide(address: str) -> str:
    """An address in the form in which refusals are matched, by the shipped rule."""
    return str(normalise_email(address).wide)


@dataclass
class Person:
    """A customer. `addresses` are all they ever used, `address` is theirs now; `records` tell of them in the sources.

    `mailbox` is the address in wide form, `key` that of their document.
    """

    customer_id: str
    country: str
    addresses: list[str]
    records: list[str]
    name: str | None = "Name"
    orders: int = 0
    birthday: str | None = "1990-01-01"
    in_profiles: bool = True
    address: str = ""
    mailbox: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        self.use(self.addresses[-1])

    def use(self, address: str) -> None:
        """From now on this is their address."""
        if address not in self.addresses:
            self.addresses.append(address)
        self.address, self.mailbox, self.key = address, wide(address), key_of(wide(address))


@dataclass
class World:
    """A handful of people who have nothing to do with those of the other worlds; `members` are positions in `people`."""

    number: int
    people: list[Person] = field(default_factory=list)
    members: dict[str, set[int]] = field(default_factory=lambda: {segment: set() for segment in SEGMENTS})
    born: int = 0

    def new_person(self, country: str) -> Person:
        self.born += 1
        address = f"p{self.born}@w{self.number}.example"
        return Person(f"w{self.number:05d}p{self.born}", country, [address], [f"crm/contact/w{self.number}p{self.born}"])


@dataclass
class Company:
    """All worlds. `acts` are in the ledger, `pending` in the sources that it is built of; `said` are all of a mailbox.

    `feeds` is what the segments' meta says; `emptied` are segments whose model has lost everybody.
    """

    worlds: list[World]
    feeds: list[Feed] = field(default_factory=lambda: list(FEEDS))
    acts: list[Act] = field(default_factory=list)
    pending: list[Act] = field(default_factory=list)
    emptied: set[str] = field(default_factory=set)
    said: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    _acts_made: int = 0

    def new_event_id(self) -> str:
        self._acts_made += 1
        return f"act-{self._acts_made}"

    def customers(self) -> dict[str, Person]:
        return {person.customer_id: person for world in self.worlds for person in world.people}

    def segment(self, name: str) -> set[str]:
        """The customers in a segment."""
        if name in self.emptied:
            return set()
        return {world.people[number].customer_id for world in self.worlds for number in world.members[name]}

    def profiles(self) -> list[Person]:
        """One entry each person that the profile models show."""
        return [person for world in self.worlds for person in world.people if person.in_profiles]

    def people(self) -> People:
        """Who uses what."""
        found = People()
        for person in (person for world in self.worlds for person in world.people):
            for record in person.records:
                found.customers[record] = person.customer_id
            for address in person.addresses:
                mailbox = wide(address)
                found.mailboxes[person.customer_id].add(mailbox)
                found.users[mailbox].add(person.customer_id)
                found.countries[mailbox].add(person.country)
        return found

    def heard(self, now: datetime) -> list[Act]:
        """What the sources have had to say since the last build comes into the ledger; gives back what is new."""
        new = [replace(act, known_at=now) for act in self.pending]
        self.acts += new
        self.pending = []
        return new


def speakers(people: list[Person]) -> dict[str, str]:
    """Mailbox -> the customer whose fields a shared mailbox shows: most orders, then the lowest id."""
    found: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        found[person.mailbox].append(person)
    return {mailbox: min(some, key=lambda one: (-one.orders, one.customer_id)).customer_id for mailbox, some in found.items()}
