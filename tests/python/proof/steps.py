"""What can happen to one world: each step is one event, drawn at random, after which a sync is due."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random

from mailhouse.consent import ConsentAct
from tests.python.proof.acts import PROOF_NEEDED, PURPOSES, Act
from tests.python.proof.company import FEEDS, SEGMENTS, Company, Person, World, wide
from tests.python.proof.esp import Esp

COUNTRIES = tuple(PROOF_NEEDED)
# what people write in their mail programs; all of them mean the same instant
ZONES = tuple(timezone(timedelta(hours=hours)) for hours in (-8, 0, 5.5, 9))
BLOCKS = ("complaint", "hard_bounce", "manual_block", "legal_block", "a reason nobody knows")


@dataclass
class Surroundings:
    """What a step may touch. `inbox` are acts for the real inbox, recorded together with those of the other worlds."""

    random: Random
    company: Company
    esps: dict[str, Esp]
    now: datetime
    inbox: list[tuple[ConsentAct, Act]] = field(default_factory=list)


Step = Callable[[Surroundings, World], None]


def _person(around: Surroundings, world: World) -> Person:
    return around.random.choice(world.people)


# -- people and segments ------------------------------------------------------------------------------------------------
def joins_or_leaves(around: Surroundings, world: World) -> None:
    """Somebody enters a segment, or leaves it."""
    world.members[around.random.choice(SEGMENTS)] ^= {around.random.randrange(len(world.people))}


def changes(around: Surroundings, world: World) -> None:
    """A field of somebody's profile changes, or is empty now."""
    person = _person(around, world)
    field_changed = around.random.choice(("name", "orders", "birthday"))
    if field_changed == "orders":
        person.orders += around.random.randint(1, 3)
    elif field_changed == "name":
        person.name = around.random.choice((None, "Ann", "Bo", 'Čapek, "Jr"'))
    else:
        person.birthday = around.random.choice((None, "1980-02-29", "2001-12-31"))


def moves(around: Surroundings, world: World) -> None:
    """Somebody has a new address; what they said under the old one is theirs still."""
    person = _person(around, world)
    world.born += 1
    person.use(f"p{world.born}@w{world.number}.example")
    _collected(around, person)


def shares(around: Surroundings, world: World) -> None:
    """Two people use one mailbox from now on."""
    first, second = around.random.sample(world.people, 2)
    second.use(first.address)
    _collected(around, second)


def merges(around: Surroundings, world: World) -> None:
    """Two customers turn out to be one; somebody new comes in the place of the second."""
    first, second = around.random.sample(range(len(world.people)), 2)
    kept, gone = world.people[first], world.people[second]
    kept.addresses = [*gone.addresses, *kept.addresses]
    kept.records += gone.records
    for members in world.members.values():
        if second in members:
            members.discard(second)
            members.add(first)
    world.people[second] = world.new_person(around.random.choice(COUNTRIES))
    _collected(around, world.people[second])


def disappears_or_returns(around: Surroundings, world: World) -> None:
    """Somebody is in no profile model any more, or is again."""
    person = _person(around, world)
    person.in_profiles = not person.in_profiles


# -- acts of consent ----------------------------------------------------------------------------------------------------
def _collected(around: Surroundings, person: Person) -> None:
    says_in_a_source(around, person, "collect", "*", "record", None, around.now)


def says_in_a_source(
    around: Surroundings,
    person: Person,
    act: str,
    purpose: str,
    reason: str,
    proof: str | None,
    occurred_at: datetime | None,
    address: str = "",
) -> None:
    address = address or person.address
    event_id = around.company.new_event_id()
    speaker = around.random.choice(person.records)
    made = Act(event_id, act, wide(address), address, purpose, reason, proof, occurred_at, around.now, speaker)
    around.company.pending.append(made)
    around.company.said[made.mailbox].append(made)


