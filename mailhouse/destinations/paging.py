"""Listings that come page by page, each of which says where the next one begins."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, HttpClient, Lane

Row = Mapping[str, Any]


async def all_pages(
    client: HttpClient,
    path: str,
    template: str,
    params: Mapping[str, str | int],
    cursor: str,
    page_of: Callable[[Answer], tuple[Sequence[Row], str]],
    lane: Lane = "ordinary",
) -> list[Row]:
    """All rows of a listing. `page_of` gives the rows of an answer and the value of `cursor` for the next page, '' on the last.

    Raises MalformedAnswer when the pages go round in a circle, and what `page_of` raises.
    """
    rows: list[Row] = []
    asked, seen = dict(params), set[str]()
    while True:
        found, following = page_of(await client.read(path, template, asked, lane=lane))
        rows.extend(found)
        if not following:
            return rows
        if following in seen:
            raise MalformedAnswer(f"{client.name}: GET {template}: its pages go round in a circle; run again later")
        seen.add(following)
        asked[cursor] = following


def cursor_in(link: object, cursor: str) -> str:
    """The cursor in a link to the next page, '' when there is none."""
    # only the cursor is taken of the link: the rest of it is an address that nobody configured
    return parse_qs(urlsplit(str(link or "")).query).get(cursor, [""])[0]
