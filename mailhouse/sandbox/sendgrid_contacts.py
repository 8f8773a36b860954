"""SendGrid's contacts: upserts and deletions as jobs, look-ups of a few, and no listing of all."""

import re
from typing import Any

from mailhouse.sandbox import members
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.sendgrid_fields import FIELD
from mailhouse.sandbox.sendgrid_files import Files
from mailhouse.sandbox.sendgrid_lists import REMOVE
from mailhouse.sandbox.sendgrid_people import (
    ADDRESS,
    CONTACT,
    KINDS,
    LIST,
    ContactRefused,
    People,
    contact_json,
    normal,
    remove,
)
from mailhouse.sandbox.sendgrid_words import Refused, body_of, shown, texts
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

UPSERT, DELETE = "upsert", "delete"
MOST_CONTACTS, MOST_BYTES = 30_000, 6_000_000
MOST_LOOKED_UP, MOST_FOUND = 100, 50
# the part of SendGrid's query language that stands here for all of it
CONDITION = re.compile(r"\s*(email|updated_at|created_at)\s*(=|>=|<=|>|<|like)\s*(?:'([^']*)'|\"([^\"]*)\")\s*", re.IGNORECASE)
COLUMNS = {"email": "email", "updated_at": "updated_at", "created_at": "created_at"}


