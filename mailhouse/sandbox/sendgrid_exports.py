"""SendGrid's exports: the only way to read all contacts, or all of a list. A job makes files, which are downloaded."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mailhouse.sandbox import members
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.sendgrid_fields import IDENTIFIERS, RESERVED, names_of
from mailhouse.sandbox.sendgrid_files import Files
from mailhouse.sandbox.sendgrid_people import CONTACT, LIST
from mailhouse.sandbox.sendgrid_words import Refused, body_of, shown, texts
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

EXPORT = "export"
ROWS_A_FILE = 20_000
COLUMNS = (*IDENTIFIERS, *RESERVED, "alternate_emails", "contact_id", "created_at", "updated_at")


class Exports:
    """The handlers under /v3/marketing/contacts/exports, and the worker behind them."""

    def __init__(self, store: Store, jobs: Jobs, files: Files) -> None:
        self.store, self.jobs, self.files = store, jobs, files

    def create(self, call: Call) -> Reply:
        body = body_of(call) if call.body else {}
        lists, kind = texts(body, "list_ids"), body.get("file_type", "csv")
        if kind not in ("csv", "json"):
            raise Refused(400, "file_type must be csv or json", "file_type")
        for list_id in lists:
            if self.store.get(LIST, list_id) is None:
                raise Refused(404, "a list of that id does not exist", "list_ids")
        job = self.jobs.take(call, EXPORT, {"lists": lists, "kind": kind})
        here = f"{call.base_url}{call.path}/{job.id}"
        return Reply(202, {"id": job.id, "_metadata": {"self": here}}, rows=1)

    def work(self, job: Row) -> None:
        payload, at = job.body["payload"], job.body["created_at"]
        rows = self.store.page(CONTACT, limit=-1)
        if payload["lists"]:
            on = {one for list_id in payload["lists"] for one in members.member_ids(self.store, list_id)}
            rows = [row for row in rows if row.id in on]
        names = names_of(self.store)
        made = []
        for start in range(0, max(1, len(rows)), ROWS_A_FILE):
            part = [_exported(row, names) for row in rows[start : start + ROWS_A_FILE]]
            if payload["kind"] == "json":
                made.append(self.files.put("contacts.json.gzip", "".join(json.dumps(one) + "\n" for one in part), at))
            else:
                table = ({name.upper(): value for name, value in one.items()} for one in part)
                columns = [name.upper() for name in (*COLUMNS, *names.values())]
                made.append(self.files.put_table("contacts", columns, table, at, ".csv.gzip"))
        job.body |= {"files": made, "contacts": len(rows)}

    def one(self, call: Call) -> Reply:
        job = self.jobs.get(EXPORT, call.params["id"])
        if job is None:
            raise Refused(404, "there is no export of that id")
        return Reply(body=self._json(call, job))

    def listing(self, call: Call) -> Reply:
        jobs = self.jobs.listing(EXPORT, [], after=None, reverse=True, limit=100)
        found = [{**self._json(call, job), "export_type": "contacts_export"} for job in jobs]
        for one in found:
            one.pop("contact_count", None)
        return Reply(body={"result": found, "_metadata": {"self": call.base_url + call.path}})

    def _json(self, call: Call, job: Row) -> dict[str, Any]:
        body = job.body
        expires = datetime.fromisoformat(body["created_at"]) + timedelta(
            seconds=self.jobs.runtime.limits["sendgrid"]["file_seconds"]
        )
        found = {
            "id": job.id,
            "status": "pending",
            "created_at": shown(body["created_at"]),
            "updated_at": shown(body["completed_at"] or body["created_at"]),
            "expires_at": shown(expires),
            "_metadata": {"self": f"{call.base_url}/v3/marketing/contacts/exports/{job.id}"},
        }
        if body["status"] == "complete":
            urls = [self.files.url(call, one) for one in body["files"]]
            found |= {"status": "ready", "urls": urls, "contact_count": body["contacts"]}
            found["completed_at"] = shown(body["completed_at"])
        return found


def _exported(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """A contact as an export has it: texts, its own fields beside the others."""
    body = row.body
    own = {name: body["custom_fields"].get(key, "") for key, name in names.items()}
    plain = {name: body.get(name) or "" for name in (*IDENTIFIERS, *RESERVED)}
    times = {"created_at": shown(row.created_at), "updated_at": shown(row.updated_at)}
    return {**plain, "alternate_emails": "", "contact_id": row.id, **times, **own}
