"""Contacts and lists the account no longer has: SendGrid tells of none, but how many there are it tells at once."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.sendgrid import settings
from ingestion.sendgrid.account import Account, Record
from ingestion.source import Landing
from ingestion.vanished import plausible


def removed(landing: Landing, account: Account, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for what has vanished; takes back what is there again. Raises TooManyGone.

    Everybody is exported once more only when the account has another number of contacts than we have. A membership that has
    ended is found when its list's count has changed.
    """
    rows: list[dict[str, Any]] = []
    if account.count() != known.present("contacts"):
        there = _ids(account.exported())
        known.forget_removal("contacts", there)
        gone = plausible(landing, known, "contacts", known.missing("contacts", there))
        rows += [_row(landing, "contacts", "", one) for one in gone]
    lists = [one for page in account.pages(settings.LISTS_PATH, "result", settings.LISTS_PAGE) for one in page]
    list_ids = _ids([lists])
    known.forget_removal("lists", list_ids)
    rows += [_row(landing, "lists", "", one) for one in known.missing("lists", list_ids)]
    for one in lists:
        if one.get("contact_count") != known.present("list_contacts", "list_id", one["id"]):
            on_it = _ids(account.exported(one["id"]))
            known.forget_removal("list_contacts", on_it, one["id"])
            rows += [
                _row(landing, "list_contacts", one["id"], gone)
                for gone in known.missing("list_contacts", on_it, "list_id", one["id"])
            ]
    return rows


def _row(landing: Landing, table: str, parent: str, gone: str) -> dict[str, Any]:
    return {"resource": table, "parent_id": parent, "id": gone, "noticed_at": landing.now().isoformat()}


def _ids(pages: Iterator[list[Record]] | list[list[Record]]) -> pa.Array:
    chunks = [pa.array([record.get("id") for record in page], pa.string()) for page in pages]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
