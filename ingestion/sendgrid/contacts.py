"""An account's contacts: all of them by an export, later only those that changed, as long as a search tells them all."""

from collections.abc import Iterator
from datetime import datetime

import dlt

from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.sendgrid import settings
from ingestion.sendgrid.account import Account, Record
from mailhouse.errors import MalformedAnswer


def contacts(account: Account, fields: Fields, lag: int) -> Iterator[list[Record]]:
    """Contacts changed since the cursor less `lag` seconds; moves the cursor when all of them were read."""
    cursor = Cursor("contacts", [fields])
    newest: datetime | None = None
    for page in _all(account) if cursor.is_first else _changed(account, cursor.since(lag)):
        newest = max([*([newest] if newest else []), *(_changed_at(account, one) for one in page)])
        yield page
    if newest is not None:
        cursor.reach(newest)


def _all(account: Account) -> Iterator[list[Record]]:
    return account.exported()


def _changed(account: Account, since: datetime) -> Iterator[list[Record]]:
    found, count = account.changed_since(since)
    if count <= len(found):
        if found:
            yield found
        return
    # more than a search tells: there is no way to ask for the rest but to ask for everybody
    for page in account.exported():
        if fresh := [one for one in page if _changed_at(account, one) >= since]:
            yield fresh


def _changed_at(account: Account, contact: Record) -> datetime:
    try:
        return datetime.fromisoformat(str(contact.get("updated_at")))
    except ValueError as error:
        raise MalformedAnswer(
            f"connection {account.connection.id}: a contact without a readable updated_at; nothing of it was taken, see whether"
            " the vendor's API changed"
        ) from error


def list_contacts(account: Account, lists: list[Record], read_at: str) -> Iterator[list[Record]]:
    """Who is on each list whose count is another than when it was last read."""
    for one in lists:
        # looked up each time: a long reading goes into several packages, and each has its own copy of the state
        known: dict[str, int] = dlt.current.resource_state("list_contacts").setdefault("counts", {})
        if known.get(one["id"]) == one.get("contact_count"):
            continue
        for page in account.exported(one["id"]):
            yield [{"list_id": one["id"], "id": contact["id"], "read_at": read_at} for contact in page]
        dlt.current.resource_state("list_contacts").setdefault("counts", {})[one["id"]] = one.get("contact_count")


def lists_of(account: Account, read_at: str) -> list[Record]:
    """Every list, as it is now."""
    pages = account.pages(settings.LISTS_PATH, "result", settings.LISTS_PAGE)
    return [{**one, "read_at": read_at} for page in pages for one in page]
