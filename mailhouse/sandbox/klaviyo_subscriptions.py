"""Klaviyo's jobs that subscribe and unsubscribe.

Subscribing takes away the suppressions UNSUBSCRIBE, SPAM_COMPLAINT and USER_SUPPRESSED; unsubscribing from a list
unsubscribes everywhere whoever is not on that list. Both are as Klaviyo describes them.
"""

from dataclasses import replace
from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.effects import Cause
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.klaviyo_bodies import data_of, related, resources
from mailhouse.sandbox.klaviyo_consent import MOST_PROFILES, PROFILES, found_or_made, unsubscribe
from mailhouse.sandbox.klaviyo_members import LIST
from mailhouse.sandbox.klaviyo_profiles import ADDRESS, PROFILE, SUBSCRIBED, UNSUBSCRIBED, normal_email
from mailhouse.sandbox.klaviyo_words import invalid, missing
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

SUBSCRIBE, UNSUBSCRIBE = "profile-subscription-bulk-create-job", "profile-subscription-bulk-delete-job"
MOST_SUBSCRIBED = 1_000
LIFTED_BY_SUBSCRIBING = ("UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED")


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
        profiles = resources(data, "attributes/profiles", "profile", most=MOST_PROFILES)
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
        for row, profile in found_or_made(people, payload["profiles"]):
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
        for row, profile in found_or_made(people, payload["profiles"]):
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
