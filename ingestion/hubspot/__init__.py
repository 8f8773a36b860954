"""Everything we take from one HubSpot portal: its contacts, archived and merged ones included."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import dlt
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.auth import Authorization
from ingestion.client import VendorClient, VendorSession, address
from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.hubspot import settings
from ingestion.hubspot.search import changed_since, latest_change
from ingestion.hubspot.session import slow_down
from ingestion.source import Landing, batches
from mailhouse.clock import Clock
from mailhouse.settings import Connection


def client(connection: Connection, clock: Clock) -> VendorClient:
    """A client on the portal; makes no call yet. Raises CredentialsMissing."""
    url = address(connection)
    session = VendorSession(connection, clock, rate=settings.RATE, secret="token", slow_down=partial(slow_down, connection.id))
    return VendorClient(session, base_url=url, auth=Authorization(connection, "token"))


def probe(connection: Connection, clock: Clock) -> None:
    """Ask for one contact, to see that the portal answers and lets us read."""
    path = settings.LIST_CONTACTS.format(version=connection.settings.get("api_version", settings.API_VERSION))
    client(connection, clock).read(path, params={"limit": 1})


def contact_fields(custom: dict[str, str]) -> Fields:
    """The columns of `contacts`, configured custom properties included."""
    return settings.CONTACTS.with_custom(custom, lambda name: f"properties.{name}")


@dlt.source(name="hubspot")
def hubspot(landing: Landing, client: VendorClient, custom: dict[str, str]) -> Iterator[DltResource]:
    """Contacts of one portal; `custom` are the listed custom properties, `{name: type}`."""
    contacts = contact_fields(custom)
    version = landing.connection.settings.get("api_version", settings.API_VERSION)
    lag = landing.lag(settings.LAG_SECONDS)
    properties = [field.path.removeprefix("properties.") for field in contacts.fields if field.path.startswith("properties.")]
    search = settings.SEARCH_CONTACTS.format(version=version)

    def listed(*, archived: bool) -> Iterator[list[dict[str, Any]]]:
        query = {"limit": settings.LIST_PAGE, "archived": str(archived).lower(), "properties": ",".join(properties)}
        pages = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")
        yield from client.paginate(
            settings.LIST_CONTACTS.format(version=version), params=query, paginator=pages, data_selector="results"
        )

    def pages() -> Iterator[list[dict[str, Any]]]:
        cursor = Cursor("contacts", [contacts])
        if cursor.is_first:
            # the mark is taken before the long listing begins: who is changed during it is read again next time
            mark = latest_change(client, search)
            yield from listed(archived=False)
            yield from listed(archived=True)
            if mark is not None:
                cursor.reach(mark)
            return
        since = cursor.since(lag)
        for page in changed_since(client, search, since, properties):
            yield page
            cursor.reach(max(datetime.fromisoformat(record["updatedAt"]) for record in page))
        # the search does not find archived contacts, and their listing knows no filter: read all, land the fresh ones
        for page in listed(archived=True):
            if fresh := [record for record in page if _archived_since(record, since)]:
                yield fresh

    yield landing.resource(contacts, lambda: batches(pages()))


def _archived_since(record: dict[str, Any], since: datetime) -> bool:
    archived_at = record.get("archivedAt")
    return not isinstance(archived_at, str) or datetime.fromisoformat(archived_at) >= since
