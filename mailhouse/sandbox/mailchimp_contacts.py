"""Mailchimp's endpoints about members: listing, and one at a time."""

from typing import Any

from mailhouse.sandbox.mailchimp_events import forget
from mailhouse.sandbox.mailchimp_lists import list_of
from mailhouse.sandbox.mailchimp_members import FORGOTTEN, MEMBER, SEGMENT, MemberRefused, Members, tag_names
from mailhouse.sandbox.mailchimp_statistics import Statistics
from mailhouse.sandbox.mailchimp_words import Problem, hash_of, invalid, not_found, window
from mailhouse.sandbox.store import Row, stamp
from mailhouse.sandbox.wire import Call, Reply


class Contacts:
    """The handlers under /lists/{list_id}/members."""

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics

    def listing(self, call: Call) -> Reply:
        """GET members: all statuses unless one is asked for, archived members included."""
        count, offset = window(call)
        list_id, store = list_of(call).id, call.runtime.store
        where, values = "parent = ?", [list_id]
        for name, comparison in (("since_last_changed", ">"), ("before_last_changed", "<=")):
            if call.query.get(name):
                where, values = f"{where} and updated_at {comparison} ?", [*values, _time(call.query[name], name)]
        if call.query.get("status"):
            where, values = f"{where} and json_extract(body, '$.status') = ?", [*values, call.query["status"]]
        way = "desc" if call.query.get("sort_dir", "ASC").upper() == "DESC" else "asc"
        ordering = f"updated_at {way}, id {way}" if call.query.get("sort_field") == "last_changed" else f"num {way}, id {way}"
        rows = store.search(MEMBER, where, values, ordering=ordering, limit=count, offset=offset, deleted=None)
        body = {
            "members": Members(store, list_id).json(rows),
            "list_id": list_id,
            "total_items": store.search_count(MEMBER, where, values, deleted=None),
        }
        return Reply(body=body, rows=len(rows))

    def one(self, call: Call) -> Reply:
        row = self._found(call)
        return Reply(body=Members(call.runtime.store, row.parent).json([row])[0], rows=1)

    def add(self, call: Call) -> Reply:
        """POST members: new ones only."""
        asked = self._asked(call)
        existing = call.runtime.store.get(MEMBER, hash_of(str(asked.get("email_address") or "")), call.params["list_id"])
        if existing is not None and existing.body["status"] != "archived":
            detail = f"{asked['email_address']} is already a list member. Use PUT to insert or update list members."
            raise Problem(400, "Member Exists", detail)
        return self._write(call, asked, existing, new_status="status")

    def upsert(self, call: Call) -> Reply:
        """PUT members/{hash}: `status_if_new` for those who are not there yet."""
        asked = self._asked(call)
        old = call.runtime.store.get(MEMBER, call.params["hash"].lower(), call.params["list_id"])
        return self._write(call, asked, old)

    def update(self, call: Call) -> Reply:
        """PATCH members/{hash}."""
        asked = self._asked(call)
        return self._write(call, asked, self._found(call))

    def archive(self, call: Call) -> Reply:
        """DELETE members/{hash}: archived, and nothing but the archive knows any more what the status was."""
        row = self._found(call)
        if row.body["status"] == "archived":
            raise Problem(405, "Method Not Allowed", "This list member cannot be removed.")
        self.statistics.before_write(row.parent)
        now = stamp(call.runtime.store.now())
        row.body |= {"status": "archived", "last_changed": now}
        row.updated_at = now
        call.runtime.store.put(MEMBER, row)
        return Reply(204, rows=1)

    def delete_permanently(self, call: Call) -> Reply:
        """POST members/{hash}/actions/delete-permanent: gone, and the address may not come back through the API."""
        row, store = self._found(call), call.runtime.store
        self.statistics.before_write(row.parent)
        with store.transaction():
            store.delete(MEMBER, row.id, row.parent)
            forget(store, row)
            for segment in store.tags_of(row.parent, [row.id]).get(row.id, ()):
                store.tag_remove(row.parent, segment, [row.id])
            store.put(FORGOTTEN, Row(row.id, {"id": row.id}, store.now(), parent=row.parent))
        return Reply(204, rows=1)

    def tags(self, call: Call) -> Reply:
        row, store = self._found(call), call.runtime.store
        count, offset = window(call)
        carried = store.get_many(SEGMENT, store.tags_of(row.parent, [row.id]).get(row.id, ()), row.parent)
        tags = [{"id": int(key), "name": segment.body["name"]} for key, segment in sorted(carried.items())]
        return Reply(body={"tags": tags[offset : offset + count], "total_items": len(tags)}, rows=len(tags))

    def change_tags(self, call: Call) -> Reply:
        """POST members/{hash}/tags: [{name, status: active|inactive}]."""
        row, store = self._found(call), call.runtime.store
        asked = self._asked(call).get("tags")
        if not isinstance(asked, list) or not all(isinstance(tag, dict) for tag in asked):
            raise invalid("tags", "Schema describes array of objects")
        self.statistics.before_write(row.parent)
        with store.transaction():
            members = Members(store, row.parent)
            try:
                ids = members.tag_ids(tag_names(asked))
            except MemberRefused as refused:
                raise refused.problem() from refused
            for tag, segment in zip(asked, ids, strict=True):
                change = store.tag_remove if tag.get("status") == "inactive" else store.tag_add
                change(row.parent, segment, [row.id])
        return Reply(204, rows=1)

    def _asked(self, call: Call) -> dict[str, Any]:
        list_of(call)
        asked = call.json()
        if not isinstance(asked, dict):
            raise invalid("", "Schema describes object")
        return asked

    def _found(self, call: Call) -> Row:
        row = call.runtime.store.get(MEMBER, call.params["hash"].lower(), list_of(call).id)
        if row is None:
            raise not_found()
        return row

    def _write(self, call: Call, asked: dict[str, Any], old: Row | None, new_status: str = "status_if_new") -> Reply:
        store, list_id = call.runtime.store, call.params["list_id"]
        self.statistics.before_write(list_id)
        validate = call.query.get("skip_merge_validation", "false") != "true"
        with store.transaction():
            members = Members(store, list_id)
            try:
                row = members.write(asked, old, merge_validation=validate, new_status=new_status)
                segments = members.tag_ids(tag_names(asked.get("tags")))
            except MemberRefused as refused:
                raise refused.problem() from refused
            if old is not None and row.id != old.id:
                self._move(call, old, row)
            store.put(MEMBER, row)
            for segment in segments:
                store.tag_add(list_id, segment, [row.id])
            return Reply(body=members.json([row])[0], rows=1)

    def _move(self, call: Call, old: Row, row: Row) -> None:
        """A member who changed the address is the same contact under another id."""
        store = call.runtime.store
        if store.get(MEMBER, row.id, row.parent) is not None:
            raise Problem(400, "Member Exists", f"{row.body['email_address']} is already a list member.")
        for segment in store.tags_of(old.parent, [old.id]).get(old.id, ()):
            store.tag_remove(old.parent, segment, [old.id])
            store.tag_add(old.parent, segment, [row.id])
        store.delete(MEMBER, old.id, old.parent)


def _time(text: str, field: str) -> str:
    # a plus sign that was not escaped in the address arrives as a space
    try:
        return stamp(text.replace(" ", "+"))
    except ValueError:
        raise invalid(field, "This value is not a valid datetime.") from None
