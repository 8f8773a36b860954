"""An ESP of SendGrid's kind: one container, upserts that put all their contacts on lists, removals; both are jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.wire import Definition
from tests.python.proof.klaviyo_esp import JOB_TIME, Job, KlaviyoAccount, KlaviyoEsp

ROWS, LEAVE_ROWS = 90, 40
FIELDS = {"orders": Definition("orders", "Number"), "birthday": Definition("birthday", "Date")}


@dataclass
class SendGridEsp(KlaviyoEsp):
    """As Klaviyo's, with contacts that are known by their addresses."""

    def _imported(self, job: Job) -> dict[str, Outcome]:
        lists = job.body.get("list_ids", [])
        return dict(self._contact(one, lists, job.began) for one in job.body["contacts"])

    def _contact(self, body: dict[str, Any], lists: list[str], began: datetime) -> tuple[str, Outcome]:
        given = dict(body)
        address = given.pop("email")
        key = key_of(address)
        if key in self.refusing:
            return key, Outcome(key, "rejected", self.refusing[key], "refused by the model")
        if key not in self.records[""]:
            self.create("ours", "", key, address, "not_suppressed", began)
        values = given.pop("custom_fields", {}) | given
        self.write_fields("ours", "", key, {name: None if value == "" else value for name, value in values.items()}, began)
        for name in lists:
            self.add("ours", "", name, key, began)
        return key, Outcome(key, "accepted")


class SendGridAccount(KlaviyoAccount):
    """Upserts for documents and joinings; a list's name is its id."""

    esp: SendGridEsp

    def _accept(self, call: Call, began: datetime, *, is_cancelled: bool = False) -> str:
        if len(call.changes) > ROWS:
            raise AssertionError(f"an upsert of {len(call.changes)} rows")
        lists = call.changes[0].add
        if any(change.add != lists for change in call.changes):
            raise AssertionError("an upsert carries a list that not all of its documents join")
        contacts = [wire.contact(change, FIELDS) for change in call.changes]
        job_id = f"job-{len(self.esp.jobs) + 1}"
        job = Job(wire.upsert(contacts, lists), began, self.esp.clock.now() + JOB_TIME, is_cancelled)
        self.esp.jobs[job_id] = job
        self.esp.open_jobs.append(job)
        return job_id

    def _take(self, call: Call, began: datetime) -> list[Outcome]:
        if call.action == "leave" and len(call.changes) > LEAVE_ROWS:
            raise AssertionError(f"a removal of {len(call.changes)} rows")
        return super()._take(call, began)

    def _move(self, call: Call, change: Change, began: datetime) -> Outcome:
        kept = self.esp.records[""].get(key_of(change.address))
        if kept is not None:
            self.esp.remove("ours", "", call.membership, kept.key, began)
        return Outcome(change.key, "accepted", vendor_id=kept.vendor_id if kept else "")
