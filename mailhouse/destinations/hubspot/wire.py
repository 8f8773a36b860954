"""HubSpot's forms: what a contact looks like on the wire and read back, what its names and errors mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from mailhouse.destinations.base import Call, Change, Outcome, Record
from mailhouse.destinations.keys import key_of, normal
from mailhouse.http import redacted

# HubSpot mails whoever has not opted out; whether a contact is paid for (a marketing contact) is the portal's own setting
MAILABLE = frozenset({"subscribed"})
BILLED = frozenset({"subscribed", "unsubscribed"})
OPTED_OUT = "hs_email_optout"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
# A CRM's names, addresses and numbers are evidence of who is who, typed by people who know them. Nothing of ours may stand
# in their place: it would come back as evidence. HubSpot's own other properties are refused by `setup.py`, which sees them.
EVIDENCE = frozenset(
    {
        *("email", "work_email", "firstname", "lastname", "salutation", "phone", "mobilephone", "fax", "company", "jobtitle"),
        *("address", "city", "state", "zip", "country", "date_of_birth", "hs_additional_emails", "hs_language", OPTED_OUT),
    }
)


def field_trouble(name: object) -> str | None:
    """Why a name cannot be a property of ours, None when it can."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r} is no name of a property; use 1 to 100 of a-z, 0-9 and _, beginning with a letter"
    if name in EVIDENCE or name.startswith(("hs_", "hubspot_")):
        return f"{name} is HubSpot's own and says who a person is or what they agreed to; choose a property of your own"
    return None


def text(value: Any) -> str:
    """A value as HubSpot wants all of them: as text; empty clears."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def upsert(changes: Sequence[Change]) -> dict[str, Any]:
    """The body of a batch; errors name a row by its trace id, which is its place in the call."""
    return {
        "inputs": [
            {
                "id": normal(change.address),
                "idProperty": "email",
                "objectWriteTraceId": str(number),
                "properties": {name: text(value) for name, value in orjson.loads(change.fields).items()},
            }
            for number, change in enumerate(changes)
        ]
    }


def outcomes_of(call: Call, body: Any) -> list[Outcome] | None:
    """The outcomes of a batch by its answer; None when the answer leaves someone out or contradicts itself."""
    try:
        taken = {int(result["objectWriteTraceId"]): result for result in body["results"]}
        errors = {
            int(trace): error
            for error in body.get("errors") or []
            for trace in (error.get("context") or {})["objectWriteTraceId"]
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if taken.keys() & errors.keys() or taken.keys() | errors.keys() != set(range(len(call.changes))):
        return None
    outcomes = []
    for number, change in enumerate(call.changes):
        if number in errors:
            outcomes.append(refusal(change.key, errors[number]))
            continue
        shown = (taken[number].get("properties") or {}).get("email")
        if isinstance(shown, str) and key_of(shown) != change.key:
            # mail to that contact would go to another address than the one that was allowed
            outcomes.append(Outcome(change.key, "rejected", "another_address", "the contact's first address is another one"))
        else:
            outcomes.append(Outcome(change.key, "accepted", vendor_id=str(taken[number]["id"])))
    return outcomes


def refusal(key: str, error: Mapping[str, Any]) -> Outcome:
    """An error about one row as its outcome: HubSpot's category, and what it says without the person in it."""
    said = str(error.get("message") or "refused without a reason")
    return Outcome(key, "rejected", str(error.get("category") or "refused").lower(), redacted(said))


def record(contact: Mapping[str, Any], fields: Sequence[str], memberships: Iterable[str]) -> Record:
    """A contact as the portal lists it; one without an address has its id for a key, which is no key of ours."""
    properties = contact.get("properties") or {}
    address = str(properties.get("email") or "")
    return Record(
        key=key_of(address) if address else f"id:{contact['id']}",
        address=address,
        status="unsubscribed" if properties.get(OPTED_OUT) == "true" else "subscribed",
        fields=orjson.dumps({name: properties.get(name) or None for name in fields}, option=orjson.OPT_SORT_KEYS).decode(),
        memberships=frozenset(memberships),
        vendor_id=str(contact["id"]),
    )


def keeps(ours: Any, theirs: Any) -> bool:
    """Whether a value of ours, once written, is kept as that one."""
    sent, kept = text(ours), text(theirs)
    if sent == kept:
        return True
    try:
        return float(sent) == float(kept)
    except ValueError:
        return False


def is_as_sent(change: Change, contact: Mapping[str, Any]) -> bool:
    """Whether a contact read back carries the fields of a change."""
    kept = contact.get("properties") or {}
    return all(keeps(value, kept.get(name)) for name, value in orjson.loads(change.fields).items())
