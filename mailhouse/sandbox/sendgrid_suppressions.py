"""SendGrid's suppressions: the lists of the whole account, and the groups that people leave one by one.

Whoever is added to a group that was deleted, or never was, is suppressed globally.
"""

from collections.abc import Iterable
from typing import Any

from mailhouse.sandbox.sendgrid_people import ADDRESS, normal
from mailhouse.sandbox.sendgrid_words import COUNTER, Refused, body_of, epoch, number_of, of_epoch, texts
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Handler, Reply

SUPPRESSION, GROUP = "sendgrid.suppression", "sendgrid.group"
GLOBAL = "unsubscribes"
# what the entries of each list say beside the address and the time
LISTS: dict[str, tuple[str, ...]] = {
    "bounces": ("reason", "status"),
    "blocks": ("reason", "status"),
    "spam_reports": ("ip",),
    "invalid_emails": ("reason",),
    GLOBAL: (),
}
MOST_LISTED = 500


class Suppressions:
    """The handlers under /v3/suppression and /v3/asm."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- the lists of the account -----------------------------------------------------------------------------------
    def listing(self, name: str) -> Handler:
        """GET of one list: by time, with offset and limit."""

        def answer(call: Call) -> Reply:
            limit, offset = number_of(call, "limit", MOST_LISTED, 1, MOST_LISTED), number_of(call, "offset", 0, 0)
            where, values = "parent = ?", [name]
            for bound, operator in (("start_time", ">="), ("end_time", "<=")):
                if bound in call.query:
                    # both ends are included, and an entry's time has no fraction
                    where, values = f"{where} and updated_at {operator} ?", [*values, of_epoch(number_of(call, bound, 0, 0))]
            if "email" in call.query:
                where, values = f"{where} and email like ?", [*values, normal("email", call.query["email"]) + "%"]
            rows = self.store.search(SUPPRESSION, where, values, ordering="updated_at, id", limit=limit, offset=offset)
            return Reply(body=[entry_json(row, name) for row in rows], rows=len(rows))

        return answer

    def one(self, name: str) -> Handler:
        def answer(call: Call) -> Reply:
            row = self.store.get(SUPPRESSION, normal("email", call.params["email"]), name)
            return Reply(body=[entry_json(row, name)] if row else [])

        return answer

    def lift(self, name: str) -> Handler:
        def answer(call: Call) -> Reply:
            self.store.delete(SUPPRESSION, normal("email", call.params["email"]), name)
            return Reply(204, rows=1)

        return answer

    def suppress_globally(self, call: Call) -> Reply:
        addresses = _addresses(call)
        self._add(GLOBAL, addresses)
        return Reply(201, {"recipient_emails": addresses}, rows=len(addresses))

    def is_suppressed_globally(self, call: Call) -> Reply:
        row = self.store.get(SUPPRESSION, normal("email", call.params["email"]), GLOBAL)
        return Reply(body={"recipient_email": row.email} if row else {})

    # -- groups -----------------------------------------------------------------------------------------------------
    def groups(self, _: Call) -> Reply:
        return Reply(body=[self._group_json(row) for row in self.store.page(GROUP, limit=-1)])

    def group(self, call: Call) -> Reply:
        return Reply(body=self._group_json(self._group(call)))

    def create_group(self, call: Call) -> Reply:
        body = body_of(call)
        name, description = body.get("name"), body.get("description")
        if not isinstance(name, str) or not 1 <= len(name) <= 30 or not isinstance(description, str) or len(description) > 100:
            raise Refused(400, "name and description are required", "name")
        number = self.store.numbers(COUNTER, 1)()
        row = group_row(number, name, description, stamp(self.store.now()), is_default=bool(body.get("is_default")))
        self.store.put(GROUP, row)
        found = self._group_json(row)
        del found["unsubscribes"]
        return Reply(201, found, rows=1)

    def delete_group(self, call: Call) -> Reply:
        """Everybody in it can be mailed again."""
        row = self._group(call)
        with self.store.transaction():
            self.store.put(GROUP, Row(row.id, row.body, stamp(self.store.now()), row.created_at, deleted=True))
            for one in self._of_group(row.id):
                self.store.delete(SUPPRESSION, one.id, one.parent)
        return Reply(204, rows=1)

    def suppress_in_group(self, call: Call) -> Reply:
        addresses = _addresses(call)
        row = self.store.get(GROUP, call.params["group_id"])
        self._add(GLOBAL if row is None or row.deleted else group_list(row.id), addresses)
        return Reply(201, {"recipient_emails": addresses}, rows=len(addresses))

    def of_group(self, call: Call) -> Reply:
        return Reply(body=[row.email for row in self._of_group(self._group(call).id)])

    def search_group(self, call: Call) -> Reply:
        there = {row.email for row in self._of_group(self._group(call).id)}
        return Reply(body=[one for one in _addresses(call) if one in there])

    def lift_in_group(self, call: Call) -> Reply:
        self.store.delete(SUPPRESSION, normal("email", call.params["email"]), group_list(call.params["group_id"]))
        return Reply(204, rows=1)

    def of_all_groups(self, _: Call) -> Reply:
        found = []
        for group in self.store.page(GROUP, limit=-1):
            of = {"group_id": int(group.id), "group_name": group.body["name"]}
            found += [{"email": row.email, **of, "created_at": row.body["created"]} for row in self._of_group(group.id)]
        return Reply(body=found, rows=len(found))

    def groups_left(self, call: Call) -> Reply:
        address = normal("email", call.params["email"])
        found = []
        for group in self.store.page(GROUP, limit=-1):
            is_there = self.store.get(SUPPRESSION, address, group_list(group.id)) is not None
            names = ("name", "description", "is_default")
            found.append({"id": int(group.id), **{name: group.body[name] for name in names}, "suppressed": is_there})
        return Reply(body={"suppressions": found})

    def _add(self, name: str, addresses: Iterable[str]) -> None:
        now = stamp(self.store.now())
        there = self.store.get_many(SUPPRESSION, addresses, name)
        self.store.put_many(SUPPRESSION, [entry_row(name, one, now) for one in dict.fromkeys(addresses) if one not in there])

    def _group(self, call: Call) -> Row:
        row = self.store.get(GROUP, call.params["group_id"])
        if row is None or row.deleted:
            raise Refused(404, "there is no group of that id")
        return row

    def _of_group(self, group_id: str) -> list[Row]:
        return self.store.page(SUPPRESSION, parent=group_list(group_id), limit=-1)

    def _group_json(self, row: Row) -> dict[str, Any]:
        return {"id": int(row.id), **row.body, "unsubscribes": self.store.count(SUPPRESSION, group_list(row.id))}


def group_list(group_id: str) -> str:
    """How the list of a group is called in the store."""
    return f"group:{group_id}"


def group_row(number: str, name: str, description: str, at: str, *, is_default: bool = False) -> Row:
    """For the store."""
    return Row(number, {"name": name, "description": description, "is_default": is_default}, at, at)


def entry_row(name: str, address: str, at: str, **more: str) -> Row:
    """An entry of a list, dated to the second; for the store."""
    address = normal("email", address)
    seconds = epoch(at)
    return Row(address, {"created": seconds, **more}, of_epoch(seconds), of_epoch(seconds), parent=name, email=address)


def entry_json(row: Row, name: str) -> dict[str, Any]:
    return {"created": row.body["created"], "email": row.email, **{word: row.body.get(word, "") for word in LISTS[name]}}


def is_suppressed(store: Store, address: str, group_id: str | None = None) -> bool:
    """Whether a mail to the address would be dropped; blocks are of the moment and keep nobody out."""
    names = [name for name in LISTS if name != "blocks"] + ([group_list(group_id)] if group_id else [])
    return any(store.get(SUPPRESSION, normal("email", address), name) is not None for name in names)


def _addresses(call: Call) -> list[str]:
    found = [normal("email", one) for one in texts(body_of(call), "recipient_emails", required=True)]
    if not all(ADDRESS.fullmatch(one) for one in found):
        raise Refused(400, "an address is invalid", "recipient_emails")
    return found
