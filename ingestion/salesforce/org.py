"""One Salesforce org: SOQL queries, page after page by nextRecordsUrl."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ingestion.client import VendorClient, VendorRefused, VendorSession, address
from ingestion.salesforce import settings
from ingestion.salesforce.auth import Session
from ingestion.salesforce.session import slow_down
from mailhouse.clock import Clock
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_grant import secret_name
from mailhouse.vendors.salesforce_queries import API_VERSION, moment

Record = dict[str, Any]


class Org:
    """The org of one connection; makes no call until it is asked. Raises CredentialsMissing."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection, self.clock = connection, clock
        url = address(connection)
        self.version = str(connection.settings.get("api_version", API_VERSION))
        self.auth = Session(connection, clock)
        self.session = VendorSession(
            connection,
            clock,
            rate=settings.RATE,
            secret=secret_name(connection),
            slow_down=slow_down,
            renew=self.auth.renew,
        )
        self.client = VendorClient(self.session, base_url=url, auth=self.auth)

    def pages(self, soql: str, *, deleted: bool = True) -> Iterator[tuple[list[Record], bool]]:
        """The pages of a query, each with whether it is the last; `deleted` looks into the recycle bin too.

        The vendor keeps the result of the first page's moment; what a record holds is of the moment its page is read.
        """
        path = (settings.QUERY_ALL if deleted else settings.QUERY).format(version=self.version)
        query: dict[str, str] | None = {"q": soql}
        while True:
            try:
                response = self.client.get(path, params=query)
            except VendorRefused as error:
                raise VendorRefused(f"{error}; it can be that a field is not visible to the app's user", error.status) from error
            page = self.client.extract_response(response, "records")
            following = response.json().get("nextRecordsUrl")
            yield page, following is None
            if following is None:
                return
            # only the path is taken: the session goes to no address but the connection's
            if not isinstance(following, str) or not following.startswith(settings.PAGES) or following == path:
                raise self.client.malformed(response, "a next page that leads nowhere")
            path, query = following, None

    def one(self, soql: str) -> Record | None:
        """The first record of a query."""
        for page, _ in self.pages(soql):
            return page[0] if page else None
        return None

    def moment(self, value: Any) -> datetime:
        """A moment of an answer. Raises MalformedAnswer when it is none."""
        return moment(self.connection.id, value)


def stamp(moment: datetime) -> str:
    """A moment as SOQL writes it, its fraction of a second left off."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