def _moment(around: Surroundings, person: Person) -> datetime | None:
    """When an act happened: lately, long ago, at the very moment of another one, or nobody knows."""
    drawn = around.random.random()
    if drawn < 0.15:
        same = [act.occurred_at for act in around.company.said[person.mailbox][-5:] if act.occurred_at]
        return around.random.choice(same) if same else around.now
    if drawn < 0.2:
        return None
    if drawn < 0.25:
        return around.now + timedelta(days=1)
    return around.now - timedelta(minutes=around.random.choice((0, 1, 30, 600, 3000, 40000)))


def _spelled(around: Surroundings, address: str) -> str:
    """The address as somebody types it who refuses: in capitals, perhaps, and with a space."""
    return around.random.choice((address, address.upper(), address.capitalize(), f" {address}"))


def grants(around: Surroundings, world: World) -> None:
    """Somebody says yes, with a proof, to us or to a system that we read."""
    person = _person(around, world)
    purpose = around.random.choice(PURPOSES)
    proof = around.random.choice(("double_opt_in", "double_opt_in", "single_opt_in"))
    if around.random.random() < 0.5:
        says_in_a_source(around, person, "grant", purpose, "granted", proof, _moment(around, person))
    else:
        _tell(around, "grant", person.address, person.address, purpose, "granted", proof, _moment(around, person))


def withdraws(around: Surroundings, world: World) -> None:
    """Somebody says no, under any of their addresses, to everything or to one purpose."""
    person = _person(around, world)
    address = around.random.choice(person.addresses)
    purpose = around.random.choice(("*", "*", *PURPOSES, "a purpose nobody knows"))
    if around.random.random() < 0.4:
        says_in_a_source(around, person, "withdraw", purpose, "unsubscribed", None, _moment(around, person), address)
    else:
        _tell(around, "withdraw", address, _spelled(around, address), purpose, "withdrawn", None, _moment(around, person))


def is_blocked(around: Surroundings, world: World) -> None:
    """A complaint, a bounce, a lawyer's letter."""
    person = _person(around, world)
    reason = around.random.choice(BLOCKS)
    if around.random.random() < 0.5:
        says_in_a_source(
            around, person, "block", "*", reason, None, _moment(around, person), around.random.choice(person.addresses)
        )
    else:
        address = person.address
        _tell(around, "block", address, _spelled(around, address), "*", reason, None, _moment(around, person))


def is_flagged(around: Surroundings, world: World) -> None:
    """A system's flag says that somebody may be written to: newly, or by an old import."""
    person = _person(around, world)
    proof = around.random.choice((None, "single_opt_in", "double_opt_in"))
    says_in_a_source(around, person, "state", around.random.choice(PURPOSES), "flag", proof, _moment(around, person))


def buys(around: Surroundings, world: World) -> None:
    """A purchase, which counts as consent in some places for some time."""
    person = _person(around, world)
    bought_at = around.now - timedelta(days=around.random.choice((0, 300, 728, 731)))
    says_in_a_source(around, person, "imply", "*", "purchase", None, bought_at)


def _tell(
    around: Surroundings,
    act: str,
    address: str,
    spelled: str,
    purpose: str,
    reason: str,
    proof: str | None,
    occurred_at: datetime | None,
) -> None:
    event_id = around.company.new_event_id()
    zoned = occurred_at.astimezone(around.random.choice(ZONES)) if occurred_at else None
    told = ConsentAct(act, spelled, "phone", "email", purpose, "default", reason, zoned, proof, None, "", event_id)  # type: ignore[arg-type]
    known = Act(event_id, act, wide(address), address, purpose, reason, proof, occurred_at, around.now)
    around.inbox.append((told, known))
    around.company.said[known.mailbox].append(known)


def refuses_now(around: Surroundings, address: str) -> None:
    """Somebody whose mail is just being prepared says no to everything."""
    _tell(around, "withdraw", address, _spelled(around, address), "*", "withdrawn", None, around.now)


# -- at the ESPs --------------------------------------------------------------------------------------------------------
def _esp(around: Surroundings) -> Esp:
    return around.random.choice(list(around.esps.values()))


