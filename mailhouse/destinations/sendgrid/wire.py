"""SendGrid's forms: what a contact looks like on the wire, looked up and exported, and what its names and errors mean."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from mailhouse.destinations.base import Change, Outcome, Record
from mailhouse.destinations.keys import key_of, normal
from mailhouse.http import redacted

# SendGrid's own fields and the most characters each takes; every other name is a field of the account
RESERVED: dict[str, int] = {
    "first_name": 50,
    "last_name": 50,
    "address_line_1": 100,
    "address_line_2": 100,
    "city": 60,
    "state_province_region": 50,
    "postal_code": 50,
    "country": 50,
}
# by these SendGrid tells who is who
IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
_NOT_OURS = frozenset(
    {*IDENTIFIERS, "id", "contact_id", "alternate_emails", "list_ids", "segment_ids", "created_at", "updated_at"}
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# the most characters of a text field of the account [not published, not checked on a live account]
TEXT_CHARACTERS = 1_000
# the form in which the account's date fields are sent [SendGrid's guide to imports; not checked on a live account]
DATE_FORM = "%m/%d/%Y"
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T.*)?|(\d\d)/(\d\d)/(\d{4})")

# a contact says nothing of consent: whoever no suppression keeps out is mailed
MAILABLE = frozenset({"not_suppressed"})
BARRED = frozenset({"unsubscribed", "bounced", "complained", "invalid"})
BILLED = MAILABLE | BARRED


@dataclass(frozen=True, slots=True)
class Definition:
    """One of the account's own fields: SendGrid's id, and its type (Text, Number or Date)."""

    id: str
    kind: str


def field_trouble(name: object) -> str | None:
    """Why a name cannot be a field of ours, None when it can."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r} is no name of a field; use up to 100 letters, digits and _, the first no digit"
    if name.lower() in _NOT_OURS:
        return f"{name!r} tells SendGrid who a person is, or is its own to write; choose another name"
    if name.lower() in RESERVED and name not in RESERVED:
        return f"{name!r} would be SendGrid's own {name.lower()}; write it so"
    return None


# -- what is sent -----------------------------------------------------------------------------------------------------------
def contact(
    change: Change, definitions: Mapping[str, Definition], identifiers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One contact of an upsert, whole also where it only joins a list; a field that is absent is left alone.

    SendGrid refuses null. A text is emptied by '', a number or a date cannot be emptied at all and stays as it was. Consent is
    not among the fields. `identifiers` are those that the contact has beside its address: without them it is not updated.
    """
    found: dict[str, Any] = {"email": normal(change.address), **(identifiers or {})}
    own: dict[str, Any] = {}
    for name, value in orjson.loads(change.fields).items():
        if name in RESERVED:
            found[name] = _text(value)[: RESERVED[name]]
        elif (definition := definitions.get(name.lower())) is None:
            continue
        elif definition.kind == "Text":
            own[definition.id] = _text(value)[:TEXT_CHARACTERS]
        elif value not in (None, ""):
            own[definition.id] = _day(value) if definition.kind == "Date" else value
    return {**found, "custom_fields": own} if own else found


def upsert(contacts: Iterable[Mapping[str, Any]], list_ids: Sequence[str]) -> dict[str, Any]:
    """The body of an upsert; its contacts join every list given."""
    return {**({"list_ids": list(list_ids)} if list_ids else {}), "contacts": list(contacts)}


def size(change: Change) -> int:
    """At most so many bytes is its contact on the wire: no text grows by more when it is quoted."""
    return 6 * (len(change.fields) + len(change.address)) + 300


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _day(value: Any) -> str:
    return date.fromisoformat(str(value)[:10]).strftime(DATE_FORM)


# -- what is read back ------------------------------------------------------------------------------------------------------
def values_of(found: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named fields of a contact looked up or exported; empty ones and absent ones are null."""
    own = found.get("custom_fields")
    beside = {str(name).lower(): value for name, value in own.items()} if isinstance(own, Mapping) else found
    values = ((name, found.get(name) if name in RESERVED else beside.get(name.lower())) for name in names)
    return {name: None if value == "" else value for name, value in values}


def keeps(ours: Any, theirs: Any) -> bool:
    """Whether a value of ours, once written, is kept as that one."""
    if ours in ("", None):
        # what is no text cannot be emptied there
        return theirs in ("", None) or _number(theirs) is not None or _date(theirs) is not None
    if theirs in ("", None):
        return False
    said, there = _text(ours), _text(theirs)
    if said == there or (len(there) in {*RESERVED.values(), TEXT_CHARACTERS} and said.startswith(there)):
        return True
    if _date(ours) is not None and _date(ours) == _date(theirs):
        return True
    return _number(ours) is not None and _number(ours) == _number(theirs)


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _date(value: Any) -> tuple[str, ...] | None:
    matched = _DAY.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        return None
    year, month, day, other_month, other_day, other_year = matched.groups()
    return (year, month, day) if year else (other_year, other_month, other_day)


def is_as_sent(change: Change, found: Mapping[str, Any]) -> bool:
    """Whether a contact looked up carries the fields of a change."""
    sent = orjson.loads(change.fields)
    kept = values_of(found, sent)
    return all(keeps(value, kept[name]) for name, value in sent.items())


def record(exported: Mapping[str, Any], fields: Sequence[str], memberships: Iterable[str], status: str) -> Record:
    """A contact as an export has it; one without an address has its id for a key, which is no key of ours."""
    address, identifier = str(exported.get("email") or ""), str(exported.get("contact_id") or "")
    return Record(
        key=key_of(address) if address else f"id:{identifier}",
        address=address,
        status=status,
        fields=orjson.dumps(values_of(exported, fields), option=orjson.OPT_SORT_KEYS).decode(),
        memberships=frozenset(memberships),
        vendor_id=identifier,
    )


def other_identifiers(found: Mapping[str, Any]) -> dict[str, str]:
    """What tells SendGrid who a contact is, beside its address."""
    return {name: str(found[name]) for name in IDENTIFIERS[1:] if found.get(name)}


# -- files ------------------------------------------------------------------------------------------------------------------
def table(text: str) -> list[dict[str, str]]:
    """A file of SendGrid's with a heading; the names of its columns in lower case."""
    reader = csv.reader(io.StringIO(text))
    names = [name.strip().lower() for name in next(reader, [])]
    return [dict(zip(names, row, strict=False)) for row in reader if row]


def failed_rows(changes: Sequence[Change], text: str) -> dict[str, Outcome] | None:
    """Key -> refusal by the file of a job's errors; None when one of them is about nobody of the job.

    What the file looks like is not published: whichever of its columns has one of our addresses says who is meant, and what
    is in a column that is called after errors, messages or reasons, why.
    """
    by_key = {change.key for change in changes}
    found: dict[str, Outcome] = {}
    for row in table(text):
        key = next((key for value in row.values() if "@" in value and (key := key_of(value)) in by_key), None)
        if key is None:
            return None
        said = next((value for name, value in row.items() if re.search("error|message|reason", name)), "")
        found[key] = Outcome(key, "rejected", "refused", redacted(said or "refused without a reason"))
    return found
