"""SendGrid's contact lists: made, counted, left, and deleted with or without those on them."""

from typing import Any

from mailhouse.sandbox import members
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.sendgrid_people import CONTACT, KINDS, LIST, contact_json, remove
from mailhouse.sandbox.sendgrid_words import Refused, body_of, fresh, number_of, page
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

REMOVE = "remove"
MOST_SAMPLED = 50


class Lists:
    """The handlers under /v3/marketing/lists."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

    def listing(self, call: Call) -> Reply:
        size, offset = number_of(call, "page_size", 100, 1, 1_000), number_of(call, "page_token", 0, 0)
        rows = self.store.page(LIST, limit=size + 1, offset=offset)
        token = str(offset + size) if len(rows) > size else None
        return page(call, "result", [self._json(call, row) for row in rows[:size]], token, self.store.count(LIST))

    def one(self, call: Call) -> Reply:
        row = self._found(call)
        found = self._json(call, row)
        if call.query.get("contact_sample") == "true":
            newest = members.member_ids(self.store, row.id)[-1:]
            rows = self.store.get_many(CONTACT, newest)
            if rows:
                found["contact_sample"] = contact_json(call, self.store, rows[newest[0]])
        return Reply(body=found)

    def count(self, call: Call) -> Reply:
        there = members.count(self.store, self._found(call).id)
        return Reply(body={"contact_count": there, "billable_count": there})

    def create(self, call: Call) -> Reply:
        name = body_of(call).get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= 100:
            raise Refused(400, "name must have from 1 to 100 characters", "name")
        if any(row.body["name"] == name for row in self.store.page(LIST, limit=-1)):
            raise Refused(400, "a list of this name exists already", "name")
        row = list_row(fresh(self.store, "list")(1)(), name, stamp(self.store.now()))
        self.store.put(LIST, row)
        return Reply(201, self._json(call, row), rows=1)

    def rename(self, call: Call) -> Reply:
        row, name = self._found(call, bare=False), body_of(call).get("name")
        if not isinstance(name, str) or not name:
            raise Refused(400, "name is required", "name")
        row.body["name"], row.updated_at = name, stamp(self.store.now())
        self.store.put(LIST, row)
        return Reply(body=self._json(call, row), rows=1)

    def delete(self, call: Call) -> Reply:
        row = self._found(call, bare=False)
        on_it = members.member_ids(self.store, row.id)
        with self.store.transaction():
            members.leave(self.store, KINDS, row.id, on_it)
            self.store.delete(LIST, row.id)
        if call.query.get("delete_contacts") == "true":
            remove(self.store, on_it)
            return Reply(200, {"job_id": fresh(self.store, "job")(1)()}, rows=1)
        return Reply(204, rows=1)

    def take_off(self, call: Call) -> Reply:
        """DELETE contacts: a job; contacts stay, only their membership ends."""
        row = self._found(call)
        ids = [one for one in call.query.get("contact_ids", "").split(",") if one]
        if not ids:
            raise Refused(400, "contact_ids is required", "contact_ids")
        if len(self.store.get_many(CONTACT, ids)) < len(set(ids)):
            raise Refused(404, "one or more contacts do not exist", "contact_ids", bare=True)
        job = self.jobs.take(call, REMOVE, {"list": row.id, "ids": ids}, requested=len(ids))
        return Reply(202, {"job_id": job.id}, rows=len(ids))

    def work_remove(self, job: Row) -> None:
        payload = job.body["payload"]
        job.body |= {"deleted": len(members.leave(self.store, KINDS, payload["list"], payload["ids"])), "errored": 0}

    def _found(self, call: Call, *, bare: bool = True) -> Row:
        row = self.store.get(LIST, call.params["id"])
        if row is None:
            raise Refused(404, "there is no list of that id", bare=bare)
        return row

    def _json(self, call: Call, row: Row) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.body["name"],
            "contact_count": members.count(self.store, row.id),
            "_metadata": {"self": f"{call.base_url}/v3/marketing/lists/{row.id}"},
        }


def list_row(identifier: str, name: str, at: str) -> Row:
    """For the store."""
    return Row(identifier, {"name": name}, at, at)
