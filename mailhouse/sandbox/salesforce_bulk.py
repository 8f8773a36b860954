"""Bulk API 2.0: a query whose results are fetched as CSV in pieces, and CSV that updates or deletes records."""

import csv
import io
import threading
from collections import OrderedDict
from typing import Any

from mailhouse.sandbox.salesforce_changes import bin_record, purge, update
from mailhouse.sandbox.salesforce_objects import SObject, sobject, value_of
from mailhouse.sandbox.salesforce_query import ids_of, rows_of
from mailhouse.sandbox.salesforce_soql import Query, parse
from mailhouse.sandbox.salesforce_words import Refused
from mailhouse.sandbox.store import Store, stamp
from mailhouse.sandbox.wire import Call, Reply

INGEST = ("insert", "update", "delete", "hardDelete")
KEPT = 50  # jobs that are remembered; their results are of this process, as Salesforce's are of seven days


class Job:
    """One job, of either kind."""

    def __init__(self, number: int, kind: str, operation: str, of: SObject, made_at: str) -> None:
        self.id = f"750Sb{number:010d}AAA"
        self.kind, self.operation, self.of, self.made_at = kind, operation, of, made_at
        self.state = "UploadComplete" if kind == "query" else "Open"
        self.polls = 0
        self.query: Query | None = None
        self.ids: list[str] = []
        self.content = b""
        self.results: dict[str, list[dict[str, str]]] = {"successfulResults": [], "failedResults": [], "unprocessedrecords": []}

    def as_json(self, version: str) -> dict[str, Any]:
        told = {
            "id": self.id,
            "operation": self.operation,
            "object": self.of.name,
            "createdById": "005Sb0000000001",
            "createdDate": f"{self.made_at[:-1]}+0000",
            "systemModstamp": f"{self.made_at[:-1]}+0000",
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(version.removeprefix("v")),
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if self.kind == "ingest":
            failed = len(self.results["failedResults"])
            told |= {
                "contentUrl": f"services/data/{version}/jobs/ingest/{self.id}/batches",
                "numberRecordsProcessed": failed + len(self.results["successfulResults"]),
                "numberRecordsFailed": failed,
            }
        elif self.state == "JobComplete":
            told |= {"numberRecordsProcessed": len(self.ids), "retries": 0, "totalProcessingTime": 1}
        return told


class BulkJobs:
    """The jobs of one org."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._made = 0
        self._lock = threading.Lock()

    # -- queries --------------------------------------------------------------------------------------------------------
    def start_query(self, call: Call) -> Reply:
        """POST jobs/query."""
        asked = call.json()
        operation = asked.get("operation") if isinstance(asked, dict) else None
        if operation not in ("query", "queryAll"):
            raise Refused("INVALIDJOB", "operation must be query or queryAll")
        query = parse(str(asked.get("query", "")))
        if query.aggregates:
            raise Refused("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
        job = self._new(call, "query", operation, query.of)
        job.query = query
        return Reply(200, job.as_json(call.params["version"]))

    def poll(self, call: Call) -> Reply:
        """GET of a job; a query is done after it was asked after `bulk_polls` times."""
        job = self._job(call)
        if job.kind == "query" and job.state in ("UploadComplete", "InProgress"):
            job.polls += 1
            job.state = "InProgress"
            if job.polls > call.runtime.limits["salesforce"]["bulk_polls"] and job.query is not None:
                job.ids = ids_of(call.runtime.store, job.query, deleted=job.operation == "queryAll")
                job.state = "JobComplete"
        return Reply(200, job.as_json(call.params["version"]))

    def results(self, call: Call) -> Reply:
        """GET jobs/query/{id}/results: CSV from `locator` on; the header says where the next piece begins, `null` at the end."""
        job = self._job(call)
        if job.state != "JobComplete" or job.query is None:
            raise Refused("INVALIDJOBSTATE", f"The job is in state {job.state}")
        locator, asked = call.query.get("locator", "0"), call.query.get("maxRecords", "")
        if not locator.isdigit() or int(locator) > len(job.ids):
            raise Refused("INVALIDLOCATOR", "The locator is not of this job")
        most = call.runtime.limits["salesforce"]["bulk_rows"]
        most, start = min(most, int(asked)) if asked.isdigit() and int(asked) else most, int(locator)
        ids = job.ids[start : start + most]
        rows = rows_of(call.runtime.store, job.of, ids)
        lines = [{name: _cell(job.of, row, name) for name in job.query.fields} for row in rows]
        headers = {
            "Sforce-Locator": str(start + most) if start + most < len(job.ids) else "null",
            "Sforce-NumberOfRecords": str(len(lines)),
        }
        return Reply(200, _csv(list(job.query.fields), lines), rows=len(lines), headers=headers, media="text/csv")

    # -- changes --------------------------------------------------------------------------------------------------------
    def start_ingest(self, call: Call) -> Reply:
        """POST jobs/ingest; `hardDelete` needs a permission that no administrator has by default."""
        asked = call.json()
        operation = asked.get("operation") if isinstance(asked, dict) else None
        of = sobject(str(asked.get("object", ""))) if isinstance(asked, dict) else None
        if operation not in INGEST or of is None:
            raise Refused("INVALIDJOB", "operation or object is not known")
        if operation == "hardDelete" and not call.runtime.limits["salesforce"]["hard_delete"]:
            raise Refused("FEATURENOTENABLED", "hardDelete operation requires special user profile permission")
        return Reply(200, self._new(call, "ingest", operation, of).as_json(call.params["version"]))

    def upload(self, call: Call) -> Reply:
        """PUT jobs/ingest/{id}/batches: the CSV, once."""
        job = self._job(call)
        if job.state != "Open" or not call.headers.get("content-type", "").startswith("text/csv"):
            raise Refused("INVALIDJOBSTATE", "the job takes CSV once, while it is open")
        job.content = call.body
        return Reply(201)

    def close(self, call: Call) -> Reply:
        """PATCH of a job: UploadComplete does what was uploaded, Aborted ends it."""
        job, asked = self._job(call), call.json()
        state = asked.get("state") if isinstance(asked, dict) else None
        if state == "UploadComplete" and job.kind == "ingest" and job.state == "Open":
            _apply(call.runtime.store, job)
            job.state = "JobComplete"
        elif state == "Aborted":
            job.state = "Aborted"
        else:
            raise Refused("INVALIDJOBSTATE", f"the job cannot become {state}")
        return Reply(200, job.as_json(call.params["version"]))

    def outcome(self, call: Call) -> Reply:
        """GET successfulResults, failedResults or unprocessedrecords of an ingest job."""
        lines = self._job(call).results[call.params["outcome"]]
        names = list(dict.fromkeys(name for line in lines for name in line)) or ["sf__Id"]
        return Reply(200, _csv(names, lines), rows=len(lines), media="text/csv")

    def forget(self, call: Call) -> Reply:
        """DELETE of a job."""
        with self._lock:
            self._jobs.pop(self._job(call).id, None)
        return Reply(204)

    def _new(self, call: Call, kind: str, operation: str, of: SObject) -> Job:
        with self._lock:
            self._made += 1
            job = Job(self._made, kind, operation, of, stamp(call.runtime.store.now()))
            self._jobs[job.id] = job
            while len(self._jobs) > KEPT:
                self._jobs.popitem(last=False)
        return job

    def _job(self, call: Call) -> Job:
        job = self._jobs.get(call.params["job"])
        if job is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
        return job


def _apply(store: Store, job: Job) -> None:
    with store.transaction():
        for line in csv.DictReader(io.StringIO(job.content.decode("utf-8"))):
            record_id = line.get("Id", "")
            row = store.get(job.of.kind, record_id)
            # one that lies in the recycle bin can be deleted for good and nothing else
            if row is None or (row.deleted and job.operation != "hardDelete"):
                code = "ENTITY_IS_DELETED:entity is deleted" if row else "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id"
                job.results["failedResults"].append({"sf__Id": record_id, "sf__Error": f"{code}:--", **line})
                continue
            if job.operation == "hardDelete":
                purge(store, job.of, record_id)
            elif job.operation == "delete":
                bin_record(store, job.of, row)
            else:
                update(store, job.of, row, {name: _value(job.of, name, text) for name, text in line.items() if name != "Id"})
            job.results["successfulResults"].append({"sf__Id": record_id, "sf__Created": "false", **line})


def _value(of: SObject, name: str, text: str) -> Any:
    if text in ("", "#N/A"):
        return None
    return text.lower() == "true" if of.all_fields.get(name) == "boolean" else text


def _cell(of: SObject, row: Any, name: str) -> str:
    found = value_of(of, row, name)
    if found is None:
        return ""
    if isinstance(found, bool):
        return str(found).lower()
    return f"{found[:-5]}Z" if of.all_fields[name] == "datetime" else str(found)


def _csv(names: list[str], lines: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()
