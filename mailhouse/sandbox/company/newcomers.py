"""People who meet the company on this day."""

from mailhouse.sandbox.company import consent, mailboxes, people, purchases
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.members import records_of
from mailhouse.sandbox.company.people import Person

SHARE_A_DAY = 0.0014


def arrive(day: Day) -> list[Person]:
    """New people with their records; those who came to buy have still to order."""
    rng, company = day.stream("newcomers"), day.company
    histories = []
    for _ in range(day.some(rng, SHARE_A_DAY)):
        # with an orders file nobody new buys; they come from where the file's customers live
        country = rng.choice(day.town.people).country if company.from_orders_file else people.market_of(rng)
        person = people.new_person(
            company,
            rng,
            country=country,
            seen_from=day.moment(rng),
            is_buyer=not company.from_orders_file and rng.random() < people.SHARE_OF_BUYERS,
        )
        if person.is_buyer:
            purchases.character(rng, person)
            person.first_order_at = person.last_order_at = person.seen_from
        mailboxes.give_addresses(company, rng, person)
        histories.append((person, consent.decide(company, rng, person, [])))
    records = records_of(company, {name: day.stream(f"newcomers {name}") for name in ("crm", "shop", "list")}, histories)
    day.summary.contacts += day.store.put_many("hubspot.contact", records.contacts)
    day.summary.shop_customers += day.store.put_many("shopify.customer", records.customers)
    day.summary.members += day.store.put_many("mailchimp.member", records.members)
    for link in records.links:
        day.town.link(link)
    arrived = [person for person, _ in histories]
    for person in arrived:
        day.town.changed[person.person_id] = person
    day.town.people.extend(arrived)
    day.summary.people += len(arrived)
    return arrived
