"""Mailchimp's lists: their figures, their complaints, and the batch that adds and updates up to 500 members."""

from typing import Any

from mailhouse.sandbox.mailchimp_members import MEMBER, MemberRefused, Members, tag_names
from mailhouse.sandbox.mailchimp_statistics import Statistics, list_stats
from mailhouse.sandbox.mailchimp_words import Problem, hash_of, invalid, not_found, shown, window
from mailhouse.sandbox.store import Row
from mailhouse.sandbox.wire import Call, Reply

LIST = "mailchimp.list"
ABUSE_REPORT = "mailchimp.abuse_report"
CAMPAIGN = "mailchimp.campaign"
MERGE_FIELD = "mailchimp.merge_field"
BATCH = 500


def list_of(call: Call) -> Row:
    """The list that the path names; raises Problem when there is none."""
    row = call.runtime.store.get(LIST, call.params["list_id"])
    if row is None:
        raise not_found()
    return row


class Lists:
    """The handlers under /lists that are about the list as a whole."""

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics

    def listing(self, call: Call) -> Reply:
        count, offset = window(call)
        store = call.runtime.store
        rows = store.page(LIST, limit=count, offset=offset)
        return Reply(body={"lists": [self._json(row, call) for row in rows], "total_items": store.count(LIST)}, rows=len(rows))

    def one(self, call: Call) -> Reply:
        return Reply(body=self._json(list_of(call), call), rows=1)

    def _json(self, row: Row, call: Call) -> dict[str, Any]:
        store = call.runtime.store
        campaigns = store.search_count(CAMPAIGN, "json_extract(body, '$.recipients.list_id') = ?", [row.id])
        stats = list_stats(
            self.statistics.of(row.id), campaign_count=campaigns, merge_field_count=store.count(MERGE_FIELD, row.id)
        )
        return {**row.body, "date_created": shown(row.body.get("date_created")), "stats": stats}

    def abuse_reports(self, call: Call) -> Reply:
        count, offset = window(call)
        store, list_id = call.runtime.store, list_of(call).id
        rows = store.page(ABUSE_REPORT, parent=list_id, limit=count, offset=offset)
        reports = [{**row.body, "id": int(row.id), "list_id": list_id, "date": shown(row.body.get("date"))} for row in rows]
        body = {"abuse_reports": reports, "list_id": list_id, "total_items": store.count(ABUSE_REPORT, list_id)}
        return Reply(body=body, rows=len(rows))

    def batch(self, call: Call) -> Reply:
        """POST /lists/{id}: each member is taken or refused on its own, the others are not touched by a refusal."""
        list_id = list_of(call).id
        asked = call.json()
        given = asked.get("members") if isinstance(asked, dict) else None
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise invalid("members", "Schema describes array of objects")
        if len(given) > BATCH:
            raise invalid("members", f"You may add or update at most {BATCH} members in one call.")
        self.statistics.before_write(list_id)
        with call.runtime.store.transaction():
            return BatchOfMembers(call, list_id, asked).apply(given)


class BatchOfMembers:
    """One call of the batch endpoint."""

    def __init__(self, call: Call, list_id: str, asked: dict[str, Any]) -> None:
        self.members = Members(call.runtime.store, list_id)
        self.refused_rows = call.refused_rows
        self.update_existing = bool(asked.get("update_existing", False))
        self.sync_tags = bool(asked.get("sync_tags", False))
        self.merge_validation = call.query.get("skip_merge_validation", "false") != "true"
        self.duplicates_pass = call.query.get("skip_duplicate_check", "false") == "true"
        self.new: list[Row] = []
        self.updated: list[Row] = []
        self.errors: list[dict[str, Any]] = []

    def apply(self, given: list[dict[str, Any]]) -> Reply:
        store, list_id = self.members.store, self.members.list_id
        hashes = [hash_of(str(item.get("email_address") or "")) for item in given]
        known = store.get_many(MEMBER, hashes, list_id)
        tags: dict[str, set[str]] = {}
        seen: set[str] = set()
        for item, member_id in zip(given, hashes, strict=True):
            if member_id in seen and self.duplicates_pass:
                continue
            try:
                row = self._take(item, member_id in seen, known.get(member_id))
                for segment in self.members.tag_ids(tag_names(item.get("tags"))):
                    tags.setdefault(segment, set()).add(member_id)
            except MemberRefused as refused:
                self.errors.append(refused.row(item.get("email_address")))
                continue
            there = member_id in known and known[member_id].body["status"] != "archived"
            (self.updated if there else self.new).append(row)
            seen.add(member_id)
        store.put_many(MEMBER, [*self.new, *self.updated])
        if self.sync_tags:
            taken = [row.id for row in (*self.new, *self.updated)]
            for segment in self.members.segments():
                store.tag_remove(list_id, segment, taken)
        for segment, member_ids in tags.items():
            store.tag_add(list_id, segment, member_ids)
        return self._reply()

    def _take(self, item: dict[str, Any], repeated: bool, old: Row | None) -> Row:
        email = item.get("email_address")
        if str(email).lower() in self.refused_rows:
            raise MemberRefused("Bad Request", f"{email} was refused on order.")
        if repeated:
            raise MemberRefused(
                "Bad Request", f"{email} appears more than once in this request.", field="email_address", message="Duplicate"
            )
        if old is not None and old.body["status"] != "archived" and not self.update_existing:
            message = (
                f"{email} is already a list member, do you want to update?"
                " please provide update_existing:true in the request body"
            )
            raise MemberRefused("Member Exists", message, code="ERROR_CONTACT_EXISTS")
        return self.members.write(item, old, merge_validation=self.merge_validation)

    def _reply(self) -> Reply:
        body = {
            "new_members": self.members.json(self.new),
            "updated_members": self.members.json(self.updated),
            "errors": self.errors,
            "total_created": len(self.new),
            "total_updated": len(self.updated),
            "error_count": len(self.errors),
        }
        return Reply(body=body, rows=len(self.new) + len(self.updated))


def deny_more_than(most: int, given: Any, field: str) -> list[str]:
    """The list of texts, or a Problem when it is none or too long."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise invalid(field, "Schema describes array of strings")
    if len(given) > most:
        raise Problem(400, "Bad Request", f"{field} may hold at most {most} addresses in one call.")
    return given
