"""An ESP of Klaviyo's kind: one container, import jobs that are remembered and asked about, lists by the ESP's own ids."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailhouse.destinations import Call, Outcome
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.klaviyo import wire
from mailhouse.http import OutcomeUnknown
from tests.python.proof.esp import Account, Esp

JOB_ROWS, MEMBER_ROWS = 90, 40
JOB_TIME = timedelta(seconds=0.3)


@dataclass
class Job:
    """An import that was accepted: what it carries, when it is done, and what became of each of its rows."""

    body: dict[str, Any]
    began: datetime
    due: datetime
    is_cancelled: bool = False
    rows: dict[str, Outcome] | None = None


@dataclass
class KlaviyoEsp(Esp):
    """An account with its jobs, by id; `open_jobs` are under way."""

    jobs: dict[str, Job] = field(default_factory=dict)
    open_jobs: list[Job] = field(default_factory=list)

    def tick(self) -> None:
        """Do the jobs whose time has come."""
        for job in [job for job in self.open_jobs if job.due <= self.clock.now()]:
            self.open_jobs.remove(job)
            job.rows = {} if job.is_cancelled else self._imported(job)

    def _imported(self, job: Job) -> dict[str, Outcome]:
        lists = [one["id"] for one in job.body["data"].get("relationships", {}).get("lists", {}).get("data", [])]
        return dict(self._profile(one, lists, job.began) for one in job.body["data"]["attributes"]["profiles"]["data"])

    def _profile(self, body: dict[str, Any], lists: list[str], began: datetime) -> tuple[str, Outcome]:
        attributes = dict(body["attributes"])
        address = attributes.pop("email")
        key = key_of(address)
        if key in self.refusing:
            return key, Outcome(key, "rejected", self.refusing[key], "refused by the model")
        kept = self.records[""].get(key) or self.create("ours", "", key, address, "never_subscribed", began)
        if attributes.pop("subscriptions", None) and kept.status in ("unsubscribed", "suppressed"):
            self.note("resubscribe", "ours", "", "", key, began)
            kept.status = "subscribed"
        values = attributes.pop("properties", {}) | attributes
        unset = body.get("meta", {}).get("patch_properties", {}).get("unset", [])
        self.write_fields("ours", "", key, {name: None if value == "" else value for name, value in values.items()}, began)
        self.write_fields("ours", "", key, dict.fromkeys(unset), began)
        for name in lists:
            self.add("ours", "", name, key, began)
        return key, Outcome(key, "accepted")


class KlaviyoAccount(Account):
    """Import jobs for documents; a list's name is its id."""

    esp: KlaviyoEsp

    async def _carried(self, call: Call, began: datetime, remember: Callable[[str], None], fault: str | None) -> list[Outcome]:
        if call.action != "write":
            return await super()._carried(call, began, remember, fault)
        job_id = self._accept(call, began, is_cancelled=fault == "job_cancelled")
        if fault == "dies_after":
            self.esp.jobs[job_id].due = began
            self.esp.tick()
            self._die()
        remember(job_id)
        if fault == "dies_midway":
            self._die()
        if fault == "lost_poll":
            raise OutcomeUnknown(f"{self.name}: what became of a job cannot be learnt")
        outcomes = await self._finished(job_id, call)
        self._note_taken(call, outcomes)
        return outcomes

    def _accept(self, call: Call, began: datetime, *, is_cancelled: bool = False) -> str:
        if len(call.changes) > JOB_ROWS:
            raise AssertionError(f"a job of {len(call.changes)} rows")
        lists = [call.membership] if call.membership else []
        if any(change.add != tuple(lists) for change in call.changes):
            raise AssertionError("a job carries a list that not all of its documents join")
        job_id = f"job-{len(self.esp.jobs) + 1}"
        job = Job(wire.job(call.changes, lists), began, self.esp.clock.now() + JOB_TIME, is_cancelled)
        self.esp.jobs[job_id] = job
        self.esp.open_jobs.append(job)
        return job_id

    async def _finished(self, job_id: str, call: Call) -> list[Outcome]:
        job = self.esp.jobs[job_id]
        while job.rows is None:
            await self._travel()
            self.esp.tick()
        if job.is_cancelled:
            return [Outcome(change.key, "try_again", "cancelled") for change in call.changes]
        # a row that was refused is not among those the job took
        absent = {change.key: Outcome(change.key, "try_again", "not_taken") for change in call.changes}
        return list((absent | {key: job.rows[key] for key in absent & job.rows.keys()}).values())

    async def _none_open(self) -> None:
        while self.esp.open_jobs:
            await self._travel()
            self.esp.tick()

    def _take(self, call: Call, began: datetime) -> list[Outcome]:
        if call.action == "write":
            # a call of which a part arrives is a job of its own here
            job_id = self._accept(call, began)
            return [Outcome(change.key, "accepted") for change in call.changes if job_id]
        if len(call.changes) > MEMBER_ROWS:
            raise AssertionError(f"a call of {len(call.changes)} rows")
        return [self._move(call, change, began) for change in call.changes]

    async def resume(self, call: Call, reference: str) -> list[Outcome]:
        return await self._finished(reference, call)

    async def settle(self, call: Call) -> list[Outcome]:
        await self._none_open()
        return await super().settle(call)
