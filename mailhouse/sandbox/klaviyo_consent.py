"""Klaviyo's jobs that change who may be mailed: subscribe, unsubscribe, suppress, unsuppress. Nothing else does.

Subscribing takes away the suppressions UNSUBSCRIBE, SPAM_COMPLAINT and USER_SUPPRESSED; unsubscribing from a list
unsubscribes everywhere whoever is not on that list. Both are as Klaviyo describes them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.effects import Cause
from mailhouse.sandbox.klaviyo_bodies import data_of, related, resources
from mailhouse.sandbox.klaviyo_filters import Field, where_of
from mailhouse.sandbox.klaviyo_jobs import Jobs
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import (
    ADDRESS,
    PROFILE,
    SUBSCRIBED,
    UNSUBSCRIBED,
    People,
    ProfileRefused,
    normal_email,
)
from mailhouse.sandbox.klaviyo_segments import SEGMENT, profiles_of
from mailhouse.sandbox.klaviyo_words import cursor_of, document, identifiers, invalid, missing, page, resource, shown, sorting
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

SUBSCRIBE, UNSUBSCRIBE = "profile-subscription-bulk-create-job", "profile-subscription-bulk-delete-job"
SUPPRESS, UNSUPPRESS = "profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"
MOST_SUBSCRIBED, MOST_OTHERS = 1_000, 100
LIFTED_BY_SUBSCRIBING = ("UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED")
PROFILES = "/data/attributes/profiles/data"


def suppress(marketing: dict[str, Any], reason: str, moment: str) -> bool:
    """Adds a suppression; whether it was not there."""
    if any(one["reason"] == reason for one in marketing["suppression"]):
        return False
    marketing["suppression"] = [*marketing["suppression"], {"reason": reason, "timestamp": moment}]
    marketing["last_updated"] = moment
    return True


def unsubscribe(marketing: dict[str, Any], moment: str, method: str = "API") -> None:
    """Consent ends everywhere."""
    if marketing["consent"] != UNSUBSCRIBED:
        marketing |= {"consent": UNSUBSCRIBED, "consent_timestamp": moment, "last_updated": moment, "method": method}
    suppress(marketing, "UNSUBSCRIBE", moment)


class Subscriptions:
    """The handlers of the two subscription jobs, which answer 202 with nothing to poll, and the workers behind them."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

    def subscribe(self, call: Call) -> Reply:
        data = data_of(call, SUBSCRIBE)
        profiles = resources(data, "attributes/profiles", "profile", most=MOST_SUBSCRIBED)
        historical = data["attributes"].get("historical_import") is True
        for at, profile in enumerate(profiles):
            asked = _email_consent(profile, at, SUBSCRIBED, identified=bool(profile.get("id")))
            consented = (asked or {}).get("consented_at")
            where = f"{PROFILES}/{at}/attributes/subscriptions/email/marketing/consented_at"
            if historical and asked is not None and not self._is_past(consented):
                raise invalid(where, "consented_at is required with historical_import and must be in the past.")
            if consented is not None and not historical:
                raise invalid(where, "consented_at may only be given with historical_import.")
        payload = {
            "profiles": profiles,
            "historical": historical,
            "source": data["attributes"].get("custom_source"),
            "list": self._list(data),
        }
        self.jobs.take(call, SUBSCRIBE, payload)
        return Reply(202, rows=len(profiles))

    def unsubscribe(self, call: Call) -> Reply:
        data = data_of(call, UNSUBSCRIBE)
        profiles = resources(data, "attributes/profiles", "profile", most=MOST_OTHERS)
        for at, profile in enumerate(profiles):
            _email_consent(profile, at, UNSUBSCRIBED, identified=False)
        self.jobs.take(call, UNSUBSCRIBE, {"profiles": profiles, "list": self._list(data)})
        return Reply(202, rows=len(profiles))

    def do_subscribe(self, job: Row) -> None:
        """Who is subscribed to a list of double opt-in gets a mail first, and is not subscribed by this."""
        payload, now = job.body["payload"], stamp(self.store.now())
        target = self.store.get(LIST, payload["list"]) if payload["list"] else None
        confirms = target is not None and target.body["opt_in_process"] == "double_opt_in" and not payload["historical"]
        people, joining = People(self.store, payload["profiles"]), []
        for row, profile in _found_or_made(people, payload["profiles"]):
            asked = _marketing_of(profile)
            if asked is None:
                continue
            if confirms:
                self._cause().note("confirmation", PROFILE, row.id, row.email, target.id if target else "")
                continue
            body = {**row.body, "marketing": dict(row.body["marketing"])}
            moment = stamp(asked["consented_at"]) if asked.get("consented_at") else now
            marketing = body["marketing"]
            marketing["suppression"] = [one for one in marketing["suppression"] if one["reason"] not in LIFTED_BY_SUBSCRIBING]
            if target is not None:
                own = [one for one in marketing["list_suppressions"] if one["list_id"] != target.id]
                marketing["list_suppressions"] = own
                joining.append(row.id)
            marketing |= {"consent": SUBSCRIBED, "consent_timestamp": moment, "last_updated": now, "method": "API"}
            marketing |= {"custom_method_detail": payload["source"], "double_optin": False}
            people.put(row.id, body)
        people.flush()
        if target is not None:
            with self.store.watched(replace(self._cause(), starts=not payload["historical"])):
                members.join(self.store, target.id, joining)

    def do_unsubscribe(self, job: Row) -> None:
        payload, now = job.body["payload"], stamp(self.store.now())
        listed = set(members.member_ids(self.store, payload["list"])) if payload["list"] else set()
        people, leaving = People(self.store, payload["profiles"]), []
        for row, profile in _found_or_made(people, payload["profiles"]):
            if _marketing_of(profile) is None:
                continue
            body = {**row.body, "marketing": dict(row.body["marketing"])}
            if row.id in listed:
                leaving.append(row.id)
                gone = {"list_id": payload["list"], "reason": "UNSUBSCRIBE", "timestamp": now}
                others = [one for one in body["marketing"]["list_suppressions"] if one["list_id"] != payload["list"]]
                body["marketing"] |= {"list_suppressions": [*others, gone], "last_updated": now}
            else:
                unsubscribe(body["marketing"], now)
            people.put(row.id, body)
        people.flush()
        if leaving:
            members.leave(self.store, payload["list"], leaving)

    def _cause(self) -> Cause:
        """The request that the job at work came from."""
        watcher = self.store.watcher
        assert isinstance(watcher, Cause)
        return watcher

    def _list(self, data: dict[str, Any]) -> str | None:
        lists = related(data, "list", "list")
        if lists and self.store.get(LIST, lists[0]) is None:
            raise missing("list", lists[0])
        return lists[0] if lists else None

    def _is_past(self, moment: Any) -> bool:
        if not isinstance(moment, str):
            return False
        try:
            return stamp(moment) < stamp(self.store.now())
        except ValueError:
            return False


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
            profiles = resources(data, "attributes/profiles", "profile", most=MOST_OTHERS)
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
        job = self.jobs.take(call, self.kind, payload, total_count=total, completed_count=0, skipped_count=0)
        job.body |= {"lists": lists, "segments": segments}
        self.store.put("klaviyo.job", job)
        reply = document(call, self._json(call, job), 202)
        reply.rows = total
        return reply

    def work(self, job: Row) -> None:
        """Addresses that nobody has become profiles, so that they are kept away as well."""
        payload, now = job.body["payload"], stamp(self.store.now())
        given: list[dict[str, Any]] = [{"attributes": {"email": address}} for address in payload["emails"]]
        given += [{"id": identifier, "attributes": {}} for identifier in self._ids(payload)]
        people, done = People(self.store, given), 0
        for row, _ in _found_or_made(people, given, make=self.kind == SUPPRESS):
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


