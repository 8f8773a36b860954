"""Who is on which Klaviyo list, and since when."""

from collections.abc import Iterable
from typing import Any

import orjson

from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.sandbox.store import Row, Store, stamp

LIST = "klaviyo.list"
LISTED = "list_member join object on object.kind = 'klaviyo.profile' and object.id = list_member.profile_id"


def join(store: Store, list_id: str, profile_ids: Iterable[str], at: str | None = None) -> int:
    """Puts profiles on the list; how many were not on it."""
    with store.transaction() as connection:
        members = _those(store, list_id, profile_ids, on_list=False)
        since = at or stamp(store.now())
        connection.executemany("insert into list_member values (?, ?, ?)", ((list_id, one, since) for one in members))
        if store.watcher is not None:
            store.watcher.tied(connection, LIST, list_id, members, joined=True)
        return len(members)


def leave(store: Store, list_id: str, profile_ids: Iterable[str]) -> int:
    """Takes profiles off the list; how many were on it."""
    with store.transaction() as connection:
        members = _those(store, list_id, profile_ids, on_list=True)
        connection.executemany(
            "delete from list_member where list_id = ? and profile_id = ?", ((list_id, one) for one in members)
        )
        if store.watcher is not None:
            store.watcher.tied(connection, LIST, list_id, members, joined=False)
        return len(members)


def put_on(store: Store, list_id: str, profile_ids: Iterable[str], at: str) -> None:
    """Fills a list for somebody who is no caller: nothing is checked, nothing is started."""
    with store.transaction() as connection:
        rows = ((list_id, one, at) for one in profile_ids)
        connection.executemany("insert or ignore into list_member values (?, ?, ?)", rows)


def take_off(store: Store, list_id: str, profile_ids: Iterable[str]) -> None:
    """The reverse of `put_on`."""
    with store.transaction() as connection:
        rows = ((list_id, one) for one in profile_ids)
        connection.executemany("delete from list_member where list_id = ? and profile_id = ?", rows)


def _those(store: Store, list_id: str, profile_ids: Iterable[str], *, on_list: bool) -> dict[str, str]:
    """Which of the profiles exist and are, or are not, on the list: address by id, in the order given."""
    wanted = orjson.dumps(list(dict.fromkeys(profile_ids))).decode()
    statement = (
        "select object.id, object.email from json_each(?) as asked"
        f" cross join object on object.kind = '{PROFILE}' and object.id = asked.value and object.parent = ''"
        f" where {'' if on_list else 'not'} exists (select 1 from list_member where list_id = ? and profile_id = object.id)"
        " order by asked.key"
    )
    return dict(store.query(statement, (wanted, list_id)))


def count(store: Store, list_id: str) -> int:
    """How many profiles the list has."""
    return store.query("select count(*) from list_member where list_id = ?", (list_id,))[0][0]


def member_ids(store: Store, list_id: str) -> list[str]:
    """All profiles of the list, the first to join first."""
    statement = "select profile_id from list_member where list_id = ? order by joined_at, profile_id"
    return [row[0] for row in store.query(statement, (list_id,))]


def lists_of(store: Store, profile_id: str) -> list[str]:
    """The lists that a profile is on."""
    return [row[0] for row in store.query("select list_id from list_member where profile_id = ? order by 1", (profile_id,))]


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
