"""Who the people are: name, home, phone, employer, and in which of the company's systems they stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from mailhouse.sandbox.company.calendar import between
from mailhouse.sandbox.company.countries import MARKETS, locale_of
from mailhouse.sandbox.company.state import Company

SHARE_OF_BUYERS = 0.58
SHARE_IN_SHOP_WITHOUT_ORDERS = 0.09  # of those who never bought
SHARE_OF_BUYERS_IN_CRM = 0.62
SHARE_EMPLOYED_KNOWN = 0.45


@dataclass(slots=True)
class Person:
    """One human being, as nobody but the generator knows them; times are UTC."""

    person_id: str
    country: str | None
    language: str
    given: str
    family: str
    street: str
    city: str
    zip: str
    phone: str | None
    firm: str | None
    seen_from: datetime
    is_buyer: bool
    in_crm: bool
    in_shop: bool
    customer_ref: str | None = None
    # addresses
    private: str = ""
    work: str | None = None
    former: str | None = None
    shares_mailbox: bool = False
    crm_email: str | None = None
    shop_email: str | None = None
    list_email: str | None = None
    # purchases
    rate: float = 0.0  # orders a day while alive
    drop: float = 0.0  # chance to leave for good after a repeat order
    spend: float = 0.0  # mean of an order's value
    favourite: str | None = None
    is_alive: bool = True
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    # e-mail
    opens: float = 0.0  # chance to open a campaign
    ip: str = ""


def market_of(rng: Random) -> str:
    """A country by the company's mix."""
    return rng.choices(MARKETS, weights=[market.share for market in MARKETS])[0].code


def new_person(
    company: Company, rng: Random, *, country: str | None, seen_from: datetime, is_buyer: bool, customer_ref: str | None = None
) -> Person:
    """Someone of that country; not yet in touch with any system but as a buyer with the shop."""
    pool = company.names.of(country)
    place = rng.choice(pool.places)
    in_crm = rng.random() < SHARE_OF_BUYERS_IN_CRM if is_buyer else True
    in_shop = is_buyer
    if not is_buyer:
        kind = rng.random()
        # some never-buyers only subscribed to the newsletter; orders files know every shop customer
        in_shop = kind < SHARE_IN_SHOP_WITHOUT_ORDERS and not company.from_orders_file
        in_crm = in_crm and kind <= 0.80
    return Person(
        person_id=f"p{company.next_id('person')}",
        country=country,
        language=locale_of(country)[1],
        given=pool.given_name(rng),
        family=pool.family_name(rng),
        street=f"{rng.choice(pool.streets)} {rng.randint(1, 180)}",
        city=place.city,
        zip=place.zip,
        phone=company.phones.next(country) if rng.random() < 0.98 else None,
        firm=rng.choice(pool.firms) if rng.random() < SHARE_EMPLOYED_KNOWN else None,
        seen_from=seen_from,
        is_buyer=is_buyer,
        in_crm=in_crm,
        in_shop=in_shop,
        customer_ref=customer_ref,
        opens=openness(rng),
        ip=f"198.{rng.choice((18, 19))}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
    )


def openness(rng: Random) -> float:
    """The chance to open a campaign: a good quarter never does, the rest lie between seldom and always."""
    return 0.0 if rng.random() < 0.27 else rng.betavariate(1.6, 2.6)


def generate(company: Company, count: int) -> list[Person]:
    """The people of a company without an orders file, in the order in which they came."""
    rng = company.stream("people")
    calendar = company.calendar
    span = calendar.last_order_end - calendar.first
    # arrivals grow over the years
    arrivals = sorted(calendar.first + span * rng.random() ** 0.8 for _ in range(count))
    return [
        new_person(
            company,
            rng,
            country=market_of(rng),
            seen_from=moment.replace(microsecond=0),
            is_buyer=rng.random() < SHARE_OF_BUYERS,
        )
        for moment in arrivals
    ]


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer of an orders file."""

    customer_ref: str
    country: str | None
    first_order_at: datetime
    last_order_at: datetime


def from_buyers(company: Company, buyers: Iterable[Buyer], strangers_per_buyer: float) -> list[Person]:
    """One person for each customer of an orders file, and some who never bought."""
    rng = company.stream("people")
    people = []
    for buyer in buyers:
        signed_up = buyer.first_order_at.replace(microsecond=0)
        person = new_person(
            company,
            rng,
            country=buyer.country,
            seen_from=between(rng, signed_up - (signed_up - company.calendar.first) * 0.02, signed_up),
            is_buyer=True,
            customer_ref=buyer.customer_ref,
        )
        person.first_order_at, person.last_order_at = buyer.first_order_at, buyer.last_order_at
        people.append(person)
    countries = [person.country for person in people]
    for _ in range(round(len(people) * strangers_per_buyer)):
        moment = between(rng, company.calendar.first, company.calendar.last_order_end)
        people.append(new_person(company, rng, country=rng.choice(countries), seen_from=moment, is_buyer=False))
    people.sort(key=lambda person: person.seen_from)
    return people
