"""Everything we take from one Mailchimp account: lists with members and interests, campaigns and what became of them."""

from collections.abc import Iterator
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.known import REMOVED
from ingestion.mailchimp import interests, reports, settings
from ingestion.mailchimp.account import Account
from ingestion.mailchimp.members import members
from ingestion.source import Landing, batches

TABLES = [
    settings.LISTS,
    settings.MEMBERS,
    settings.MEMBER_INTERESTS,
    settings.INTEREST_CATEGORIES,
    settings.INTERESTS,
    *reports.TABLES,
    settings.ABUSE_REPORTS,
    settings.AUTOMATIONS,
    REMOVED,
]


@dlt.source(name="mailchimp")
def mailchimp(landing: Landing, account: Account) -> Iterator[DltResource]:
    """One account."""
    lag = landing.lag(settings.LAG_SECONDS)
    lists: list[dict[str, Any]] = []

    def all_lists() -> list[dict[str, Any]]:
        if not lists:
            lists.extend(record for page in account.pages("/lists", "lists") for record in page)
        return lists

    def all_members() -> Iterator[list[dict[str, Any]]]:
        for one in all_lists():
            yield from members(account, one["id"], lag)

    def members_and_choices() -> Iterator[tuple[Fields, list[dict[str, Any]]]]:
        for page in batches(all_members()):
            yield settings.MEMBERS, page
            if chosen := interests.choices(page):
                yield settings.MEMBER_INTERESTS, chosen

    yield landing.resource(settings.LISTS, lambda: [page for page in [all_lists()] if page])
    yield landing.resource_of(settings.MEMBERS, [settings.MEMBER_INTERESTS], members_and_choices)
    yield landing.resource_of(
        settings.INTEREST_CATEGORIES,
        [settings.INTERESTS],
        lambda: interests.pages(account, [one["id"] for one in all_lists()]),
    )
    yield landing.resource_of(reports.TABLES[0], reports.TABLES[1:], lambda: reports.pages(landing, account, lag))
    yield landing.resource(settings.ABUSE_REPORTS, lambda: _complaints(account, [one["id"] for one in all_lists()]))
    yield landing.resource(settings.AUTOMATIONS, lambda: batches(account.pages("/automations", "automations")))
    yield landing.resource(REMOVED, list)


def _complaints(account: Account, lists: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The abuse reports of lists that have more of them than last time: the API knows no filter for them."""
    if dlt.current.resource_state("abuse_reports").get("listed_fields") != settings.ABUSE_REPORTS.digest:
        dlt.current.resource_state("abuse_reports").update(listed_fields=settings.ABUSE_REPORTS.digest, totals={})
    for list_id in lists:
        path = f"/lists/{list_id}/abuse-reports"
        total = account.total(path)
        if dlt.current.resource_state("abuse_reports")["totals"].get(list_id) != total:
            for page in account.pages(path, "abuse_reports"):
                yield [{**report, "list_id": list_id} for report in page]
            dlt.current.resource_state("abuse_reports")["totals"][list_id] = total
