"""Members and lists the account no longer has: counts are held against ours, and if they differ, all ids."""

import logging
from typing import Any

import pyarrow as pa

from ingestion.client import VendorRefused
from ingestion.known import Known
from ingestion.mailchimp import settings
from ingestion.mailchimp.account import Account
from ingestion.source import Landing

log = logging.getLogger("mailhouse.ingestion")

TRIES = 3


def removed(landing: Landing, account: Account, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for what has vanished; takes back the removal of what is there again."""
    at = landing.now().isoformat()
    lists = [record["id"] for page in account.pages("/lists", "lists", fields="lists.id,total_items") for record in page]
    ids = pa.array(lists, pa.string())
    known.forget_removal("lists", ids)
    rows = [{"resource": "lists", "parent_id": "", "id": gone, "noticed_at": at} for gone in known.missing("lists", ids)]
    for list_id in lists:
        path = f"/lists/{list_id}/members"
        if account.total(path) == known.present("members", "list_id", list_id):
            continue
        members = _all_ids(account, path)
        if members is None:
            log.warning(
                "connection %s: list %s does not stand still, its removals are looked for next time",
                account.connection.id,
                list_id,
            )
            continue
        known.forget_removal("members", members, list_id)
        gone = _truly_gone(account, path, known.missing("members", members, "list_id", list_id))
        rows += [{"resource": "members", "parent_id": list_id, "id": one, "noticed_at": at} for one in gone]
    return rows


def _all_ids(account: Account, path: str) -> pa.Array | None:
    """Every member's id, or None when the list changed each time while it was read."""
    for _ in range(TRIES):
        chunks: list[pa.Array] = []
        offset, totals = 0, set()
        while True:
            page, total = account.page(path, "members", count=settings.PAGE, offset=offset, fields="members.id,total_items")
            totals.add(total)
            chunks.append(pa.array([record.get("id") for record in page], pa.string()))
            offset += settings.PAGE
            if len(page) < settings.PAGE:
                break
        ids = pa.concat_arrays(chunks).unique()
        if len(totals) == 1 and len(ids) == total:
            return ids
    return None


def _truly_gone(account: Account, path: str, candidates: list[str]) -> list[str]:
    """Those that answer 404 by name; when the first hundred all do, the rest is believed."""
    verified = candidates[: settings.VERIFIED_REMOVALS]
    gone = [one for one in verified if _is_gone(account, f"{path}/{one}")]
    return candidates if gone == verified else gone


def _is_gone(account: Account, path: str) -> bool:
    try:
        account.client.read(path, params={"fields": "id"})
    except VendorRefused as error:
        if error.status == 404:
            return True
        raise
    return False
