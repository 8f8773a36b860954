"""Fills an empty sandbox with a company: people, purchases, consent, campaigns, and the truth about them."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.company import (
    campaigns,
    catalogue,
    checkouts,
    consent,
    crm,
    crm_business,
    esp,
    file_orders,
    klaviyo,
    mailboxes,
    people,
    purchases,
    salesforce,
    schedule,
    sendgrid,
    shop_orders,
    truth,
)
from mailhouse.sandbox.company.calendar import LAST_ORDER_DAY, Calendar
from mailhouse.sandbox.company.consent import Consent
from mailhouse.sandbox.company.members import Records, records_of
from mailhouse.sandbox.company.names import NamePools
from mailhouse.sandbox.company.orders_file import OrdersFile
from mailhouse.sandbox.company.orders_file import read as read_orders
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import META_KEY, Company, CompanyExists
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.store import Row, Store

STRANGERS_PER_BUYER = 0.4  # beside the customers of an orders file
LEAD_BEFORE_FILE = timedelta(days=60)  # some people were known before the file's first order
MOST_CUSTOMERS = 1_000_000


def seed(
    store: Store,
    truth_path: Path | str,
    *,
    seed: int,
    customers: int,
    orders_file: Path | str | None = None,
    as_of: date | None = None,
) -> Summary:
    """Generates the company of `seed`: `customers` people, or those of the orders file.

    `as_of` is the last order day of a generated company; a file is always taken whole, up to its own last order. The
    clock is set to 06:00 UTC of the day after. Raises OrdersFileRefused before anything is written.
    """
    if store.meta_get(META_KEY) is not None:
        where = store.path.parent
        raise CompanyExists(f"the sandbox in {where} has a company already: seed another directory, or remove this one")
    if orders_file is None and not 1 <= customers <= MOST_CUSTOMERS:
        raise ConfigurationError(f"customers: {customers} is not between 1 and {MOST_CUSTOMERS}; give another number")
    with ExitStack() as stack:
        file = None
        if orders_file is None:
            calendar = Calendar.ending(as_of or LAST_ORDER_DAY)
        else:
            file = stack.enter_context(read_orders(orders_file))
            first, last = file.span()
            calendar = Calendar.ending(last.date(), first.replace(tzinfo=UTC) - LEAD_BEFORE_FILE)
        company = Company(
            seed=seed,
            calendar=calendar,
            from_orders_file=file is not None,
            list_id=f"{Random(f'{seed}:list').getrandbits(40):010x}",
            names=NamePools(seed),
        )
        stack.enter_context(store.transaction())
        store.set_now(calendar.now)
        connection = stack.enter_context(truth.opened(Path(truth_path)))
        truth.create(connection)
        summary = Summary(now=calendar.now)
        if file is None:
            inhabitants, orders = _generated(company, customers)
        else:
            inhabitants, orders = _from_file(company, file), {}
        records, histories = _put_people(store, company, inhabitants, summary)
        if file is None:
            _put_generated_orders(store, company, inhabitants, orders, records, summary)
        else:
            _put_file_orders(store, company, inhabitants, file, records, summary)
        checkouts.fill(store, company)
        profiles = klaviyo.fill(store, company, histories, records.customer_of, summary)
        truth.add_links(connection, records.links)
        truth.add_links(connection, profiles, truth.PROFILES)
        truth.add_links(connection, sendgrid.fill(store, company, histories, summary), truth.CONTACTS)
        truth.add_links(connection, salesforce.fill(store, company, histories, summary), truth.SALES)
        truth.put_people(connection, inhabitants)
        summary.people = len(inhabitants)
        company.save(store)
        return summary


def _generated(company: Company, count: int) -> tuple[list[Person], dict[str, list[datetime]]]:
    """The people and when each of them ordered."""
    inhabitants = people.generate(company, count)
    rng = company.stream("purchases")
    orders: dict[str, list[datetime]] = {}
    for person in inhabitants:
        if person.is_buyer:
            purchases.character(rng, person)
            orders[person.person_id] = list(purchases.order_times(rng, person, company.calendar.last_order_end))
    _end_on_last_day(company, inhabitants, orders)
    for person in inhabitants:
        if person.is_buyer:
            times = orders[person.person_id]
            person.first_order_at, person.last_order_at = times[0], times[-1]
    mailboxes.assign(company, inhabitants)
    return inhabitants, orders


def _end_on_last_day(company: Company, inhabitants: list[Person], orders: dict[str, list[datetime]]) -> None:
    """A small company may have sold nothing on the last order day: its latest order is then moved there."""
    end = company.calendar.last_order_end
    if not orders:
        return
    latest = max((person for person in inhabitants if person.is_buyer), key=lambda one: orders[one.person_id][-1])
    orders[latest.person_id][-1] = max(orders[latest.person_id][-1], end - timedelta(hours=9))


def _from_file(company: Company, file: OrdersFile) -> list[Person]:
    buyers = [
        people.Buyer(one.customer_ref, one.country, one.first_order_at.replace(tzinfo=UTC), one.last_order_at.replace(tzinfo=UTC))
        for one in file.buyers()
    ]
    inhabitants = people.from_buyers(company, buyers, STRANGERS_PER_BUYER)
    mailboxes.assign(company, inhabitants)
    return inhabitants


def _put_people(
    store: Store, company: Company, inhabitants: list[Person], summary: Summary
) -> tuple[Records, list[tuple[Person, Consent]]]:
    """Everything but orders: the records in the CRM, the shop and Mailchimp, the campaigns and what they set off.

    Gives back the records, and each person's consent as it truly was.
    """
    mailings = schedule.past_campaigns(company)
    rng = company.stream("consent")
    histories = [(person, consent.decide(company, rng, person, mailings)) for person in inhabitants]
    chances = {name: company.stream(name) for name in ("crm", "shop", "list")}
    records = records_of(company, chances, histories)
    store.put_many("hubspot.property", crm.property_rows(company.calendar.first))
    summary.contacts = store.put_many("hubspot.contact", records.contacts)
    crm_business.put(store, company, records.contacts)
    summary.shop_customers = store.put_many("shopify.customer", records.customers)
    store.put_many("mailchimp.list", [esp.list_row(company)])
    store.put_many("mailchimp.merge_field", esp.merge_field_rows(company))
    esp.put_interests(store, company, company.stream("interests"), records.members)
    summary.members = store.put_many("mailchimp.member", records.members)
    esp.put_tags(store, company, company.stream("tags"), [row.id for row in records.members])
    summary.campaigns = store.put_many("mailchimp.campaign", (one.row(company.list_id) for one in mailings))
    reacting = company.stream("reactions")
    # in the order of the key, which a growing file takes up several times faster
    audience = sorted(records.listed, key=lambda one: one.member_id)
    for mailing in mailings:
        summary.deliveries += store.put_many("mailchimp.delivery", campaigns.deliveries(company, reacting, mailing, audience))
    summary.abuse_reports = store.put_many("mailchimp.abuse_report", _complaints(company, records))
    return records, histories


def _complaints(company: Company, records: Records) -> Iterator[Row]:
    for one in records.listed:
        if one.consent.ended == "complained" and one.consent.campaign is not None and one.consent.ended_at is not None:
            mailing = one.consent.campaign.campaign_id
            yield campaigns.abuse_report(company, mailing, one.member_id, one.email, one.consent.ended_at)


def _put_generated_orders(
    store: Store,
    company: Company,
    inhabitants: list[Person],
    orders: dict[str, list[datetime]],
    records: Records,
    summary: Summary,
) -> None:
    products = catalogue.catalogue(company)
    summary.products = store.put_many("shopify.product", catalogue.rows(company, company.stream("products"), products))
    rng = company.stream("baskets")
    by_kind = purchases.shelves(products)
    moments = [(moment, person, False) for person in inhabitants for moment in orders.get(person.person_id, ())]
    # the shop's own staff try the checkout out with accounts that never buy
    moments += [
        (person.seen_from + timedelta(hours=1), person, True)
        for person in inhabitants
        if person.in_shop and not person.is_buyer and rng.random() < shop_orders.SHARE_TEST
    ]
    moments = [one for one in moments if one[0] < company.calendar.last_order_end]
    moments.sort(key=lambda one: (one[0], one[1].person_id))
    last_day = company.calendar.last_order_end - timedelta(days=1)

    def rows() -> Iterator[Row]:
        for moment, person, is_test in moments:
            chosen = purchases.basket(rng, person, products, by_kind)
            body = shop_orders.order_body(company, rng, person, records.customer_of[person.person_id], moment, chosen)
            if is_test:
                body["test"] = True
            elif moment < last_day:
                shop_orders.settle(company, rng, body, moment)
            summary.order_lines += len(body["lineItems"])
            summary.refunds += len(body["refunds"])
            yield shop_orders.row(body)

    summary.orders = store.put_many("shopify.order", rows())


def _put_file_orders(
    store: Store, company: Company, inhabitants: list[Person], file: OrdersFile, records: Records, summary: Summary
) -> None:
    products, ids = file_orders.product_rows(company, file)
    summary.products = store.put_many("shopify.product", products)
    customers = {
        person.customer_ref: (records.customer_of[person.person_id], person)
        for person in inhabitants
        if person.customer_ref is not None
    }
    counted = {"order_lines": 0}
    summary.orders = store.put_many("shopify.order", file_orders.order_rows(company, file, ids, customers, counted))
    summary.order_lines = counted["order_lines"]
