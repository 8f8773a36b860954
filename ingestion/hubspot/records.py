"""Records of one type (contacts, companies, deals, tickets): listed once, later what changed, archived ones included."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dlt.extract import DltResource
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.client import VendorClient
from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.hubspot import settings
from ingestion.hubspot.search import changed_since, latest_change
from ingestion.source import Landing, batches
from mailhouse.destinations.hubspot.paths import Paths


def records(landing: Landing, client: VendorClient, of: Fields, paths: Paths) -> DltResource:
    """The resource of one type, named as its table."""
    changed = "lastmodifieddate" if of.table == "contacts" else "hs_lastmodifieddate"
    properties = [field.path.removeprefix("properties.") for field in of.fields if field.path.startswith("properties.")]
    path = paths.objects(of.table)
    search = f"{path}/search"

    def listed(*, archived: bool) -> Iterator[list[dict[str, Any]]]:
        query = {"limit": settings.LIST_PAGE, "archived": str(archived).lower(), "properties": ",".join(properties)}
        pages = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")
        yield from client.paginate(path, params=query, paginator=pages, data_selector="results")

    def pages() -> Iterator[list[dict[str, Any]]]:
        cursor = Cursor(of.table, [of])
        if cursor.is_first:
            # the mark is taken before the long listing begins: who is changed during it is read again next time
            mark = latest_change(client, search, changed)
            yield from listed(archived=False)
            yield from listed(archived=True)
            if mark is not None:
                cursor.reach(mark)
            return
        since = cursor.since(landing.lag(settings.LAG_SECONDS))
        for page in changed_since(client, search, since, properties, changed):
            yield page
            cursor.reach(max(datetime.fromisoformat(record["updatedAt"]) for record in page))
        # the search does not find archived records, and their listing knows no filter: read all, land the fresh ones
        for page in listed(archived=True):
            if fresh := [record for record in page if _archived_since(record, since)]:
                yield fresh

    return landing.resource(of, lambda: batches(pages()))


def _archived_since(record: dict[str, Any], since: datetime) -> bool:
    archived_at = record.get("archivedAt")
    return not isinstance(archived_at, str) or datetime.fromisoformat(archived_at) >= since
