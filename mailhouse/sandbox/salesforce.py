"""Salesforce: one org, read by SOQL and Bulk API 2.0, written record by record and by 200."""

import re
from collections.abc import Callable
from dataclasses import replace

from mailhouse.sandbox import salesforce_records as records
from mailhouse.sandbox.auth import bearer
from mailhouse.sandbox.limits import Window
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.salesforce_auth import Tokens
from mailhouse.sandbox.salesforce_bulk import BulkJobs
from mailhouse.sandbox.salesforce_objects import OBJECTS, SObject
from mailhouse.sandbox.salesforce_permissions import read_only
from mailhouse.sandbox.salesforce_query import Cursors
from mailhouse.sandbox.salesforce_words import Refused, refusal, refused
from mailhouse.sandbox.wire import Call, Handler, Reply, Route

TOKEN = "/services/oauth2/token"
VERSIONS = "/services/data"
DATA = "/services/data/{version}"
VERSION = re.compile(r"v(3[1-9]|[45]\d|6[0-8])\.0")
DAY = 86_400.0
FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)


class Salesforce:
    """One org with one external client app."""

    name = "salesforce"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._day = Window(runtime.ticks)
        self._tokens, self._cursors, self._jobs = Tokens(runtime), Cursors(), BulkJobs()
        jobs = self._jobs
        self.routes = [
            Route("POST", TOKEN, self._tokens.grant),
            Route("GET", VERSIONS, _versions),
            self._data("GET", "/query", lambda call: self._cursors.first(call, call.query.get("q", ""), deleted=False)),
            self._data("GET", "/queryAll", lambda call: self._cursors.first(call, call.query.get("q", ""), deleted=True)),
            self._data("GET", "/query/{locator}", lambda call: self._cursors.next(call, call.params["locator"])),
            self._data("GET", "/limits", self._limits),
            self._data("GET", "/sobjects", _all_objects),
            self._data("GET", "/sobjects/{object}/describe", _describe),
            self._data("POST", "/sobjects/{object}", records.create, writes=True),
            self._data("GET", "/sobjects/{object}/{id}", records.read),
            self._data("PATCH", "/sobjects/{object}/{id}", records.change, writes=True),
            self._data("DELETE", "/sobjects/{object}/{id}", records.delete, writes=True),
            self._data("PATCH", "/composite/sobjects", records.change_many, writes=True),
            self._data("POST", "/composite/sobjects", records.create_many, writes=True),
            self._data("DELETE", "/composite/sobjects", records.delete_many, writes=True),
            self._data("POST", "/jobs/query", jobs.start_query),
            self._data("GET", "/jobs/query/{job}", jobs.poll),
            self._data("PATCH", "/jobs/query/{job}", jobs.close),
            self._data("DELETE", "/jobs/query/{job}", jobs.forget),
            self._data("GET", "/jobs/query/{job}/results", jobs.results),
            self._data("POST", "/jobs/ingest", jobs.start_ingest),
            self._data("PUT", "/jobs/ingest/{job}/batches", jobs.upload),
            self._data("PATCH", "/jobs/ingest/{job}", jobs.close, writes=True),
            self._data("GET", "/jobs/ingest/{job}", jobs.poll),
            self._data("DELETE", "/jobs/ingest/{job}", jobs.forget),
            self._data("GET", "/jobs/ingest/{job}/{outcome}", jobs.outcome),
        ]
        # Salesforce does not mind a slash at the end
        self.routes += [replace(route, template=f"{route.template}/") for route in self.routes]

    def _data(self, method: str, path: str, handler: Callable[[Call], Reply], *, writes: bool = False) -> Route:
        """A route of the REST API; the refusals of its handler are told in Salesforce's words."""
        return Route(method, DATA + path, _in_words(handler), writes)

    def describe(self, call: Call) -> tuple[str, bool | None]:
        """The object that a query is of."""
        found = FROM.search(call.query.get("q", "")) if "/query" in call.template else None
        return (found[1] if found else ""), None

    def authenticate(self, call: Call) -> Reply | None:
        # the grant brings its own credentials, and the list of versions is open to everybody
        if call.template in (TOKEN, VERSIONS):
            return None
        if self._tokens.is_good(bearer(call.headers.get("authorization", ""))):
            return None
        return refusal(401, "Session expired or invalid", "INVALID_SESSION_ID")

    def admit(self, call: Call) -> Reply | None:
        if call.template in (TOKEN, VERSIONS):
            return None
        most = self.runtime.limits["salesforce"]["calls_per_day"]
        return self.refuse(403) if self._day.take(most, DAY) is None else None

    def stamp(self, call: Call, reply: Reply) -> None:
        if call.template in (TOKEN, VERSIONS) or reply.status == 401:
            return
        most = self.runtime.limits["salesforce"]["calls_per_day"]
        reply.headers["Sforce-Limit-Info"] = f"api-usage={most - self._day.left(most, DAY)}/{most}"

    def refuse(self, status: int) -> Reply:
        words = {
            400: ("Unexpected character in the body", "JSON_PARSER_ERROR"),
            401: ("Session expired or invalid", "INVALID_SESSION_ID"),
            403: ("TotalRequests Limit exceeded.", "REQUEST_LIMIT_EXCEEDED"),
            404: ("The requested resource does not exist", "NOT_FOUND"),
            405: ("HTTP Method not allowed", "METHOD_NOT_ALLOWED"),
            503: ("The server is busy", "SERVER_UNAVAILABLE"),
        }
        return refusal(status, *words.get(status, ("An unexpected error occurred", "UNKNOWN_EXCEPTION")))

    def _limits(self, _: Call) -> Reply:
        most = self.runtime.limits["salesforce"]["calls_per_day"]
        left = self._day.left(most, DAY)
        return Reply(
            200,
            {
                "DailyApiRequests": {"Max": most, "Remaining": left},
                "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
                "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            },
        )


def _in_words(handler: Callable[[Call], Reply]) -> Handler:
    def answer(call: Call) -> Reply:
        if not VERSION.fullmatch(call.params["version"]):
            return refusal(404, "The requested resource does not exist", "NOT_FOUND")
        try:
            return handler(call)
        except Refused as error:
            return refused(error)

    return answer


def _versions(_: Call) -> Reply:
    return Reply(200, [{"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}])


def _all_objects(_: Call) -> Reply:
    described = [_said(one) for one in OBJECTS.values()]
    return Reply(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": described})


def _describe(call: Call) -> Reply:
    of = records.object_named(call)
    fixed = read_only(call.runtime.store, of)
    fields = [
        {
            "name": name,
            "label": name,
            "type": kind,
            "custom": name.endswith("__c"),
            "nillable": kind not in ("id", "boolean"),
            "updateable": name in of.fields and name not in fixed,
            "createable": name in of.fields,
            "filterable": True,
            "sortable": True,
        }
        for name, kind in of.all_fields.items()
    ]
    return Reply(200, {**_said(of), "fields": fields})


def _said(of: SObject) -> dict[str, object]:
    own = not of.is_history
    return {"name": of.name, "label": of.name, "keyPrefix": of.prefix, "custom": False, "queryable": True, "updateable": own}
