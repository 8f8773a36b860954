"""One Klaviyo account: pages by cursor, each endpoint at its own published rate."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from ingestion.auth import Authorization
from ingestion.client import VendorClient, VendorSession, address
from ingestion.klaviyo import settings
from ingestion.klaviyo.settings import Endpoint
from mailhouse.clock import Clock
from mailhouse.errors import MalformedAnswer
from mailhouse.settings import Connection

Record = dict[str, Any]


class Account:
    """The account behind one private key; makes no call until it is asked. Raises CredentialsMissing."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self._url = address(connection)
        self._auth = Authorization(connection, "api_key", "Klaviyo-API-Key")
        self._clients: dict[Endpoint, VendorClient] = {}

    def pages(self, endpoint: Endpoint, query: dict[str, Any], **path: str) -> Iterator[list[Record]]:
        """Every page of a collection that is not empty, in the order asked for."""
        client = self._client(endpoint)
        cursor: str | None = None
        while True:
            asked = query if cursor is None else {**query, "page[cursor]": cursor}
            response = client.get(endpoint.path.format(**path), params=asked)
            if page := client.extract_response(response, "data"):
                yield page
            following = self._following(client, response)
            if following is None:
                return
            if following == cursor:
                raise client.malformed(response, "a page that is followed by itself")
            cursor = following

    def ask_for_one_list(self) -> None:
        """One small question, to see that the account answers and lets us read."""
        self._client(settings.GET_LISTS).read(settings.GET_LISTS.path, params={"page[size]": 1})

    def moment(self, record: Record, name: str) -> datetime:
        """The attribute `name` of a record. Raises MalformedAnswer when it is no moment."""
        try:
            return datetime.fromisoformat(record["attributes"][name])
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedAnswer(
                f"connection {self.connection.id}: a {record.get('type', 'record')} without a readable {name};"
                " nothing of it was taken, see whether the vendor's API changed"
            ) from error

    def _client(self, endpoint: Endpoint) -> VendorClient:
        if endpoint not in self._clients:
            session = VendorSession(self.connection, self.clock, rate=endpoint.rates, secret="api_key")
            headers = {
                "revision": str(self.connection.settings.get("revision", settings.REVISION)),
                "Accept": "application/vnd.api+json",
            }
            self._clients[endpoint] = VendorClient(session, base_url=self._url, auth=self._auth, headers=headers)
        return self._clients[endpoint]

    @staticmethod
    def _following(client: VendorClient, response: requests.Response) -> str | None:
        """The cursor in `links.next`; only it is taken from there, for the key goes to no address but the connection's."""
        links = response.json().get("links")
        following = links.get("next") if isinstance(links, dict) else None
        if following is None:
            return None
        cursors = parse_qs(urlsplit(following).query).get("page[cursor]") if isinstance(following, str) else None
        if not cursors:
            raise client.malformed(response, "a next page without a cursor")
        return cursors[0]


def stamp(moment: datetime) -> str:
    """A moment as filters understand it, its fraction of a second left off."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
