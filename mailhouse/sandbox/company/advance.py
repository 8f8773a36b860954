"""Lets days pass: a few people in a hundred a day do something, the rest stay as they were."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import duckdb

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.company import (
    checkouts,
    choices,
    housekeeping,
    klaviyo_day,
    mailing,
    newcomers,
    salesforce_day,
    sendgrid,
    trading,
    truth,
)
from mailhouse.sandbox.company.calendar import Calendar
from mailhouse.sandbox.company.day import Addresses, Day, Town
from mailhouse.sandbox.company.state import Company, load
from mailhouse.sandbox.company.summary import Summary
from mailhouse.sandbox.store import Store

MOST_DAYS = 3_650
# systems whose truth is kept apart
LATER = {"klaviyo": truth.PROFILES, "sendgrid": truth.CONTACTS, "salesforce": truth.SALES}


def advance(store: Store, truth_path: Path | str, days: int) -> Summary:
    """Moves the clock by whole days and does what happens meanwhile, all or nothing.

    Two times one day is the same as two days at once. A company made from an orders file gets no orders, refunds or
    shop customers. Raises CompanyMissing where nothing was seeded.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ConfigurationError(f"days: {days} is not between 1 and {MOST_DAYS}; let another number of days pass")
    company = load(store)
    summary = Summary(now=store.now())
    with ExitStack() as stack:
        stack.enter_context(store.transaction())
        connection = stack.enter_context(truth.opened(Path(truth_path)))
        known = company.ids["person"]
        people = [person for person in truth.all_people(connection) if int(person.person_id[1:]) < known]
        town = Town(people, truth.records_of(connection))
        later = {source: _records(connection, table) for source, table in LATER.items()}
        before = {source: {person: len(records) for person, records in found.items()} for source, found in later.items()}
        company.taken = Addresses(store, people)
        for _ in range(days):
            _pass(store, company, town, later, summary)
        truth.add_links(connection, town.links)
        for source, table in LATER.items():
            truth.add_links(connection, _new_links(town, source, later[source], before[source]), table)
        truth.put_people(connection, town.changed.values())
        company.save(store)
    return summary


def _records(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, list[str]]:
    """Each person's records in a system whose truth is kept apart."""
    return {person: [record for _, record in records] for person, records in truth.records_of(connection, table).items()}


def _new_links(town: Town, source: str, found: dict[str, list[str]], before: dict[str, int]) -> list[truth.Link]:
    """Whose the records are that came since."""
    ref = {person.person_id: person.customer_ref for person in town.people}
    return [
        (source, record, person, ref[person]) for person, records in found.items() for record in records[before.get(person, 0) :]
    ]


def _pass(store: Store, company: Company, town: Town, later: dict[str, dict[str, list[str]]], summary: Summary) -> None:
    start = store.now()
    end = start + timedelta(days=1)
    company.calendar = Calendar(company.calendar.first, end)
    day = Day(company, store, town, start, end, summary)
    arrived = newcomers.arrive(day)
    if not company.from_orders_file:
        trading.trade(day, arrived)
        trading.take_back(day)
        housekeeping.delete_customers(day)
        checkouts.leave(day)
    housekeeping.move(day)
    housekeeping.merge(day)
    housekeeping.archive(day)
    choices.grant(day)
    choices.withdraw(day)
    mailing.react_late(day)
    mailing.send(day)
    klaviyo_day.live(day, later["klaviyo"])
    sendgrid.live(day, later["sendgrid"])
    salesforce_day.live(day, later["salesforce"])
    store.set_now(end)
    summary.now = end
