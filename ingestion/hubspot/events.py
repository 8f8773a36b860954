"""What HubSpot's own mails set off, by its event log: from the newest backwards, as far as the last landing got."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dlt.extract import DltResource

from ingestion.client import VendorClient
from ingestion.cursor import Cursor
from ingestion.hubspot import settings
from ingestion.source import Landing, batches
from mailhouse.errors import MalformedAnswer

PATH = "/email/public/v1/events"


def email_events(landing: Landing, client: VendorClient) -> DltResource:
    """The resource `email_events`; without its scope it is left out by `settings: {leave_out: [email_events]}`."""

    def pages() -> Iterator[list[dict[str, Any]]]:
        cursor = Cursor("email_events", [settings.EMAIL_EVENTS])
        query: dict[str, Any] = {"limit": settings.EVENT_PAGE}
        if not cursor.is_first:
            query["startTimestamp"] = round(cursor.since(landing.lag(settings.LAG_SECONDS)).timestamp() * 1000)
        latest: datetime | None = None
        while True:
            body = client.read(PATH, params=query)
            page = body.get("events")
            if not isinstance(page, list) or not all(isinstance(one, dict) for one in page):
                raise MalformedAnswer(
                    f"connection {landing.connection.id}: GET {PATH} answered no list of events;"
                    " nothing of it was taken, see whether the vendor's API changed"
                )
            if page:
                yield page
                newest = datetime.fromtimestamp(max(int(one["created"]) for one in page) / 1000, UTC)
                latest = newest if latest is None else max(latest, newest)
            if not body.get("hasMore") or not body.get("offset"):
                break
            query["offset"] = body["offset"]
        # only when all of it was read: the newest came first
        if latest is not None:
            cursor.reach(latest)

    return landing.resource(settings.EMAIL_EVENTS, lambda: batches(pages()))
