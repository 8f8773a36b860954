"""Who is on which of a vendor's lists, and since when."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from mailhouse.sandbox.store import Store, stamp


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a vendor's lists and those who are on them are called in the store."""

    list: str
    member: str


def join(store: Store, kinds: Kinds, list_id: str, member_ids: Iterable[str], at: str | None = None) -> list[str]:
    """Puts members on the list; those that were not on it."""
    with store.transaction() as connection:
        members = _those(store, kinds, list_id, member_ids, on_list=False)
        since = at or stamp(store.now())
        connection.executemany("insert into list_member values (?, ?, ?)", ((list_id, one, since) for one in members))
        if store.watcher is not None:
            store.watcher.tied(connection, kinds.list, list_id, members, joined=True)
        return list(members)


def leave(store: Store, kinds: Kinds, list_id: str, member_ids: Iterable[str]) -> list[str]:
    """Takes members off the list; those that were on it."""
    with store.transaction() as connection:
        members = _those(store, kinds, list_id, member_ids, on_list=True)
        connection.executemany(
            "delete from list_member where list_id = ? and profile_id = ?", ((list_id, one) for one in members)
        )
        if store.watcher is not None:
            store.watcher.tied(connection, kinds.list, list_id, members, joined=False)
        return list(members)


def put_on(store: Store, list_id: str, member_ids: Iterable[str], at: str) -> None:
    """Fills a list for somebody who is no caller: nothing is checked, nothing is started."""
    with store.transaction() as connection:
        rows = ((list_id, one, at) for one in member_ids)
        connection.executemany("insert or ignore into list_member values (?, ?, ?)", rows)


def take_off(store: Store, list_id: str, member_ids: Iterable[str]) -> None:
    """The reverse of `put_on`."""
    with store.transaction() as connection:
        rows = ((list_id, one) for one in member_ids)
        connection.executemany("delete from list_member where list_id = ? and profile_id = ?", rows)


def _those(store: Store, kinds: Kinds, list_id: str, member_ids: Iterable[str], *, on_list: bool) -> dict[str, str]:
    """Which of the members exist and are, or are not, on the list: address by id, in the order given."""
    wanted = orjson.dumps(list(dict.fromkeys(member_ids))).decode()
    statement = (
        "select object.id, object.email from json_each(?) as asked"
        " cross join object on object.kind = ? and object.id = asked.value and object.parent = ''"
        f" where object.deleted = 0 and {'' if on_list else 'not'} exists"
        " (select 1 from list_member where list_id = ? and profile_id = object.id) order by asked.key"
    )
    return dict(store.query(statement, (wanted, kinds.member, list_id)))


def count(store: Store, list_id: str) -> int:
    """How many members the list has."""
    return store.query("select count(*) from list_member where list_id = ?", (list_id,))[0][0]


def member_ids(store: Store, list_id: str) -> list[str]:
    """All members of the list, the first to join first."""
    statement = "select profile_id from list_member where list_id = ? order by joined_at, profile_id"
    return [row[0] for row in store.query(statement, (list_id,))]


def lists_of(store: Store, member_id: str) -> list[str]:
    """The lists that a member is on."""
    return [row[0] for row in store.query("select list_id from list_member where profile_id = ? order by 1", (member_id,))]
