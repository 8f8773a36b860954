"""One Mailchimp account: pages by count and offset, and its own way of saying "slow down"."""

from collections.abc import Iterator
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from ingestion.client import VendorClient, VendorSession, address, parse
from ingestion.mailchimp import settings
from mailhouse.clock import Clock
from mailhouse.settings import Connection

Record = dict[str, Any]


class Account:
    """The account behind one key; makes no call until it is asked. Raises CredentialsMissing."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        url = address(connection)
        session = VendorSession(connection, clock, rate=settings.RATE, secret="api_key", slow_down=slow_down)
        self.client = VendorClient(
            session, base_url=url + settings.ROOT, auth=HttpBasicAuth("mailhouse", connection.secret("api_key"))
        )

    def pages(self, path: str, name: str, **query: Any) -> Iterator[list[Record]]:
        """Every page of a collection, `name` being where its records stand."""
        paginator = OffsetPaginator(limit=settings.PAGE, limit_param="count", total_path="total_items")
        asked = {**query, "exclude_fields": f"{settings.LINKS},{name}.{settings.LINKS}"}
        yield from self.client.paginate(path, params=asked, paginator=paginator, data_selector=name)

    def page(self, path: str, name: str, **query: Any) -> tuple[list[Record], int]:
        """One page and the number of records in all. Raises MalformedAnswer."""
        response = self.client.get(path, params=query)
        records = self.client.extract_response(response, name)
        return records, self._total(response)

    def total(self, path: str, **query: Any) -> int:
        """How many records a collection has, without reading one."""
        return self._total(self.client.get(path, params={**query, "count": 1, "fields": "total_items"}))

    def _total(self, response: requests.Response) -> int:
        body = response.json()
        total = body.get("total_items") if isinstance(body, dict) else None
        if not isinstance(total, int):
            raise self.client.malformed(response, "no `total_items`")
        return total


def slow_down(response: requests.Response) -> float | None:
    """At high volume Mailchimp answers 403 with no JSON in it, which is no refusal: wait with growing distance."""
    if response.status_code != 403:
        return None
    try:
        parse(response.content)
    except ValueError:
        return 0.0
    return None
