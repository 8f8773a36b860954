"""The consent wall of a revert: what was so before a run comes back only for those who may be written to today."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mailhouse.sync.context import Context
from mailhouse.sync.plan import Plan
from mailhouse.takeover.history import Touched

# what a mode makes of a person is no reason to keep them out of where they were
_OF_THE_MODE = ("already_there", "not_there")
_UNUSABLE = {"missing": "consent_unavailable", "stale": "consent_stale"}

_PEOPLE = """
    select people.destination, people.document_key, people.customer_id, people.address, people.mailbox, people.esp_status,
        people.is_valid
    from sync_people as people
    where people.is_picked and (people.destination, people.document_key) in (
        select destination, document_key from takeover_touched
    )
"""
_CONSENT = """
    select mailbox, purpose, is_allowed, reason
    from sync_consent
    where mailbox in (
        select mailbox from sync_people
        where (destination, document_key) in (select destination, document_key from takeover_touched)
    )
"""
_DECISIONS = """
    select destination, container, membership, document_key, min(reason), bool_or(reason is null)
    from sync_decisions
    where (destination, document_key) in (select destination, document_key from takeover_touched)
    group by destination, container, membership, document_key
"""


class Person(NamedTuple):
    """Who is behind a document today."""

    customer_id: str
    address: str
    mailbox: str
    esp_status: str | None
    is_valid: bool


class Wall:
    """Asks the same tables as the plan does: `sync_people`, `sync_consent` and `sync_decisions` of a plan just made."""

    def __init__(self, context: Context, plan: Plan) -> None:
        warehouse = context.warehouse
        self._unusable = _UNUSABLE.get(plan.consent.status)
        self._people = {(row[0], row[1]): Person(*row[2:]) for row in warehouse.execute(_PEOPLE).fetchall()}
        self._consent: dict[str, dict[str, tuple[bool, str]]] = {}
        for mailbox, purpose, is_allowed, reason in warehouse.execute(_CONSENT).fetchall():
            self._consent.setdefault(mailbox, {})[purpose] = (is_allowed, reason)
        self._decisions = {tuple(row[:4]): row[4:] for row in warehouse.execute(_DECISIONS).fetchall()}
        self._purposes: dict[tuple[str, str, str], set[str]] = {}
        for audience in plan.targets.audiences:
            place = (audience.destination, audience.container, audience.membership)
            self._purposes.setdefault(place, set()).add(audience.purpose)
        self._fields = {
            destination: {field.name: field.purpose for field in profile.fields}
            for destination, profile in plan.targets.profiles.items()
        }

    def person(self, touched: Touched) -> Person | None:
        """Who has the document today, None when nobody does any more."""
        return self._people.get((touched.destination, touched.document_key))

    def refusal(self, touched: Touched, membership: str) -> str | None:
        """Why the person may not be in a membership today, None when they may."""
        person = self.person(touched)
        place = (touched.destination, touched.container, membership)
        if self._unusable:
            return self._unusable
        if person is None:
            return "not_in_profiles"
        if not person.is_valid:
            return "invalid_address"
        purposes = sorted(self._purposes.get(place, ()))
        if not purposes:
            return "no_purpose"
        if not self.allowed(touched, membership):
            return self._consent.get(person.mailbox, {}).get(purposes[0], (False, "no_consent_record"))[1]
        if person.esp_status not in (None, "subscribed"):
            return f"esp_{person.esp_status}"
        reason, is_allowed = self._decisions.get((*place, touched.document_key), (None, True))
        return None if is_allowed or reason in _OF_THE_MODE else reason

    def allowed(self, touched: Touched, membership: str) -> set[str]:
        """The purposes of a membership that the person allows."""
        person = self.person(touched)
        given = self._consent.get(person.mailbox, {}) if person else {}
        purposes = self._purposes.get((touched.destination, touched.container, membership), set())
        return {purpose for purpose in purposes if given.get(purpose, (False, ""))[0]}

    def fields(self, touched: Touched, fields: str) -> tuple[dict[str, Any], set[str], set[str]]:
        """Of these fields the ones that may be sent today, the purposes that takes, and the names of those that stay out.

        A field that the project does not map any more stays out: nobody can say what it needs.
        """
        person, mapped = self.person(touched), self._fields.get(touched.destination, {})
        given: Mapping[str, tuple[bool, str]] = self._consent.get(person.mailbox, {}) if person else {}
        sent: dict[str, Any] = {}
        needs: set[str] = set()
        withheld: set[str] = set()
        for name, value in json.loads(fields).items():
            purpose = mapped.get(name)
            if name not in mapped or (purpose and value is not None and not given.get(purpose, (False, ""))[0]):
                withheld.add(name)
                continue
            sent[name] = value
            needs |= {purpose} if purpose and value is not None else set()
        return sent, needs, withheld