def marketer_adds(around: Surroundings, world: World) -> None:
    """A marketer puts somebody into an audience by hand."""
    feed, person = around.random.choice(FEEDS), _person(around, world)
    esp, key = around.esps[feed.destination], person.key
    if key not in esp.records[feed.container]:
        esp.create("marketer", feed.container, key, person.address, "subscribed")
    esp.add("marketer", feed.container, feed.membership, key)


def marketer_removes(around: Surroundings, world: World) -> None:
    """A marketer takes somebody out of an audience by hand."""
    esp = _esp(around)
    there = [
        (container, membership, key)
        for container, records in esp.records.items()
        for key in sorted(person.key for person in world.people)
        if key in records
        for membership in sorted(records[key].memberships)
    ]
    if there:
        esp.remove("marketer", *around.random.choice(there))


def marketer_edits(around: Surroundings, world: World) -> None:
    """A marketer corrects somebody's name by hand."""
    esp, key = _esp(around), _person(around, world).key
    name = {"mailchimp": "FNAME", "klaviyo": "first_name", "sendgrid": "first_name", "hubspot": "greeting"}[esp.name]
    for container, records in esp.records.items():
        if key in records:
            esp.write_fields("marketer", container, key, {name: "By hand"})


def vendor_stops_mailing(around: Surroundings, world: World) -> None:
    """Somebody unsubscribes at the ESP, or it gives an address up; it tells us at the next landing."""
    stops_mailing(around, _esp(around), _person(around, world))


def stops_mailing(around: Surroundings, esp: Esp, person: Person) -> None:
    """An ESP mails somebody no more, by their own word or because mail bounces."""
    key = person.key
    cleans = around.random.random() < 0.3
    # HubSpot has one word for both
    gave_up = {"mailchimp": "cleaned", "klaviyo": "suppressed", "sendgrid": "bounced", "hubspot": "unsubscribed"}
    status = gave_up[esp.name] if cleans else "unsubscribed"
    records = [records[key] for records in esp.records.values() if key in records]
    for kept in records:
        kept.status = status
    if records:
        act, reason = ("block", "hard_bounce") if cleans else ("withdraw", "unsubscribed")
        says_in_a_source(around, person, act, "*", reason, None, around.now)


def vendor_deletes(around: Surroundings, world: World) -> None:
    """A record is gone at the ESP, and everything with it."""
    esp, key = _esp(around), _person(around, world).key
    for container, records in esp.records.items():
        if key in records:
            esp.forget("vendor", container, key)


def vendor_refuses_or_accepts(around: Surroundings, world: World) -> None:
    """From now on an ESP refuses somebody's row, or takes it again."""
    esp, key = _esp(around), _person(around, world).key
    if esp.refusing.pop(key, None) is None:
        esp.refusing[key] = "invalid_address"


STEPS: tuple[tuple[Step, int], ...] = (
    (joins_or_leaves, 22),
    (changes, 12),
    (moves, 4),
    (shares, 2),
    (merges, 2),
    (disappears_or_returns, 4),
    (grants, 16),
    (withdraws, 12),
    (is_blocked, 3),
    (is_flagged, 4),
    (buys, 3),
    (marketer_adds, 5),
    (marketer_removes, 5),
    (marketer_edits, 2),
    (vendor_stops_mailing, 3),
    (vendor_deletes, 2),
    (vendor_refuses_or_accepts, 4),
)
_WEIGHTED = ([step for step, _ in STEPS], [weight for _, weight in STEPS])


def random_step(around: Surroundings, world: World) -> str:
    """Let one thing happen to a world; gives back its name."""
    step = around.random.choices(*_WEIGHTED)[0]
    step(around, world)
    return step.__name__


def new_world(around: Surroundings, number: int, people: int) -> World:
    """A world in which people have said a first word, and some are in segments already."""
    world = World(number)
    for position in range(people):
        person = world.new_person(around.random.choice(COUNTRIES))
        world.people.append(person)
        _collected(around, person)
        for purpose in PURPOSES:
            if around.random.random() < 0.75:
                says_in_a_source(around, person, "grant", purpose, "granted", "double_opt_in", around.now - timedelta(days=30))
        for segment in SEGMENTS:
            if around.random.random() < 0.35:
                world.members[segment].add(position)
    return world
