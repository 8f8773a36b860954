"""Klaviyo's jobs that suppress and unsuppress by hand, by address or by everybody on a list or in a segment."""

from collections.abc import Callable
from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.klaviyo_bodies import data_of, related, resources
from mailhouse.sandbox.klaviyo_consent import MOST_PROFILES, PROFILES, found_or_made
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import ADDRESS, normal_email
from mailhouse.sandbox.klaviyo_segments import SEGMENT, profiles_of
from mailhouse.sandbox.klaviyo_words import cursor_of, document, identifiers, invalid, missing, page, resource, shown, sorting
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

SUPPRESS, UNSUPPRESS = "profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"


class Suppressions:
    """The handlers of one of the two suppression jobs, and the worker behind them."""

    def __init__(self, store: Store, jobs: Jobs, kind: str, change: Callable[[dict[str, Any], str], bool]) -> None:
        self.store, self.jobs, self.kind, self.change = store, jobs, kind, change

    def create(self, call: Call) -> Reply:
        """POST: up to 100 addresses, or everybody on a list or in a segment."""
        data = data_of(call, self.kind)
        lists, segments = related(data, "list", "list"), related(data, "segment", "segment")
        addresses: list[str] = []
        if (data.get("attributes") or {}).get("profiles") is not None:
            profiles = resources(data, "attributes/profiles", "profile", most=MOST_PROFILES)
            for at, profile in enumerate(profiles):
                address = (profile.get("attributes") or {}).get("email")
                if not isinstance(address, str) or not ADDRESS.fullmatch(normal_email(address)):
                    raise invalid(f"{PROFILES}/{at}/attributes/email", "Invalid email address")
                addresses.append(normal_email(address))
        if not addresses and not lists and not segments:
            raise invalid("/data/attributes/profiles", "Profiles, a list or a segment is required.")
        for kind, stored, found in (("list", LIST, lists), ("segment", SEGMENT, segments)):
            if found and self.store.get(stored, found[0]) is None:
                raise missing(kind, found[0])
        payload = {"emails": list(dict.fromkeys(addresses)), "list": lists[0] if lists else "", "segment": "".join(segments[:1])}
        total = len(payload["emails"]) or len(self._ids(payload))
        counts = {"total_count": total, "completed_count": 0, "skipped_count": 0}
        job = self.jobs.take(call, self.kind, payload, **counts, lists=lists, segments=segments)
        reply = document(call, self._json(call, job), 202)
        reply.rows = total
        return reply

    def work(self, job: Row) -> None:
        """Addresses that nobody has become profiles, so that they are kept away as well."""
        payload, now = job.body["payload"], stamp(self.store.now())
        given: list[dict[str, Any]] = [{"attributes": {"email": address}} for address in payload["emails"]]
        given += [{"id": identifier, "attributes": {}} for identifier in self._ids(payload)]
        people, done = People(self.store, given), 0
        for row, _ in found_or_made(people, given, make=self.kind == SUPPRESS):
            body = {**row.body, "marketing": dict(row.body["marketing"])}
            if self.change(body["marketing"], now):
                people.put(row.id, body)
                done += 1
        people.flush()
        job.body |= {"completed_count": done, "skipped_count": job.body["total_count"] - done}

    def one(self, call: Call) -> Reply:
        job = self.jobs.get(self.kind, call.params["job_id"])
        if job is None:
            raise missing("job", call.params["job_id"])
        return document(call, self._json(call, job))

    def listing(self, call: Call) -> Reply:
        after = cursor_of(call)
        _, reverse = sorting(call, "-created", ("created",))
        _, status = where_of(call.query.get("filter"), {"status": Field("status", "text", ("equals",))})
        rows = self.jobs.listing(self.kind, status, after=after[0] if after else None, reverse=reverse, limit=101)
        last = [str(rows[99].body["number"])] if len(rows) > 100 else None
        return page(call, [self._json(call, row) for row in rows[:100]], last)

    def _ids(self, payload: dict[str, Any]) -> list[str]:
        if payload["list"]:
            return members.member_ids(self.store, payload["list"])
        return [row.id for row in profiles_of(self.store, payload["segment"])] if payload["segment"] else []

    def _json(self, call: Call, job: Row) -> dict[str, Any]:
        body = job.body
        attributes = {name: body[name] for name in ("status", "total_count", "completed_count", "skipped_count")}
        attributes |= {name: shown(body[name]) for name in ("created_at", "completed_at")}
        lists, segments = identifiers("list", body["lists"]), identifiers("segment", body["segments"])
        return resource(call, self.kind, f"{self.kind}s", job.id, attributes, lists=lists, segments=segments)
