"""The company's Klaviyo account, filled once with the past and then day by day.

All its chance comes from streams of its own, so that the other systems are what they are with or without it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.company import klaviyo_history as history
from mailhouse.sandbox.company import klaviyo_profiles as profiles
from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.klaviyo_account import Account, Mailing
from mailhouse.sandbox.company.klaviyo_profiles import Known
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.company.truth import Link
from mailhouse.sandbox.klaviyo_events import EVENT
from mailhouse.sandbox.klaviyo_profiles import PROFILE, normal_email
from mailhouse.sandbox.store import Row, Store

NEW_FOR = timedelta(days=60)  # how long somebody stays on the list of new customers
SHARE_ON_NEWSLETTER = 0.93  # of those subscribed; the others were asked at the checkout and put on no list


def fill(
    store: Store, company: Company, histories: Iterable[tuple[Person, Consent]], customer_of: dict[str, str], summary: Summary
) -> list[Link]:
    """Puts the account with its past; whose profiles they are, for the truth."""
    account = Account(company)
    account.furnish(store, company)
    mailings = account.past_mailings(company)
    known = _people(company, account, histories, mailings)
    links: list[Link] = [("klaviyo", one.row.id, one.person.person_id, one.person.customer_ref) for one in known]
    last: dict[str, str] = {}
    by_customer = {customer_of[one.person.person_id]: one for one in known if one.person.person_id in customer_of}
    orders = history.with_last_event(_order_events(store, company, account, by_customer), last)
    summary.profile_events += store.put_many(EVENT, orders)
    rng = company.stream("klaviyo mails")
    for mailing in mailings:
        events = _mailing_events(company, account, rng, mailing, known)
        summary.profile_events += store.put_many(EVENT, history.with_last_event(events, last))
        store.put("klaviyo.campaign", mailing.row(account.newsletter))
    summary.profile_events += _put_on_lists(store, company, account, known, last)
    for one in known:
        one.row.body["last_event_date"] = last.get(one.row.id)
    summary.profiles += store.put_many(PROFILE, (one.row for one in known))
    return links


def _people(
    company: Company, account: Account, histories: Iterable[tuple[Person, Consent]], mailings: list[Mailing]
) -> list[Known]:
    """Who has a profile; an address has only one, and of the people behind it the first."""
    rng, now, opened = company.stream("klaviyo people"), company.calendar.now, account.opened(company)
    taken: set[str] = set()
    found = []
    for person, consent in histories:
        chosen, address = profiles.comes_in(rng, person), normal_email(profiles.address_of(person))
        if not chosen or not address or address in taken:
            continue
        taken.add(address)
        created = max(person.seen_from, opened)
        created = between(rng, created, min(created + timedelta(days=2), now))
        found.append(profiles.decide(rng, person, consent, created, mailings, now))
    return found


def _order_events(store: Store, company: Company, account: Account, by_customer: dict[str, Known]) -> Iterator[Row]:
    """The last year's orders of those who have a profile."""
    since = company.calendar.last_order_end - timedelta(days=history.DAYS_OF_ORDERS)
    for order in store.page("shopify.order", updated_from=since, limit=10_000_000):
        known = by_customer.get(order.parent)
        body = order.body
        if known is not None and body["processedAt"] >= iso(since) and not body["test"]:
            yield history.order_event(account, known.row.id, body)


def _mailing_events(company: Company, account: Account, rng: Random, mailing: Mailing, known: list[Known]) -> Iterator[Row]:
    for one in known:
        if history.mailable(one, mailing):
            yield from history.mail_events(account, rng, mailing, one, company.calendar.now)


def _put_on_lists(store: Store, company: Company, account: Account, known: list[Known], last: dict[str, str]) -> int:
    """The newsletter for subscribers, the other list for who bought first of late; how many events that made."""
    rng = company.stream("klaviyo lists")
    since: datetime = company.calendar.last_order_end - NEW_FOR
    events = []
    for one in known:
        person, on_newsletter = one.person, rng.random() < SHARE_ON_NEWSLETTER
        if one.since is not None and on_newsletter and one.ending.how != "unsubscribed":
            joined = iso(one.since)
            members.put_on(store, account.newsletter, [one.row.id], joined)
            events.append(history.list_event(account, one.row.id, joined))
        if person.first_order_at is not None and person.first_order_at >= since:
            members.put_on(store, account.first_purchase, [one.row.id], iso(max(person.first_order_at, since)))
    return store.put_many(EVENT, history.with_last_event(events, last))
