"""Klaviyo's API: its routes, credentials, revisions, media types and limits."""

import json
import math
import re
from functools import cache
from pathlib import Path

from mailhouse.sandbox.auth import same
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.klaviyo_consent import suppress_by_hand, unsuppress_by_hand
from mailhouse.sandbox.klaviyo_events import BULK, CREATE, Events
from mailhouse.sandbox.klaviyo_imports import KIND as IMPORT
from mailhouse.sandbox.klaviyo_imports import Imports
from mailhouse.sandbox.klaviyo_lists import Lists, start_flows
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_merging import DELETION, MERGE, Merging
from mailhouse.sandbox.klaviyo_people import Profiles
from mailhouse.sandbox.klaviyo_segments import Account
from mailhouse.sandbox.klaviyo_subscriptions import SUBSCRIBE, UNSUBSCRIBE, Subscriptions
from mailhouse.sandbox.klaviyo_suppressions import SUPPRESS, UNSUPPRESS, Suppressions
from mailhouse.sandbox.klaviyo_words import MEDIA, REVISION, Refused, speaking, ulid
from mailhouse.sandbox.limits import FixedWindows
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.wire import Call, Handler, Reply, Route

LIMITS = Path(__file__).parents[1] / "vendors" / "klaviyo_limits.json"
SCHEME = "Klaviyo-API-Key"
# the windows by their names in the published table, in seconds
WINDOWS = {"burst": 1.0, "steady": 60.0, "daily": 86_400.0}
# calls that ask for predictive analytics are counted apart, whatever the endpoint
PREDICTIVE = {"burst": 10, "steady": 150}


@cache
def published_limits() -> dict[str, dict[str, int]]:
    """Calls a second, a minute and a day by `METHOD /path/{id}`, as Klaviyo publishes them."""
    return json.loads(LIMITS.read_text(encoding="utf-8"))["endpoints"]


