"""Everything we take from one Klaviyo account: profiles with consent, lists, segments, campaigns, what became of each mail."""

from collections.abc import Iterator
from typing import Any

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.klaviyo import settings
from ingestion.klaviyo.account import Account
from ingestion.klaviyo.events import events
from ingestion.klaviyo.lists import members
from ingestion.klaviyo.profiles import profile_fields, profiles
from ingestion.known import REMOVED
from ingestion.source import Landing, batches


def tables(custom: dict[str, str]) -> list[Fields]:
    """What lands of an account; `custom` are the listed properties of profiles, `{name: type}`."""
    return [
        profile_fields(custom),
        settings.LISTS,
        settings.LIST_MEMBERS,
        settings.METRICS,
        settings.EVENTS,
        settings.SEGMENTS,
        settings.CAMPAIGNS,
        REMOVED,
    ]


@dlt.source(name="klaviyo")
def klaviyo(landing: Landing, account: Account, custom: dict[str, str]) -> Iterator[DltResource]:
    """One account; `custom` are the listed properties of profiles, `{name: type}`."""
    lag = landing.lag(settings.LAG_SECONDS)
    fields = profile_fields(custom)
    read: dict[str, list[dict[str, Any]]] = {}
    # there are few, and any may still change: all are read each time
    campaigns = {"filter": "equals(messages.channel,'email')", "page[size]": settings.CAMPAIGNS_PAGE}

    def lists() -> list[dict[str, Any]]:
        if "lists" not in read:
            query = {"page[size]": settings.LISTS_PAGE}
            read["lists"] = [one for page in account.pages(settings.GET_LISTS, query) for one in page]
        return read["lists"]

    def metrics() -> list[dict[str, Any]]:
        if "metrics" not in read:
            read["metrics"] = [one for page in account.pages(settings.GET_METRICS, {}) for one in page]
        return read["metrics"]

    def all_members() -> Iterator[list[dict[str, Any]]]:
        for one in lists():
            yield from members(account, one["id"], lag)

    yield landing.resource(fields, lambda: batches(profiles(account, fields, lag)))
    yield landing.resource(settings.LISTS, lambda: batches([lists()]))
    yield landing.resource(settings.LIST_MEMBERS, lambda: batches(all_members()))
    yield landing.resource(settings.METRICS, lambda: batches([metrics()]))
    yield landing.resource(settings.EVENTS, lambda: batches(events(account, metrics(), lag)))
    yield landing.resource(settings.SEGMENTS, lambda: batches(account.pages(settings.GET_SEGMENTS, {})))
    yield landing.resource(settings.CAMPAIGNS, lambda: batches(account.pages(settings.GET_CAMPAIGNS, campaigns)))
    yield landing.resource(REMOVED, list)
