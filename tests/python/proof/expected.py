"""What should be at the ESPs, worked out from the truth by the rules of docs and DESIGN, without a line of SQL."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from functools import cache

from tests.python.proof.company import Company, Feed, Person, speakers
from tests.python.proof.effects import Document, Place
from tests.python.proof.models import FIELDS

Allows = Callable[[str, str], bool]  # mailbox, purpose


@dataclass(frozen=True)
class Delivered:
    """A row of the engine's own account of what was acknowledged."""

    address: str
    mailbox: str
    fields: str
    memberships: Set[str]


@dataclass(frozen=True)
class Wanted:
    """One document that should be there, with everything it should have; `fields` is canonical JSON."""

    address: str
    mailbox: str
    fields: str
    memberships: Set[str]
    is_inserted_only: bool

    @property
    def row_hash(self) -> str:
        """As the engine hashes it, to tell whether a refusal was of the same content."""
        parts = (self.address, self.fields, _json(sorted(self.memberships)))
        return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Expected:
    """`members` by place after a sync without faults; `documents` what is to be there; `reasons` why a customer is not in."""

    members: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    wanted: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    documents: dict[Document, Wanted] = field(default_factory=dict)
    reasons: dict[tuple[str, Place, str], str | None] = field(default_factory=dict)
    held_out: set[tuple[Place, str]] = field(default_factory=set)


@cache
def share(salt: str, place: Place, customer: str) -> float:
    """Where a customer stands between 0 and 1, for good."""
    salted = f"{salt}:{place[1]}:{place[2]}:{customer}"
    return int(hashlib.md5(salted.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32


def expected(
    company: Company,
    allows: Allows,
    statuses: Mapping[tuple[str, str], str],
    delivered: Mapping[Document, Delivered],
    held_before: Set[tuple[Place, str]],
    frozen: Set[str] = frozenset(),
) -> Expected:
    """What a sync of everything leads to. statuses: (destination, mailbox) -> the ESP's word as last landed.

    held_before: (place, customer or mailbox) of those who were held out before. frozen: segments that move nobody now.
    """
    found = Expected()
    shown = {person.customer_id: person for person in company.profiles()}
    refusals = {
        (number, customer): _refusal(feed, shown.get(customer), customer, allows, statuses, delivered, held_before)
        for number, feed in enumerate(company.feeds)
        for customer in company.segment(feed.segment)
    }
    in_rollout = {
        (number, customer): share("rollout", company.feeds[number].place, customer) < company.feeds[number].rollout
        for number, customer in refusals
    }
    best = _winners(company.feeds, refusals, in_rollout)
    frozen_places = {feed.place for feed in company.feeds if feed.segment in frozen}
    for (number, customer), refusal in refusals.items():
        feed, person = company.feeds[number], shown.get(customer)
        reason = refusal
        if reason is None and feed.priority and best[feed.destination, customer] != number:
            reason = "lower_priority"
        if reason is None and not in_rollout[number, customer]:
            reason = "not_yet_in_rollout"
        found.reasons[feed.segment, feed.place, customer] = reason
        if reason == "held_out":
            found.held_out |= {(feed.place, customer), (feed.place, shown[customer].mailbox)}
        if reason is None and feed.place not in frozen_places:
            found.wanted[feed.place].add(person.key)  # type: ignore[union-attr]
    _members(company, found, allows, delivered, frozen_places)
    _documents(company, found, allows)
    return found


def _refusal(
    feed: Feed,
    person: Person | None,
    customer: str,
    allows: Allows,
    statuses: Mapping[tuple[str, str], str],
    delivered: Mapping[Document, Delivered],
    held_before: Set[tuple[Place, str]],
) -> str | None:
    if person is None:
        return "not_in_profiles"
    if not allows(person.mailbox, feed.purpose):
        return "consent"
    status = statuses.get((feed.destination, person.mailbox))
    if status not in (None, "subscribed"):
        return f"esp_{status}"
    is_ours = (feed.destination, feed.container, person.key) in delivered
    if feed.mode == "update_only" and not is_ours and status is None:
        return "not_there"
    if feed.mode == "insert_only" and not is_ours and status is not None:
        return "already_there"
    held = (feed.place, customer) in held_before or (feed.place, person.mailbox) in held_before
    if feed.holdout and (held or share("holdout", feed.place, customer) < feed.holdout):
        return "held_out"
    return None


def _winners(
    feeds: list[Feed], refusals: Mapping[tuple[int, str], str | None], in_rollout: Mapping[tuple[int, str], bool]
) -> dict[tuple[str, str], int]:
    """(Destination, customer) -> the feed of the highest priority that takes them."""
    best: dict[tuple[str, str], int] = {}
    for (number, customer), refusal in sorted(refusals.items(), key=lambda one: (-feeds[one[0][0]].priority, one[0])):
        if feeds[number].priority and refusal is None and in_rollout[number, customer]:
            best.setdefault((feeds[number].destination, customer), number)
    return best


def _members(
    company: Company, found: Expected, allows: Allows, delivered: Mapping[Document, Delivered], frozen_places: Set[Place]
) -> None:
    had: dict[Place, set[str]] = defaultdict(set)
    for (destination, container, key), row in delivered.items():
        for membership in row.memberships:
            had[destination, container, membership].add(key)
    for place in {feed.place for feed in company.feeds}:
        feeders = [feed for feed in company.feeds if feed.place == place]
        if feeders[0].mode == "shadow":
            found.members[place] = set(had[place])
            continue
        kept = set()
        if feeders[0].mode != "mirror" or place in frozen_places:
            # nobody is taken away by these, save who may not be written to any more
            for key in had[place] - found.wanted[place]:
                mailbox = delivered[place[0], place[1], key].mailbox
                if any(allows(mailbox, feed.purpose) for feed in feeders):
                    kept.add(key)
        found.members[place] = found.wanted[place] | kept


def _documents(company: Company, found: Expected, allows: Allows) -> None:
    people = company.profiles()
    speaking = speakers(people)
    spoken_for = {one.key: one for one in people if speaking[one.mailbox] == one.customer_id}
    memberships: dict[Document, set[str]] = defaultdict(set)
    inserted: dict[Document, bool] = defaultdict(lambda: True)
    for feed in company.feeds:
        if feed.mode == "shadow":
            continue
        for key in found.wanted[feed.place]:
            memberships[feed.destination, feed.container, key].add(feed.membership)
            inserted[feed.destination, feed.container, key] &= feed.mode == "insert_only"
    for document, joined in memberships.items():
        person = spoken_for[document[2]]
        values = {"first_name": person.name, "orders": person.orders, "birthday": None}
        if allows(person.mailbox, "profiling"):
            values["birthday"] = person.birthday
        fields = _json({name: values[column] for column, name in FIELDS[document[0]].items()})
        found.documents[document] = Wanted(person.address, person.mailbox, fields, joined, inserted[document])


def _json(value: object) -> str:
    # the engine writes fields in the order of their names
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
