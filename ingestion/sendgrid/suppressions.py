"""Whom SendGrid mails nothing, and since when: the lists of the account by their time, the groups as a whole."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from ingestion.cursor import Cursor
from ingestion.sendgrid import settings
from ingestion.sendgrid.account import Account, Record, moment_of


def suppressions(account: Account, lag: int) -> Iterator[list[Record]]:
    """Entries of every list since its cursor less `lag` seconds; moves the cursors."""
    for name in settings.SUPPRESSION_LISTS:
        cursor = Cursor("suppressions", [settings.SUPPRESSIONS], parent=name)
        newest: datetime | None = None
        for page in account.suppressions(name, None if cursor.is_first else cursor.since(lag)):
            entries = [
                {**one, "id": entry_id(name, one), "suppression_list": name, "created_at": moment_of(one.get("created"))}
                for one in page
            ]
            moments = [datetime.fromisoformat(one["created_at"]) for one in entries if one["created_at"]]
            newest = max([*([newest] if newest else []), *moments], default=None)
            yield entries
        # the order of a list is not promised: the cursor moves when all of it was read
        if newest is not None:
            cursor.reach(newest)


def groups(account: Account, read_at: str) -> Iterator[list[Record]]:
    """Every suppression group that is not deleted."""
    found = account.entries(settings.GROUPS_PATH)
    yield [{**one, "id": str(one.get("id")), "read_at": read_at} for one in found]


def group_suppressions(account: Account) -> Iterator[list[Record]]:
    """Who has left which group; SendGrid knows no cursor for these."""
    found = account.entries(settings.GROUP_SUPPRESSIONS_PATH)
    yield [
        {
            **one,
            "id": entry_id(str(one.get("group_id")), one),
            "group_id": str(one.get("group_id")),
            "created_at": moment_of(one.get("created_at")),
        }
        for one in found
    ]


def entry_id(name: str, entry: Record) -> str:
    """A name for one address on one list that does not say the address."""
    address = str(entry.get("email") or "").strip().lower()
    return f"{name}:{hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()}"
