"""Klaviyo's bulk import: up to 10,000 profiles in one job, onto a list if asked, with an error for each that is refused.

An import touches no consent and no suppression.
"""

import uuid
from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.jobs import OPEN, Jobs
from mailhouse.sandbox.klaviyo_bodies import data_of, related, resources
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_lists import list_json
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import MOST_BYTES, ProfileRefused, check_types
from mailhouse.sandbox.klaviyo_words import (
    Refused,
    asked_for,
    cursor_of,
    document,
    identifiers,
    invalid,
    missing,
    page,
    page_size,
    resource,
    shown,
    sorting,
)
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

KIND = "profile-bulk-import-job"
IMPORT_ERROR = "klaviyo.import_error"
MOST_PROFILES = 10_000
MOST_JOB_BYTES = 5_000_000
PROFILES = "/data/attributes/profiles/data"


class Imports:
    """The handlers under /api/profile-bulk-import-jobs, and the worker behind them."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

    def create(self, call: Call) -> Reply:
        """POST: the whole job is refused for what is malformed; what is merely not true of a profile is its own error later."""
        if len(call.body) > MOST_JOB_BYTES:
            raise Refused(413, f"The payload exceeds the largest allowed size of {MOST_JOB_BYTES // 1_000_000} MB.")
        data = data_of(call, KIND)
        profiles = resources(data, "attributes/profiles", "profile", most=MOST_PROFILES)
        for at, profile in enumerate(profiles):
            try:
                check_types(profile.get("attributes"), f"{PROFILES}/{at}/attributes")
            except ProfileRefused as refused:
                raise invalid(refused.pointer, refused.detail) from refused
        lists = related(data, "lists", "list")
        for identifier in lists:
            if self.store.get(LIST, identifier) is None:
                raise missing("list", identifier)
        payload = {"profiles": profiles, "lists": lists, "refused": sorted(call.refused_rows)}
        counts = {"total_count": len(profiles), "completed_count": 0, "failed_count": 0}
        job = self.jobs.take(call, KIND, payload, **counts, lists=lists)
        reply = document(call, self._json(call, job), 202)
        reply.rows = len(profiles)
        return reply

    def work(self, job: Row) -> None:
        """Applies the job's profiles one after another; a later one of the same person sees the earlier."""
        payload = job.body["payload"]
        profiles, refused_rows = payload["profiles"], set(payload["refused"])
        people = People(self.store, profiles)
        taken: list[str] = []
        errors: list[Row] = []
        for at, profile in enumerate(profiles):
            try:
                if str(profile["attributes"].get("email") or "").strip().lower() in refused_rows:
                    raise ProfileRefused("The profile was refused on order.", "attributes")
                taken.append(people.upsert(profile)[0].id)
            except ProfileRefused as refused:
                errors.append(error_row(job, at, profile, refused))
        people.flush()
        self.store.put_many(IMPORT_ERROR, errors)
        for identifier in payload["lists"]:
            if self.store.get(LIST, identifier) is not None:
                members.join(self.store, identifier, taken)
        job.body |= {"completed_count": len(taken), "failed_count": len(errors)}

    def one(self, call: Call) -> Reply:
        job = self.jobs.get(KIND, call.params["job_id"])
        if job is None:
            raise missing("bulk profile import job", call.params["job_id"])
        included = None
        if "lists" in asked_for(call, "include", ("lists",)):
            rows = self.store.get_many(LIST, job.body["lists"])
            included = [list_json(call, self.store, row) for row in rows.values()]
        return document(call, self._json(call, job), included=included)

    def listing(self, call: Call) -> Reply:
        """GET: the latest first unless asked otherwise."""
        size, after = page_size(call, 20, 100), cursor_of(call)
        _, reverse = sorting(call, "-created_at", ("created_at",))
        _, status = where_of(call.query.get("filter"), {"status": Field("status", "text", ("any", "equals"))})
        rows = self.jobs.listing(KIND, status, after=after[0] if after else None, reverse=reverse, limit=size + 1)
        shown_rows = rows[:size]
        last = [str(shown_rows[-1].body["number"])] if len(rows) > size else None
        return page(call, [self._json(call, row) for row in shown_rows], last)

    def errors(self, call: Call) -> Reply:
        """GET import-errors: by place in the job."""
        job = self.jobs.get(KIND, call.params["id"])
        if job is None:
            raise missing("bulk profile import job", call.params["id"])
        size, after = page_size(call, 20, 100), cursor_of(call)
        rows = self.store.page(IMPORT_ERROR, parent=job.id, limit=size + 1, after=after[0] if after else None)
        found = [
            resource(
                call, "import-error", f"profile-bulk-import-jobs/{job.id}/import-errors", row.body["id"], row.body["attributes"]
            )
            for row in rows[:size]
        ]
        return page(call, found, [rows[size - 1].id] if len(rows) > size else None)

    def _json(self, call: Call, job: Row) -> dict[str, Any]:
        body = job.body
        attributes = {
            "status": body["status"],
            "total_count": body["total_count"],
            "completed_count": body["completed_count"],
            "failed_count": body["failed_count"],
            "created_at": shown(body["created_at"]),
            "started_at": shown(body["started_at"]),
            "completed_at": shown(body["completed_at"]),
            "expires_at": None if body["status"] in OPEN else shown(body["completed_at"]),
        }
        lists = identifiers("list", body["lists"])
        return resource(
            call, KIND, "profile-bulk-import-jobs", job.id, attributes, lists=lists, profiles=None, import_errors=None
        )


def error_row(job: Row, at: int, profile: dict[str, Any], refused: ProfileRefused) -> Row:
    """The error of one profile, numbered by its place."""
    pointer = f"{PROFILES}/{at}" + (f"/{refused.pointer}" if refused.pointer else "")
    attributes = {
        "code": refused.code,
        "title": refused.title,
        "detail": refused.detail,
        "source": {"pointer": pointer},
        "original_payload": profile if len(str(profile)) <= MOST_BYTES else None,
    }
    identifier = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{job.id}/{at}"))
    return Row(str(at + 1), {"id": identifier, "attributes": attributes}, job.body["created_at"], parent=job.id)
