"""Everything we take from one SendGrid account: contacts, lists, every suppression with its time, what came of campaigns."""

from collections.abc import Iterator
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.known import REMOVED
from ingestion.sendgrid import settings
from ingestion.sendgrid.account import Account
from ingestion.sendgrid.contacts import contacts, list_contacts, lists_of
from ingestion.sendgrid.suppressions import group_suppressions, groups, suppressions
from ingestion.source import Landing, batches


@dlt.source(name="sendgrid")
def sendgrid(landing: Landing, account: Account, custom: dict[str, str]) -> Iterator[DltResource]:
    """One account; `custom` are the listed fields of contacts, `{name: type}`."""
    lag = landing.lag(settings.LAG_SECONDS)
    fields = settings.contact_fields(custom)
    read_at = landing.now().isoformat()
    read: dict[str, list[dict[str, Any]]] = {}

    def lists() -> list[dict[str, Any]]:
        if "lists" not in read:
            read["lists"] = lists_of(account, read_at)
        return read["lists"]

    def sends() -> Iterator[list[dict[str, Any]]]:
        pages = account.pages(settings.STATS_PATH, "results", settings.SENDS_PAGE)
        stats = {one["id"]: one.get("stats") or {} for page in pages for one in page}
        for page in account.pages(settings.SENDS_PATH, "result", settings.SENDS_PAGE):
            yield [{**one, "stats": stats.get(one["id"], {}), "read_at": read_at} for one in page]

    yield landing.resource(fields, lambda: batches(contacts(account, fields, lag)))
    yield landing.resource(settings.LISTS, lambda: batches([lists()]))
    yield landing.resource(settings.LIST_CONTACTS, lambda: batches(list_contacts(account, lists(), read_at)))
    yield landing.resource(settings.SUPPRESSIONS, lambda: batches(suppressions(account, lag)))
    yield landing.resource(settings.GROUPS, lambda: batches(groups(account, read_at)))
    yield landing.resource(settings.GROUP_SUPPRESSIONS, lambda: batches(group_suppressions(account)))
    yield landing.resource(settings.SINGLE_SENDS, lambda: batches(sends()))
    yield landing.resource(REMOVED, list)
