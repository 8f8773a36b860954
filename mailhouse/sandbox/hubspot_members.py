"""Who is on which HubSpot list, and since when."""

from collections.abc import Iterable

import orjson

from mailhouse.sandbox.store import Store, stamp

LIST = "hubspot.list"
# whoever is gone, merged or archived is on no list
LISTED = (
    "list_member join object on object.kind = 'hubspot.contact' and object.id = list_member.profile_id and object.deleted = 0"
)


def join(store: Store, list_id: str, record_ids: Iterable[str]) -> list[str]:
    """Puts contacts on the list; those that were not on it."""
    with store.transaction() as connection:
        members = _those(store, list_id, record_ids, on_list=False)
        since = stamp(store.now())
        connection.executemany("insert into list_member values (?, ?, ?)", ((list_id, one, since) for one in members))
        if store.watcher is not None:
            store.watcher.tied(connection, LIST, list_id, members, joined=True)
        return list(members)


def leave(store: Store, list_id: str, record_ids: Iterable[str]) -> list[str]:
    """Takes contacts off the list; those that were on it."""
    with store.transaction() as connection:
        members = _those(store, list_id, record_ids, on_list=True)
        connection.executemany(
            "delete from list_member where list_id = ? and profile_id = ?", ((list_id, one) for one in members)
        )
        if store.watcher is not None:
            store.watcher.tied(connection, LIST, list_id, members, joined=False)
        return list(members)


def leave_all(store: Store, record_id: str) -> None:
    """Off every list: the contact is archived or gone."""
    with store.transaction() as connection:
        connection.execute("delete from list_member where profile_id = ?", (record_id,))


def take_over(store: Store, loser_id: str, winner_id: str) -> None:
    """The lists of a contact that is merged away are the winner's from now on."""
    with store.transaction() as connection:
        connection.execute("update or ignore list_member set profile_id = ? where profile_id = ?", (winner_id, loser_id))
    leave_all(store, loser_id)


def count(store: Store, list_id: str) -> int:
    """How many contacts the list has."""
    return store.query(f"select count(*) from {LISTED} where list_id = ?", (list_id,))[0][0]


def page(store: Store, list_id: str, after: str, limit: int) -> list[tuple[str, str]]:
    """(id, joined at) of the next members in the order of their ids, behind `after`."""
    statement = f"select profile_id, joined_at from {LISTED} where list_id = ? and object.num > ? order by object.num limit ?"
    return store.query(statement, (list_id, int(after), limit))


def lists_of(store: Store, record_id: str) -> list[str]:
    """The lists that a contact is on."""
    return [row[0] for row in store.query("select list_id from list_member where profile_id = ? order by 1", (record_id,))]


def _those(store: Store, list_id: str, record_ids: Iterable[str], *, on_list: bool) -> dict[str, str]:
    """Which of the contacts exist and are, or are not, on the list: address by id, in the order given."""
    wanted = orjson.dumps(list(dict.fromkeys(record_ids))).decode()
    statement = (
        "select object.id, object.email from json_each(?) as asked"
        " cross join object on object.kind = 'hubspot.contact' and object.id = asked.value and object.parent = ''"
        f" where object.deleted = 0 and {'' if on_list else 'not'} exists"
        " (select 1 from list_member where list_id = ? and profile_id = object.id) order by asked.key"
    )
    return dict(store.query(statement, (wanted, list_id)))
