"""Records changed since a moment, by HubSpot's search, in windows that never pass its 10,000 results a query."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ingestion.client import VendorClient
from ingestion.hubspot import settings
from ingestion.pace import Pace
from mailhouse.errors import MalformedAnswer


def latest_change(client: VendorClient, path: str, changed: str) -> datetime | None:
    """When the most recently changed record was changed, by the property of that name; None where there is none."""
    page, _ = _query(client, path, {"sorts": [_sort(changed, "DESCENDING")], "limit": 1, "properties": [changed]})
    return _changed_at(client, page[0]) if page else None


def changed_since(
    client: VendorClient, path: str, since: datetime, properties: list[str], changed: str
) -> Iterator[list[dict[str, Any]]]:
    """Pages of records changed at or after `since`, oldest first; some come twice, where two windows meet."""
    pace = Pace(settings.SEARCH_RATE, client.session.clock)
    while True:
        last = since
        query = {"filterGroups": [_filter(changed, "GTE", _milliseconds(since))], "sorts": [_sort(changed)]}
        exhausted = True
        for page, is_cut in _window(client, path, query, [*properties, changed], pace):
            yield page
            last = _changed_at(client, page[-1])
            exhausted = not is_cut
        if exhausted:
            return
        if _milliseconds(last) > _milliseconds(since):
            since = last
            continue
        # more records than a query gives were changed in this one millisecond: take them by id instead
        yield from _changed_at_once(client, path, since, properties, pace, changed)
        since = since + timedelta(milliseconds=1)


def _changed_at_once(
    client: VendorClient, path: str, moment: datetime, properties: list[str], pace: Pace, changed: str
) -> Iterator[list[dict[str, Any]]]:
    after_id = 0
    while True:
        conditions = {
            "filters": [
                {"propertyName": changed, "operator": "EQ", "value": _milliseconds(moment)},
                {"propertyName": "hs_object_id", "operator": "GT", "value": str(after_id)},
            ]
        }
        query = {"filterGroups": [conditions], "sorts": [_sort("hs_object_id")]}
        exhausted = True
        for page, is_cut in _window(client, path, query, [*properties, changed], pace):
            yield page
            after_id = max(int(record["id"]) for record in page)
            exhausted = not is_cut
        if exhausted:
            return


def _window(
    client: VendorClient, path: str, query: dict[str, Any], properties: list[str], pace: Pace
) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """The pages of one query and whether the query was cut at its limit behind that page."""
    taken, after = 0, None
    while True:
        pace.take()
        asked = {**query, "limit": settings.SEARCH_PAGE, "properties": properties}
        page, after = _query(client, path, asked if after is None else {**asked, "after": after})
        taken += len(page)
        is_cut = after is not None and taken + settings.SEARCH_PAGE > settings.SEARCH_RESULTS
        if page:
            yield page, is_cut
        if after is None or is_cut or not page:
            return


def _query(client: VendorClient, path: str, body: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    response = client.post(path, json=body)
    page = client.extract_response(response, "results")
    paging = response.json().get("paging") or {}
    after = (paging.get("next") or {}).get("after")
    return page, None if after is None else str(after)


def _filter(name: str, operator: str, value: str) -> dict[str, Any]:
    return {"filters": [{"propertyName": name, "operator": operator, "value": value}]}


def _sort(name: str, direction: str = "ASCENDING") -> dict[str, str]:
    return {"propertyName": name, "direction": direction}


def _milliseconds(moment: datetime) -> str:
    # whole microseconds first: timestamp() is a float and may fall one millisecond short
    return str(int(moment.timestamp() * 1_000_000 + 0.5) // 1000)


def _changed_at(client: VendorClient, record: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(record["updatedAt"])
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(
            f"connection {client.session.connection.id}: a record of the search has no readable updatedAt;"
            " nothing of it was taken, see whether the vendor's API changed"
        ) from error
