"""Klaviyo's two jobs after which a profile is gone: merged into another one, or deleted for privacy."""

from typing import Any

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.jobs import Jobs
from mailhouse.sandbox.klaviyo_bodies import check_type, data_of, related
from mailhouse.sandbox.klaviyo_events import EVENT, move_events
from mailhouse.sandbox.klaviyo_profiles import PROFILE, SUBSCRIBED, TEXTS, UNSUBSCRIBED
from mailhouse.sandbox.klaviyo_words import document, invalid, missing
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

MERGE, DELETION = "profile-merge", "data-privacy-deletion-job"


class Merging:
    """The handlers of /api/profile-merge and /api/data-privacy-deletion-jobs, and the workers behind them."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self.store, self.jobs = store, jobs

    def merge(self, call: Call) -> Reply:
        """POST profile-merge: the one in the relationship goes into the one named by the id, a little later."""
        data = data_of(call, MERGE)
        sources = related(data, "profiles", "profile")
        if len(sources) != 1:
            raise invalid("/data/relationships/profiles/data", "Exactly one source profile is required.")
        destination = str(data.get("id") or "")
        for identifier in (destination, *sources):
            if self.store.get(PROFILE, identifier) is None:
                raise missing("profile", identifier)
        if destination == sources[0]:
            raise invalid("/data/relationships/profiles/data/0/id", "A profile cannot be merged into itself.")
        self.jobs.take(call, MERGE, {"source": sources[0], "destination": destination})
        found = {"type": "profile", "id": destination, "links": {"self": f"{call.base_url}/api/profiles/{destination}"}}
        return document(call, found, 201)

    def request_deletion(self, call: Call) -> Reply:
        """POST data-privacy-deletion-jobs: one identifier, neither more nor less."""
        data = data_of(call, DELETION)
        profile = ((data.get("attributes") or {}).get("profile") or {}).get("data")
        check_type(profile, "profile", "/data/attributes/profile/data")
        attributes = profile.get("attributes")
        if not isinstance(attributes, dict):
            raise invalid("/data/attributes/profile/data/attributes", "attributes must be an object.")
        given = {name: attributes.get(name) for name in ("email", "phone_number")} | {"id": profile.get("id")}
        given = {name: value for name, value in given.items() if value}
        if len(given) != 1:
            raise invalid("/data/attributes/profile/data", "Exactly one of email, phone_number and id is required.")
        self.jobs.take(call, DELETION, {"profile": profile})
        return Reply(202, rows=1)

    def do_merge(self, job: Row) -> None:
        """Gaps are filled, memberships and events move; of consent the stricter stays, and every suppression."""
        payload = job.body["payload"]
        rows = self.store.get_many(PROFILE, (payload["source"], payload["destination"]))
        if len(rows) < 2:
            return  # one of them went in the meantime
        source, kept = rows[payload["source"]], rows[payload["destination"]]
        people = People(self.store, [{"id": kept.id, "attributes": {}}])
        body = dict(kept.body)
        for name in TEXTS:
            body[name] = kept.body[name] if kept.body[name] is not None else source.body[name]
        body["properties"] = source.body["properties"] | kept.body["properties"]
        body["marketing"] = _stricter(kept.body["marketing"], source.body["marketing"])
        lists = members.lists_of(self.store, source.id)
        self._forget(source)
        people.put(kept.id, body)
        people.flush()
        for identifier in lists:
            members.join(self.store, identifier, [kept.id])
        move_events(self.store, source.id, kept.id)

    def do_deletion(self, job: Row) -> None:
        """The profile goes with its memberships and its events."""
        profile = job.body["payload"]["profile"]
        row = People(self.store, [profile]).find(profile)
        if row is not None:
            self._forget(row)
            for event in self.store.page(EVENT, parent=row.id, limit=-1):
                self.store.delete(EVENT, event.id, row.id)

    def _forget(self, row: Row) -> None:
        for identifier in members.lists_of(self.store, row.id):
            members.leave(self.store, identifier, [row.id])
        self.store.delete(PROFILE, row.id)


def _stricter(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Of two states of consent the one that allows less, with the suppressions of both."""
    order = (UNSUBSCRIBED, SUBSCRIBED)
    ranked = sorted((one, other), key=lambda each: order.index(each["consent"]) if each["consent"] in order else len(order))
    merged = dict(ranked[0])
    for name in ("suppression", "list_suppressions"):
        merged[name] = one[name] + [each for each in other[name] if each not in one[name]]
    return merged
