"""Profiles, list members and lists the account no longer has: Klaviyo tells of none, so all ids are held against ours.

A profile vanishes when it is deleted, and when it is merged into another; nothing tells the two apart.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa

from ingestion.klaviyo import settings
from ingestion.klaviyo.account import Account
from ingestion.known import Known
from ingestion.source import Landing
from ingestion.vanished import plausible


def removed(landing: Landing, account: Account, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for what has vanished, looked for every so many hours; takes back what is there again.

    Raises TooManyGone, and then takes no removal over: each would be a refusal that the ledger never forgets.
    """
    hours = float(landing.connection.settings.get("removals_hours", settings.REMOVALS_HOURS))
    searched_at = known.removals_searched_at()
    if searched_at is not None and landing.now() - searched_at < timedelta(hours=hours):
        return []
    vanished = list(_gone_profiles(account, known))
    rows = [_row(landing, "profiles", "", gone) for gone in plausible(landing, known, "profiles", vanished)]
    lists = _ids(account.pages(settings.GET_LISTS, {"page[size]": settings.LISTS_PAGE, "fields[list]": "name"}))
    known.forget_removal("lists", lists)
    rows += [_row(landing, "lists", "", gone) for gone in known.missing("lists", lists)]
    for list_id in lists.to_pylist():
        members = _ids(account.pages(settings.GET_LIST_MEMBER_IDS, {"page[size]": settings.PROFILES_PAGE}, id=list_id))
        known.forget_removal("list_members", members, list_id)
        gone_members = known.missing("list_members", members, "list_id", list_id)
        rows += [_row(landing, "list_members", list_id, gone) for gone in gone_members]
    known.removals_were_searched(landing.now())
    return rows


def _row(landing: Landing, table: str, parent: str, gone: str) -> dict[str, Any]:
    return {"resource": table, "parent_id": parent, "id": gone, "noticed_at": landing.now().isoformat()}


def _gone_profiles(account: Account, known: Known) -> Iterator[str]:
    """Ids of ours that the listing has not, and that are not found by name either: the listing may have moved under us."""
    query = {"page[size]": settings.PROFILES_PAGE, "sort": "id", "fields[profile]": "created"}
    there = _ids(account.pages(settings.GET_PROFILES, query))
    known.forget_removal("profiles", there)
    candidates = known.missing("profiles", there)
    for start in range(0, len(candidates), settings.PROFILES_PAGE):
        asked = candidates[start : start + settings.PROFILES_PAGE]
        names = ",".join(f'"{one}"' for one in asked)
        by_name = {**query, "filter": f"any(id,[{names}])"}
        found = set(_ids(account.pages(settings.GET_PROFILES, by_name)).to_pylist())
        yield from (one for one in asked if one not in found)


def _ids(pages: Iterator[list[dict[str, Any]]]) -> pa.Array:
    chunks = [pa.array([record.get("id") for record in page], pa.string()) for page in pages]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
