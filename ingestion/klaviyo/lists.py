"""Who is on which list, by when they joined: later runs ask only for those who came."""

from collections.abc import Iterator

from ingestion.cursor import Cursor
from ingestion.klaviyo import settings
from ingestion.klaviyo.account import Account, Record, stamp

JOINED = "joined_group_at"


def members(account: Account, list_id: str, lag: int) -> Iterator[list[Record]]:
    """Profiles that joined one list since its cursor less `lag` seconds; moves the cursor."""
    cursor = Cursor("list_members", [settings.LIST_MEMBERS], parent=list_id)
    query: Record = {"page[size]": settings.PROFILES_PAGE, "sort": JOINED, "fields[profile]": JOINED}
    if not cursor.is_first:
        query["filter"] = f"greater-or-equal({JOINED},{stamp(cursor.since(lag))})"
    for page in account.pages(settings.GET_LIST_MEMBERS, query, id=list_id):
        yield [{**member, "list_id": list_id} for member in page]
        cursor.reach(account.moment(page[-1], JOINED))
