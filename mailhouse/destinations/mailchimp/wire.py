"""Mailchimp's forms: what a member looks like on the wire, how many fit into a call, what its errors mean."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from mailhouse.destinations.base import Call, Change, Outcome, Record
from mailhouse.http import Limits, redacted

BATCH_ROWS = 500
LEAVE_ROWS = 500
# not published: a bound of our own, under what their gateway takes [not checked on a live account]
BATCH_BYTES = 4_000_000
TEXT_BYTES = 255
PAGE = 1000
# contacts that a plan is priced by: cleaned and archived ones are not [not checked on a live account]
BILLED = frozenset({"subscribed", "unsubscribed", "transactional"})
# ten connections a user at once, shared with what ingestion reads; no rate is published
LIMITS = Limits(connections=10, timeout=120.0, bodyless_403_is_throttle=True, reserved_connections=1, reserved_share=0.05)

_FIELD = re.compile(r"[A-Z][A-Z0-9_]{0,9}")
_OWN_FIELDS = {"EMAIL", "INTERESTS", "UNSUB", "FORWARD", "REWARDS", "ARCHIVE", "USER_URL", "DATE", "ADDRESS", "TO"}
_MEANINGS = (
    ("compliance state", "compliance_state"),
    ("forgotten", "forgotten"),
    ("permanently deleted", "forgotten"),
    ("lot of lists", "recent_signups"),
    ("fake or invalid", "invalid_address"),
)


def key_sql(address: str) -> str:
    """SQL for Mailchimp's own id of a member: md5 of the lower-case address."""
    return f"md5(lower(trim({address})))"


def key_of(address: str) -> str:
    """As `key_sql`, of one address."""
    return hashlib.md5(address.strip().lower().encode(), usedforsecurity=False).hexdigest()


def place(audience: str, tag: str) -> tuple[str, str]:
    """A list keeps members of its own, and a tag of it is the membership."""
    return audience, tag


def field_trouble(name: object) -> str | None:
    """Why a name cannot be a merge field of ours, None when it can."""
    if not isinstance(name, str) or not _FIELD.fullmatch(name):
        return f"{name!r} is no merge tag; use 1 to 10 of A-Z, 0-9 and _, beginning with a letter"
    if name in _OWN_FIELDS:
        return f"{name} is a merge tag of Mailchimp's own; choose another"
    return None


def merge_fields(fields: str) -> dict[str, Any]:
    """The document's fields as Mailchimp keeps them: null is empty, text at most 255 bytes, flags as text."""
    return {name: _value(value) for name, value in orjson.loads(fields).items()}


