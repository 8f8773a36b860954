"""The members of a list, oldest change first, so read that a list which moves between two pages loses nobody."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ingestion.cursor import Cursor
from ingestion.mailchimp import settings
from ingestion.mailchimp.account import Account
from mailhouse.errors import MalformedAnswer

log = logging.getLogger("mailhouse.ingestion")

RESTARTS = 5
Record = dict[str, Any]


def members(account: Account, list_id: str, lag: int) -> Iterator[list[Record]]:
    """Members of one list changed since its cursor less `lag` seconds; moves the cursor."""
    cursor = Cursor("members", [settings.MEMBERS, settings.MEMBER_INTERESTS], parent=list_id)
    since = None if cursor.is_first else cursor.since(lag)
    for page in changed_since(account, list_id, since):
        yield [{**member, "list_id": list_id} for member in page]
        cursor.reach(_changed_at(account, page[-1]))


def changed_since(account: Account, list_id: str, since: datetime | None) -> Iterator[list[Record]]:
    """Pages overlap by one member: when it is not the same on both, someone left the earlier pages, and we step back."""
    offset, restarts = 0, 0
    last: Record | None = None
    while True:
        page, _ = account.page(f"/lists/{list_id}/members", "members", **_query(since, offset))
        is_last = len(page) < settings.PAGE
        if last is not None:
            if (not page or page[0].get("id") != last.get("id")) and restarts < RESTARTS:
                restarts += 1
                log.info("connection %s: list %s moved while it was read, stepping back", account.connection.id, list_id)
                since, offset, last = _changed_at(account, last) - timedelta(seconds=1), 0, None
                continue
            # a list that never stands still is read on as it comes: the count at the end will tell
            page = page[1:] if page and page[0].get("id") == last.get("id") else page
        if page:
            yield page
            last = page[-1]
        if is_last:
            return
        offset += settings.PAGE - 1


def _query(since: datetime | None, offset: int) -> dict[str, Any]:
    query: dict[str, Any] = {
        "count": settings.PAGE,
        "offset": offset,
        "sort_field": "last_changed",
        "sort_dir": "ASC",
        "exclude_fields": f"{settings.LINKS},members.{settings.LINKS}",
    }
    if since is not None:
        query["since_last_changed"] = since.isoformat(timespec="seconds")
    return query


def _changed_at(account: Account, member: Record) -> datetime:
    try:
        return datetime.fromisoformat(member["last_changed"])
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(
            f"connection {account.connection.id}: a member without a readable last_changed;"
            " nothing of it was taken, see whether the vendor's API changed"
        ) from error
