"""Who is on which HubSpot list, and since when."""

from collections.abc import Iterable

from mailhouse.sandbox import members
from mailhouse.sandbox.members import Kinds, lists_of
from mailhouse.sandbox.store import Store

__all__ = ["LIST", "count", "join", "leave", "leave_all", "lists_of", "page", "take_over"]

LIST = "hubspot.list"
KINDS = Kinds(LIST, "hubspot.contact")
# whoever is gone, merged or archived is on no list
LISTED = (
    "list_member join object on object.kind = 'hubspot.contact' and object.id = list_member.profile_id and object.deleted = 0"
)


def join(store: Store, list_id: str, record_ids: Iterable[str]) -> list[str]:
    """Puts contacts on the list; those that were not on it."""
    return members.join(store, KINDS, list_id, record_ids)


def leave(store: Store, list_id: str, record_ids: Iterable[str]) -> list[str]:
    """Takes contacts off the list; those that were on it."""
    return members.leave(store, KINDS, list_id, record_ids)


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
