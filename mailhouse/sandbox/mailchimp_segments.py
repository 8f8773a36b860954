"""Mailchimp's tags as what they are underneath: static segments of a list."""

from typing import Any

from mailhouse.sandbox.mailchimp_lists import BATCH, deny_more_than, list_of
from mailhouse.sandbox.mailchimp_members import MEMBER, SEGMENT, Members
from mailhouse.sandbox.mailchimp_statistics import Statistics
from mailhouse.sandbox.mailchimp_words import Problem, hash_of, invalid, not_found, shown, window
from mailhouse.sandbox.store import Row, stamp
from mailhouse.sandbox.wire import Call, Reply

COUNTED = ("cleaned", "transactional", "unsubscribed")


class Segments:
    """The handlers under /lists/{list_id}/segments."""

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics

    def listing(self, call: Call) -> Reply:
        count, offset = window(call)
        list_id, store = list_of(call).id, call.runtime.store
        # all segments here are static, so any other type finds none
        static = call.query.get("type", "static") == "static"
        rows = store.page(SEGMENT, parent=list_id, limit=count, offset=offset) if static else []
        body = {
            "segments": [self._json(row, call) for row in rows],
            "list_id": list_id,
            "total_items": store.count(SEGMENT, list_id) if static else 0,
        }
        return Reply(body=body, rows=len(rows))

    def one(self, call: Call) -> Reply:
        return Reply(body=self._json(self._found(call), call), rows=1)

    def create(self, call: Call) -> Reply:
        """POST segments: `static_segment` may name its first members."""
        list_id, store, asked = list_of(call).id, call.runtime.store, call.json()
        name = asked.get("name")
        if not isinstance(name, str) or not name or len(name) > 100:
            raise invalid("name", "A name of 1 to 100 characters is needed.")
        addresses = deny_more_than(BATCH, asked.get("static_segment"), "static_segment")
        self.statistics.before_write(list_id)
        with store.transaction():
            members = Members(store, list_id)
            if name in members.segments().values():
                raise Problem(400, "Bad Request", "Sorry, that tag already exists.")
            row = members.create_segment(name)
            store.tag_add(list_id, row.id, [member.id for member in self._members(call, addresses)[0]])
        return Reply(body=self._json(row, call), rows=1)

    def remove(self, call: Call) -> Reply:
        row, store = self._found(call), call.runtime.store
        self.statistics.before_write(row.parent)
        with store.transaction():
            store.tag_remove(row.parent, row.id, store.tag_members(row.parent, row.id))
            store.delete(SEGMENT, row.id, row.parent)
        return Reply(204, rows=1)

    def members(self, call: Call) -> Reply:
        """GET segments/{id}/members: subscribed members, and others only when asked to include them."""
        row, store = self._found(call), call.runtime.store
        count, offset = window(call)
        statuses = ["subscribed", *(status for status in COUNTED if call.query.get(f"include_{status}") == "true")]
        where = (
            "parent = ? and id in (select member_id from tag_member where list_id = ? and segment_id = ?)"
            f" and json_extract(body, '$.status') in ({', '.join('?' * len(statuses))})"
        )
        values = [row.parent, row.parent, row.id, *statuses]
        found = store.search(MEMBER, where, values, ordering="num, id", limit=count, offset=offset, deleted=None)
        total = store.search_count(MEMBER, where, values, deleted=None)
        return Reply(body={"members": Members(store, row.parent).json(found), "total_items": total}, rows=len(found))

    def change(self, call: Call) -> Reply:
        """POST segments/{id}: adds and removes up to 500 each; addresses that are not on the list are passed over."""
        row, store, asked = self._found(call), call.runtime.store, call.json()
        adds = deny_more_than(BATCH, asked.get("members_to_add"), "members_to_add")
        removes = deny_more_than(BATCH, asked.get("members_to_remove"), "members_to_remove")
        self.statistics.before_write(row.parent)
        with store.transaction():
            carriers = set(store.tag_members(row.parent, row.id))
            to_add, unknown = self._members(call, [one for one in adds if one.lower() not in call.refused_rows])
            unknown += [one for one in adds if one.lower() in call.refused_rows]
            to_remove, unknown_too = self._members(call, removes)
            added = [member for member in to_add if member.id not in carriers]
            removed = [member for member in to_remove if member.id in carriers]
            store.tag_add(row.parent, row.id, [member.id for member in added])
            store.tag_remove(row.parent, row.id, [member.id for member in removed])
            row.body["updated_at"] = stamp(store.now())
            store.put(SEGMENT, row)
            members = Members(store, row.parent)
            errors = [
                {"email_addresses": addresses, "error": "Email addresses do not exist on this list."}
                for addresses in (unknown, unknown_too)
                if addresses
            ]
            body = {
                "members_added": members.json(added),
                "members_removed": members.json(removed),
                "errors": errors,
                "total_added": len(added),
                "total_removed": len(removed),
                "error_count": len(errors),
            }
        return Reply(body=body, rows=len(added) + len(removed))

    def _members(self, call: Call, addresses: list[str]) -> tuple[list[Row], list[str]]:
        """The members of those addresses, and the addresses of nobody; the archived are not on the list."""
        by_id = {hash_of(address): address for address in addresses}
        found = call.runtime.store.get_many(MEMBER, by_id, call.params["list_id"])
        there = [row for row in found.values() if row.body["status"] != "archived"]
        known = {row.id for row in there}
        return there, [address for key, address in by_id.items() if key not in known]

    def _found(self, call: Call) -> Row:
        row = call.runtime.store.get(SEGMENT, call.params["segment_id"], list_of(call).id)
        if row is None:
            raise not_found()
        return row

    def _json(self, row: Row, call: Call) -> dict[str, Any]:
        statuses = self.statistics.of(row.parent).tags.get(row.id, {})
        counted = ["subscribed", *(status for status in COUNTED if call.query.get(f"include_{status}") == "true")]
        return {
            **row.body,
            "id": int(row.id),
            "type": "static",
            "list_id": row.parent,
            "member_count": sum(statuses.get(status, 0) for status in counted),
            "created_at": shown(row.body.get("created_at")),
            "updated_at": shown(row.body.get("updated_at")),
        }