def _value(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # no character takes more than four bytes
        return value if len(value) * 4 <= TEXT_BYTES else value.encode()[:TEXT_BYTES].decode(errors="ignore")
    return value


def entry(change: Change, status_if_new: str) -> dict[str, Any]:
    """One member of a batch. Never `status`: an existing member's own choice is not ours to write."""
    member: dict[str, Any] = {
        "email_address": change.address,
        "status_if_new": status_if_new,
        "merge_fields": merge_fields(change.fields),
    }
    if change.add:
        member["tags"] = list(change.add)
    return member


def _size(change: Change) -> int:
    # an upper bound of the entry on the wire, known without composing it: 120 for the keys and punctuation around the values
    tags = sum(len(orjson.dumps(tag)) + 1 for tag in change.add)
    return len(change.fields.encode()) + len(change.address.encode()) + tags + 120


def batches(changes: Sequence[Change], rows: int, limit: int) -> Iterator[tuple[Change, ...]]:
    """The changes in their order, cut where a batch is full by rows or by bytes."""
    batch: list[Change] = []
    filled = 0
    for change in changes:
        size = _size(change)
        if batch and (len(batch) == rows or filled + size > limit):
            yield tuple(batch)
            batch, filled = [], 0
        batch.append(change)
        filled += size
    if batch:
        yield tuple(batch)


def calls(changes: Iterable[Change]) -> list[Call]:
    """The least calls that carry the changes: leavers of each tag by 500 first, then documents by 500, list by list."""
    leavers: dict[tuple[str, str], list[Change]] = {}
    writes: dict[str, list[Change]] = {}
    for change in changes:
        for tag in change.remove:
            leavers.setdefault((change.container, tag), []).append(change)
        # a tag travels with the document, also with one that has not changed
        if change.write or change.add:
            writes.setdefault(change.container, []).append(change)
    planned = []
    for (audience, tag), leaving in sorted(leavers.items()):
        for start in range(0, len(leaving), LEAVE_ROWS):
            planned.append(Call("leave", audience, tag, tuple(leaving[start : start + LEAVE_ROWS])))
    for audience, written in sorted(writes.items()):
        planned.extend(Call("write", audience, "", batch) for batch in batches(written, BATCH_ROWS, BATCH_BYTES))
    return planned


def refusal(key: str, error: Mapping[str, Any]) -> Outcome:
    """One per-row error as an outcome with a code of ours."""
    said = str(error.get("error") or error.get("detail") or "refused without a reason")
    lowered = said.lower()
    code = next((ours for words, ours in _MEANINGS if words in lowered), None)
    code = code or str(error.get("error_code") or "refused").lower()
    if error.get("field"):
        said = f"{error['field']}: {error.get('field_message') or said}"
    return Outcome(key, "rejected", code, redacted(said))


def batch_outcomes(call: Call, body: Any) -> list[Outcome] | None:
    """The outcomes of a batch by its answer; None when the answer contradicts itself or leaves someone out."""
    try:
        taken = [*body["new_members"], *body["updated_members"]]
        refused = body["errors"]
        counts = (body["total_created"], body["total_updated"], body["error_count"])
        if counts != (len(body["new_members"]), len(body["updated_members"]), len(refused)):
            return None
        accepted = {key_of(member["email_address"]) for member in taken}
        rejected = {key: error for error in refused if (key := key_of(error["email_address"]))}
    except (KeyError, TypeError, AttributeError):
        return None
    outcomes = []
    for change in call.changes:
        if change.key in rejected and change.key not in accepted:
            outcomes.append(refusal(change.key, rejected[change.key]))
        elif change.key in accepted and change.key not in rejected:
            outcomes.append(Outcome(change.key, "accepted"))
        else:
            return None
    return outcomes


def leave_outcomes(call: Call, body: Any) -> tuple[list[Outcome], list[Change], dict[str, Any]] | None:
    """Who surely left, of whom the answer says nothing good, and what it says of those; None when it contradicts itself."""
    try:
        removed = {key_of(member["email_address"]) for member in body["members_removed"]}
        if body["total_removed"] != len(body["members_removed"]):
            return None
        said_of = {
            key_of(address): error
            for error in body["errors"]
            for address in (error.get("email_addresses") or [error.get("email_address") or ""])
        }
    except (KeyError, TypeError, AttributeError):
        return None
    gone = [Outcome(change.key, "accepted") for change in call.changes if change.key in removed]
    return gone, [change for change in call.changes if change.key not in removed], said_of


def record(member: Mapping[str, Any], wanted: Mapping[str, str], fields: Sequence[str]) -> Record:
    """A member as the account lists it, with those of the wanted tags (folded -> as we say it) and fields."""
    address = str(member["email_address"])
    kept = member.get("merge_fields") or {}
    there = {str(tag.get("name", "")).casefold() for tag in member.get("tags") or []}
    return Record(
        key=key_of(address),
        address=address,
        status=str(member.get("status", "")).lower(),
        fields=orjson.dumps({name: kept.get(name) for name in fields}, option=orjson.OPT_SORT_KEYS).decode(),
        memberships=frozenset(tag for folded, tag in wanted.items() if folded in there),
    )


def started_by(automations: Iterable[Mapping[str, Any]], list_id: str, tag: str) -> tuple[str, ...]:
    """Names of the running automations of a list that joining it, or getting the tag, starts.

    Read from `recipients.list_id` and `trigger_settings` [not checked on a live account].
    """
    names = []
    for automation in automations:
        trigger = automation.get("trigger_settings") or {}
        tags = {str(name).casefold() for name in trigger.get("tags") or []}
        of_this_list = (automation.get("recipients") or {}).get("list_id") == list_id
        if automation.get("status") == "sending" and of_this_list and (not tags or tag.casefold() in tags):
            names.append(str((automation.get("settings") or {}).get("title") or automation.get("id")))
    return tuple(sorted(names))


def keeps(ours: Any, theirs: Any) -> bool:
    """Whether a value of ours, once written, is kept as that one."""
    return _same(_value(ours), theirs)


def is_as_sent(change: Change, member: Mapping[str, Any]) -> bool:
    """Whether a member read back carries the fields and the memberships of a change."""
    kept = member.get("merge_fields") or {}
    tags = {str(tag.get("name", "")).casefold() for tag in member.get("tags") or []}
    fields_kept = all(_same(value, kept.get(name)) for name, value in merge_fields(change.fields).items())
    return fields_kept and all(tag.casefold() in tags for tag in change.add)


def _same(sent: Any, kept: Any) -> bool:
    if sent in ("", None) or kept in ("", None):
        return (sent in ("", None)) and (kept in ("", None))
    try:
        return float(sent) == float(kept)
    except (TypeError, ValueError):
        return str(sent) == str(kept)
