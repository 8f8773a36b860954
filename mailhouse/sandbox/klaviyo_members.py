"""Who is on which Klaviyo list, and since when."""

from collections.abc import Iterable
from typing import Any

from mailhouse.sandbox import members
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.sandbox.members import Kinds, count, lists_of, member_ids, put_on, take_off
from mailhouse.sandbox.store import Row, Store

__all__ = ["LIST", "count", "join", "leave", "lists_of", "member_ids", "page", "put_on", "take_off"]

LIST = "klaviyo.list"
KINDS = Kinds(LIST, PROFILE)
LISTED = "list_member join object on object.kind = 'klaviyo.profile' and object.id = list_member.profile_id"


def join(store: Store, list_id: str, profile_ids: Iterable[str], at: str | None = None) -> list[str]:
    """Puts profiles on the list; those that were not on it."""
    return members.join(store, KINDS, list_id, profile_ids, at)


def leave(store: Store, list_id: str, profile_ids: Iterable[str]) -> list[str]:
    """Takes profiles off the list; those that were on it."""
    return members.leave(store, KINDS, list_id, profile_ids)


def page(
    store: Store, list_id: str, where: str, values: list[Any], *, after: list[str] | None, reverse: bool, limit: int
) -> list[tuple[str, Row]]:
    """(joined at, profile) in the order in which they joined; `after` is the last (joined at, id) seen.

    The order is from the latest backwards when `reverse`.
    """
    way, beyond = ("desc", "<") if reverse else ("asc", ">")
    conditions, bound = f"list_id = ? and ({where})", [list_id, *values]
    if after is not None:
        conditions, bound = f"{conditions} and (joined_at, profile_id) {beyond} (?, ?)", [*bound, *after]
    statement = (
        f"select profile_id, joined_at from {LISTED} where {conditions} order by joined_at {way}, profile_id {way} limit ?"
    )
    found = store.query(statement, (*bound, limit))
    rows = store.get_many(PROFILE, [identifier for identifier, _ in found])
    return [(joined, rows[identifier]) for identifier, joined in found]