class Contacts:
    """The handlers under /v3/marketing/contacts, and the workers behind them."""

    def __init__(self, store: Store, jobs: Jobs, files: Files) -> None:
        self.store, self.jobs, self.files = store, jobs, files

    # -- jobs -------------------------------------------------------------------------------------------------------
    def upsert(self, call: Call) -> Reply:
        """PUT: the whole is refused for what is malformed; what is not true of one contact is its own error later."""
        if len(call.body) > MOST_BYTES:
            raise Refused(413)
        body = body_of(call)
        contacts = body.get("contacts")
        if not isinstance(contacts, list) or not 1 <= len(contacts) <= MOST_CONTACTS:
            raise Refused(400, f"contacts must have from 1 to {MOST_CONTACTS} entries", "contacts")
        if not all(isinstance(one, dict) for one in contacts):
            raise Refused(400, "every contact must be an object", "contacts")
        lists = texts(body, "list_ids")
        for list_id in lists:
            if self.store.get(LIST, list_id) is None:
                raise Refused(404, "a list of that id does not exist", "list_ids")
        self._known_fields(contacts)
        payload = {"contacts": contacts, "lists": lists, "refused": sorted(call.refused_rows)}
        job = self.jobs.take(call, UPSERT, payload, requested=len(contacts))
        return Reply(202, {"job_id": job.id}, rows=len(contacts))

    def _known_fields(self, contacts: list[dict[str, Any]]) -> None:
        known = {row.id for row in self.store.page(FIELD, limit=1_000)}
        for at, contact in enumerate(contacts):
            own = contact.get("custom_fields") or {}
            if not isinstance(own, dict) or not own.keys() <= known:
                unknown = ",".join(sorted(own.keys() - known)) if isinstance(own, dict) else "not an object"
                raise Refused(400, f"invalid custom field ids supplied - {unknown}", f"contacts[{at}].custom_fields")
            empty = [key for key, value in own.items() if value is None]
            if empty:
                raise Refused(400, f'custom field "{empty[0]}" cannot be null', f"contacts[{at}].custom_fields")

    def work_upsert(self, job: Row) -> None:
        """Applies the contacts one after another; a later one of the same person sees the earlier."""
        payload = job.body["payload"]
        people = People(self.store, payload["contacts"])
        taken: list[str] = []
        errors: list[dict[str, str]] = []
        known = self.store.count(CONTACT)
        for contact in payload["contacts"]:
            email = str(contact.get("email") or "")
            try:
                if normal("email", email) in payload["refused"]:
                    raise ContactRefused("the contact was refused on order")
                taken.append(people.upsert(contact).id)
            except ContactRefused as refused:
                errors.append({"email": email, "error": str(refused)})
        people.flush()
        for list_id in payload["lists"]:
            if self.store.get(LIST, list_id) is not None:
                members.join(self.store, KINDS, list_id, taken)
        created = self.store.count(CONTACT) - known
        job.body |= {"created": created, "updated": len(taken) - created, "errored": len(errors)}
        if errors:
            job.body["errors_file"] = self.files.put_table("errors", ["email", "error"], errors, job.body["created_at"])

    def delete(self, call: Call) -> Reply:
        """DELETE: the contacts of the query `ids`, or all of them."""
        everybody = call.query.get("delete_all_contacts") == "true"
        ids = [one for one in call.query.get("ids", "").split(",") if one]
        if everybody == bool(ids):
            raise Refused(400, "either ids or delete_all_contacts is required", "ids")
        job = self.jobs.take(call, DELETE, {"ids": ids, "everybody": everybody}, requested=len(ids))
        return Reply(202, {"job_id": job.id}, rows=len(ids))

    def work_delete(self, job: Row) -> None:
        payload = job.body["payload"]
        ids = payload["ids"]
        if payload["everybody"]:
            ids = [row.id for row in self.store.page(CONTACT, limit=-1)]
        job.body |= {"deleted": remove(self.store, ids), "errored": 0}

    def job(self, call: Call) -> Reply:
        """GET imports/{id}: how a job stands, upserts, deletions and removals from lists alike."""
        found = self.jobs.get((UPSERT, DELETE, REMOVE), call.params["id"])
        if found is None:
            raise Refused(404, "there is no job of that id")
        return Reply(body=self._job_json(call, found))

    def _job_json(self, call: Call, job: Row) -> dict[str, Any]:
        body = job.body
        open_still = body["status"] != "complete"
        found = {
            "id": job.id,
            "status": "pending" if open_still else _ended(body),
            "job_type": UPSERT if body["kind"] == UPSERT else DELETE,
            "results": {"requested_count": body["requested"]},
            "started_at": shown(body["created_at"]),
        }
        if not open_still:
            counts = {f"{name}_count": body[name] for name in ("created", "updated", "deleted", "errored") if name in body}
            found["results"] |= counts
            found["finished_at"] = shown(body["completed_at"])
            if body.get("errors_file"):
                found["results"]["errors_url"] = self.files.url(call, body["errors_file"])
        return found

    # -- look-ups ---------------------------------------------------------------------------------------------------
    def sample(self, call: Call) -> Reply:
        rows = self.store.page(CONTACT, limit=MOST_FOUND, order="updated_at", reverse=True)
        return self._found(call, rows, self.store.count(CONTACT))

    def count(self, _: Call) -> Reply:
        there = self.store.count(CONTACT)
        return Reply(body={"contact_count": there, "billable_count": there})

    def one(self, call: Call) -> Reply:
        row = self.store.get(CONTACT, call.params["id"])
        if row is None:
            raise Refused(404, "there is no contact of that id")
        return Reply(body=contact_json(call, self.store, row))

    def batch(self, call: Call) -> Reply:
        rows = self.store.get_many(CONTACT, texts(body_of(call), "ids", most=MOST_LOOKED_UP))
        return Reply(body={"result": [contact_json(call, self.store, row) for row in rows.values()]}, rows=len(rows))

    def by_emails(self, call: Call) -> Reply:
        """POST search/emails: up to 100 addresses; 404 when there is no contact for any of them."""
        asked = [one for one in texts(body_of(call), "emails", most=MOST_LOOKED_UP, required=True) if one]
        for address in asked:
            if not ADDRESS.fullmatch(normal("email", address)):
                raise Refused(400, "an address is invalid", "emails")
        result: dict[str, Any] = {}
        for address in dict.fromkeys(normal("email", one) for one in asked):
            rows = self.store.by_email(CONTACT, address)
            found = {"contact": contact_json(call, self.store, rows[0])} if rows else {"error": "contact not found"}
            result[address] = found
        if not any("contact" in one for one in result.values()):
            raise Refused(404, "contacts not found")
        return Reply(body={"result": result}, rows=len(asked))

    def search(self, call: Call) -> Reply:
        """POST search: the first 50 that a query finds, and how many there are."""
        query = body_of(call).get("query")
        where, values = conditions(query if isinstance(query, str) else "")
        rows = self.store.search(CONTACT, where, values, ordering="updated_at, id", limit=MOST_FOUND)
        return self._found(call, rows, self.store.search_count(CONTACT, where, values))

    def _found(self, call: Call, rows: list[Row], count: int) -> Reply:
        found = [contact_json(call, self.store, row) for row in rows]
        metadata = {"self": call.base_url + call.path}
        return Reply(body={"result": found, "contact_count": count, "_metadata": metadata}, rows=len(found))


def conditions(query: str) -> tuple[str, list[Any]]:
    """A query as SQL: comparisons of the address and the two times, joined by AND; raises Refused for anything else."""
    wheres, values = [], []
    for part in re.split(r"\s+and\s+", query.strip(), flags=re.IGNORECASE):
        found = CONDITION.fullmatch(part)
        if found is None:
            raise Refused(400, "the query cannot be understood", "query")
        column, operator, single, double = found.groups()
        value = single if single is not None else double
        if column.lower() != "email":
            value = value[:19] + ".000Z" if len(value) >= 19 else value
        wheres.append(f"{COLUMNS[column.lower()]} {operator} ?")
        values.append(value)
    return " and ".join(wheres), values


def _ended(body: dict[str, Any]) -> str:
    if not body.get("errored"):
        return "completed"
    return "failed" if body["errored"] == body["requested"] else "errored"