def suppress_by_hand(marketing: dict[str, Any], now: str) -> bool:
    """What the suppression job does to one profile."""
    return suppress(marketing, "USER_SUPPRESSED", now)


def unsuppress_by_hand(marketing: dict[str, Any], now: str) -> bool:
    """What the unsuppression job does: it lifts what was suppressed by hand and nothing else."""
    kept = [one for one in marketing["suppression"] if one["reason"] != "USER_SUPPRESSED"]
    if len(kept) == len(marketing["suppression"]):
        return False
    marketing |= {"suppression": kept, "last_updated": now}
    return True


def _marketing_of(profile: dict[str, Any]) -> dict[str, Any] | None:
    """What is asked of e-mail marketing; None for other channels alone."""
    subscriptions = profile["attributes"].get("subscriptions") or {}
    return (subscriptions.get("email") or {}).get("marketing")


def _email_consent(profile: dict[str, Any], at: int, word: str, *, identified: bool) -> dict[str, Any] | None:
    """Checks one profile of a subscription job; raises Refused."""
    attributes = profile.get("attributes")
    where = f"{PROFILES}/{at}/attributes"
    if not isinstance(attributes, dict) or not isinstance(attributes.get("subscriptions"), dict):
        raise invalid(f"{where}/subscriptions", "subscriptions is required.")
    asked = _marketing_of(profile)
    if asked is None:
        return None
    if not isinstance(asked, dict) or asked.get("consent") != word:
        raise invalid(f"{where}/subscriptions/email/marketing/consent", f"The consent must be {word}.")
    address = attributes.get("email")
    if address is None and identified:
        return asked
    if not isinstance(address, str) or not ADDRESS.fullmatch(normal_email(address)):
        raise invalid(f"{where}/email", "Invalid email address")
    return asked


def _found_or_made(people: People, given: list[dict[str, Any]], *, make: bool = True) -> list[tuple[Row, dict[str, Any]]]:
    """The profile of each of those given; one that nobody has is made with its address and no consent."""
    found = []
    for profile in given:
        row = people.find(profile)
        if row is None and make and not profile.get("id"):
            address = profile["attributes"].get("email")
            try:
                row = people.write({"attributes": {"email": address}}, None)
            except ProfileRefused:
                continue  # no address: another channel's business
        if row is not None:
            found.append((row, profile))
    return found
