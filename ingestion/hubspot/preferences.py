"""What people chose kind of mail by kind of mail: asked for the addresses of the contacts that changed.

HubSpot lists no preferences and tells of no change of them; but a choice is a change of its contact.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dlt.extract import DltResource
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.client import VendorClient
from ingestion.cursor import Cursor
from ingestion.hubspot import settings
from ingestion.hubspot.search import changed_since, latest_change
from ingestion.source import Landing, batches
from mailhouse.destinations.hubspot.paths import Paths

CHANGED = "lastmodifieddate"


def preferences(landing: Landing, client: VendorClient, paths: Paths) -> DltResource:
    """The resource `subscription_statuses`: one row for each address and kind of mail that somebody decided on."""
    search = f"{paths.contacts}/search"

    def contacts() -> Iterator[list[dict[str, Any]]]:
        cursor = Cursor("subscription_statuses", [settings.SUBSCRIPTION_STATUSES])
        if cursor.is_first:
            mark = latest_change(client, search, CHANGED)
            query = {"limit": settings.LIST_PAGE, "archived": "false", "properties": "email"}
            pages = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")
            yield from client.paginate(paths.contacts, params=query, paginator=pages, data_selector="results")
            if mark is not None:
                cursor.reach(mark)
            return
        for page in changed_since(client, search, cursor.since(landing.lag(settings.LAG_SECONDS)), ["email"], CHANGED):
            yield page
            cursor.reach(max(datetime.fromisoformat(record["updatedAt"]) for record in page))

    def statuses() -> Iterator[list[dict[str, Any]]]:
        for page in contacts():
            ids = {address: record["id"] for record in page if (address := (record.get("properties") or {}).get("email"))}
            addresses = list(ids)
            for start in range(0, len(addresses), settings.STATUS_ROWS):
                inputs = {"inputs": addresses[start : start + settings.STATUS_ROWS]}
                response = client.post(f"{paths.preferences}/statuses/batch/read", params={"channel": "EMAIL"}, json=inputs)
                found = [one for result in client.extract_response(response, "results") for one in result.get("statuses") or []]
                decided = [one for one in found if one.get("status") in settings.DECIDED]
                yield [{**one, "contactId": ids.get(one.get("subscriberIdString"))} for one in decided]

    return landing.resource(settings.SUBSCRIPTION_STATUSES, lambda: batches(statuses()))