class Klaviyo:
    """One account."""

    name = "klaviyo"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.windows: dict[str, FixedWindows] = {}
        store = runtime.store
        self.jobs = jobs = Jobs(runtime, self.name, lambda moment, number: ulid(moment, f"job:{number}"))
        runtime.settlers.append(jobs.settle)
        runtime.effects.joined[LIST] = start_flows
        profiles, merging, lists, account = Profiles(store), Merging(store, jobs), Lists(store), Account(store)
        imports, events, subscriptions = Imports(store, jobs), Events(store, jobs), Subscriptions(store, jobs)
        suppressing = Suppressions(store, jobs, SUPPRESS, suppress_by_hand)
        unsuppressing = Suppressions(store, jobs, UNSUPPRESS, unsuppress_by_hand)
        jobs.workers = {
            IMPORT: imports.work,
            MERGE: merging.do_merge,
            DELETION: merging.do_deletion,
            CREATE: events.work,
            BULK: events.work,
            SUBSCRIBE: subscriptions.do_subscribe,
            UNSUBSCRIBE: subscriptions.do_unsubscribe,
            SUPPRESS: suppressing.work,
            UNSUPPRESS: unsuppressing.work,
        }
        one_list, members = "/api/lists/{id}", "/api/lists/{id}/relationships/profiles"
        one_import = f"/api/{IMPORT}s/{{job_id}}"
        reading: list[tuple[str, Handler]] = [
            ("/api/accounts", account.accounts),
            ("/api/profiles", profiles.listing),
            ("/api/profiles/{id}", profiles.one),
            (f"/api/{IMPORT}s", imports.listing),
            (f"/api/{IMPORT}s/{{id}}/import-errors", imports.errors),
            (one_import, imports.one),
            ("/api/lists", lists.listing),
            (one_list, lists.one),
            ("/api/lists/{id}/profiles", lists.profiles),
            (members, lists.relationships),
            ("/api/metrics", events.metrics),
            ("/api/events", events.listing),
            ("/api/campaigns", account.campaigns),
            ("/api/segments", account.segments),
            ("/api/segments/{id}/profiles", account.segment_profiles),
        ]
        for jobs_of in (suppressing, unsuppressing):
            reading += [(f"/api/{jobs_of.kind}s", jobs_of.listing), (f"/api/{jobs_of.kind}s/{{job_id}}", jobs_of.one)]
        writing: list[tuple[str, str, Handler]] = [
            ("POST", "/api/profiles", profiles.create),
            ("PATCH", "/api/profiles/{id}", profiles.update),
            ("POST", "/api/profile-import", profiles.upsert),
            ("POST", f"/api/{IMPORT}s", imports.create),
            ("POST", "/api/profile-merge", merging.merge),
            ("POST", f"/api/{DELETION}s", merging.request_deletion),
            ("POST", "/api/lists", lists.create),
            ("PATCH", one_list, lists.rename),
            ("DELETE", one_list, lists.remove),
            ("POST", members, lists.add),
            ("DELETE", members, lists.take_off),
            ("POST", "/api/events", events.create),
            ("POST", f"/api/{BULK}s", events.create_many),
            ("POST", f"/api/{SUBSCRIBE}s", subscriptions.subscribe),
            ("POST", f"/api/{UNSUBSCRIBE}s", subscriptions.unsubscribe),
            ("POST", f"/api/{SUPPRESS}s", suppressing.create),
            ("POST", f"/api/{UNSUPPRESS}s", unsuppressing.create),
        ]
        self.routes = [Route("GET", path, speaking(handler)) for path, handler in reading]
        self.routes += [Route(method, path, speaking(handler), writes=True) for method, path, handler in writing]

    def describe(self, _: Call) -> tuple[str, bool | None]:
        return "", None

    def authenticate(self, call: Call) -> Reply | None:
        """The key first, then the revision, then the media type of a body."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme != SCHEME:
            detail = f"Missing or invalid authorization scheme. Please use {SCHEME}."
            return Refused(401, detail, pointer="/data/", code="not_authenticated").reply()
        if not same(key.strip(), self.runtime.secrets["klaviyo"]["api_key"]):
            return Refused(401, pointer="/data/").reply()
        revision = call.headers.get("revision", "")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.\w+)?", revision) or revision[:10] < REVISION:
            said = f"'{revision}' is older than {REVISION}, or no revision" if revision else "it is missing"
            return Refused(400, f"The revision header is required: {said}.", pointer="revision").reply()
        if call.body and call.headers.get("content-type", "").partition(";")[0].strip() != MEDIA:
            return Refused(415).reply()
        return None

    def admit(self, call: Call) -> Reply | None:
        """Counts the call in the windows of its endpoint; what is due of the jobs is done first."""
        self.jobs.settle()
        endpoint, published = f"{call.method} {call.template}", published_limits().get(f"{call.method} {call.template}", {})
        if "predictive_analytics" in call.query.get("additional-fields[profile]", ""):
            endpoint, published = "predictive analytics", PREDICTIVE
        limits = self.runtime.limits["klaviyo"]
        most = {
            WINDOWS[name]: max(1, int(calls * limits[f"{name}_share"]))
            for name, calls in published.items()
            if limits[f"{name}_share"] is not None
        }
        wait = self.windows.setdefault(endpoint, FixedWindows(self.runtime.ticks)).take(most)
        return None if wait is None else self._throttled(math.ceil(wait))

    def _throttled(self, seconds: int) -> Reply:
        words = f"Expected available in {seconds} second{'s' if seconds != 1 else ''}."
        reply = Refused(429, f"Request was throttled. {words}").reply()
        reply.headers["Retry-After"] = str(seconds)
        return reply

    def stamp(self, call: Call, reply: Reply) -> None:
        """Klaviyo adds nothing that a caller here needs."""

    def refuse(self, status: int) -> Reply:
        return self._throttled(1) if status == 429 else Refused(status).reply()
