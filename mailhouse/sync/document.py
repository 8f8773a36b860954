"""The plan as a document: sealed when it is written, so that what is applied is what was read."""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailhouse.destinations import Call, Change, rules_for
from mailhouse.errors import ConfigurationError, MailhouseError, SyncRefused
from mailhouse.sync.context import Context
from mailhouse.sync.difference import dumps
from mailhouse.sync.plan import Plan
from mailhouse.sync.stops import Approval

FORMAT = 1
# refusals that the last look would give too: a person who has said no since is dropped from a sealed plan, not a surprise
_SHOWN_DIFFERENCES = 10
_OWN_REASONS = {"held_out", "lower_priority", "not_yet_in_rollout", "not_there", "already_there", "not_in_profiles"}


@dataclass(frozen=True)
class Sealed:
    """A plan read from a file: its digest, and document -> fingerprint of what it was to be sent."""

    made_at: str
    segments: tuple[str, ...]
    stops: tuple[str, ...]
    people: Mapping[tuple[str, str, str], str]
    customers: Mapping[tuple[str, str, str], str]


def write(context: Context, plan: Plan, path: Path, segments: tuple[str, ...] = ()) -> dict[str, Any]:
    """Seal a plan into a file that only its owner may read (it holds people's values); gives back what was written.

    Must be called on the connection the plan was made on. Asks the destinations which automations the additions would start.
    """
    body = {
        "format": FORMAT,
        "made_at": plan.made_at.isoformat(),
        "segments": list(segments),
        "digest": plan.digest,
        "summary": {key: value for key, value in plan.as_dict().items() if key != "changes"},
        "stops": [{"segment": stop.segment, "rule": stop.kind, "says": stop.says} for stop in plan.stops],
        "new_contacts": dict(plan.new_contacts),
        "automations": automations(context, plan),
        "calls": [_call(destination, call) for destination, calls in plan.calls.items() for call in calls],
        "people": _people(context, plan),
    }
    body["seal"] = _seal(body)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(body, file, indent=1, ensure_ascii=False)
    return body


def read(path: Path) -> Sealed:
    """A sealed plan. Raises ConfigurationError when the file is not one, or is not as it was sealed."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        seal = body.pop("seal")
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such plan; make one with `mailhouse plan --out {path.name}`") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a plan of Mailhouse; make one with `mailhouse plan --out FILE`") from error
    if body.get("format") != FORMAT or seal != _seal(body):
        raise ConfigurationError(f"{path}: not as it was sealed; nothing is sent from it. Make a new one with `mailhouse plan`")
    owed = [row for row in body["people"] if row["does"] in ("add", "update", "remove")]
    places = [(row["destination"], row["container"], row["document_key"]) for row in owed]
    return Sealed(
        made_at=body["made_at"],
        segments=tuple(body["segments"]),
        stops=tuple(f"{stop['segment']}: {stop['rule']}: {stop['says']}" for stop in body["stops"]),
        people=dict(zip(places, (row["fingerprint"] for row in owed), strict=True)),
        customers=dict(zip(places, (row["customer_id"] for row in owed), strict=True)),
    )


def approved(sealed: Sealed, approval: Approval | None) -> None:
    """Raises SyncRefused when the plan holds what the breaker stops and nobody has said that it is meant."""
    if sealed.stops and approval is None:
        raise SyncRefused(f"the plan holds what the breaker stops: {'; '.join(sealed.stops)}; add --approve REASON")


def hold_to(sealed: Sealed, plan: Plan) -> tuple[str, ...]:
    """Make sure that a plan made just now does what the sealed one says; gives back the customers who are dropped from it.

    People who have said no since are dropped; whatever else differs refuses the plan. Raises SyncRefused with the differences.
    """
    now = {_place(change): fingerprint(change) for changes in plan.changes.values() for change in changes}
    only_leaves = {
        _place(change) for changes in plan.changes.values() for change in changes if not change.write and not change.add
    }
    refused = _refused_by_consent(plan)
    dropped = {
        place
        for place, customer in sealed.customers.items()
        if now.get(place) != sealed.people[place]
        and (place[0], customer) in refused
        and (place not in now or place in only_leaves)
    }
    # who leaves because of a no that came after the seal is no difference either
    withdrawn = {
        _place(change)
        for changes in plan.changes.values()
        for change in changes
        if _place(change) in only_leaves and (change.destination, change.customer_id) in refused
    }
    lines = [
        f"{destination} {container} {key[:8]}…: {_says(sealed.people.get(place), now.get(place))}"
        for place in sorted((sealed.people.keys() | now.keys()) - dropped - withdrawn)
        if sealed.people.get(place) != now.get(place)
        for destination, container, key in [place]
    ]
    if lines:
        more = f" and {len(lines) - _SHOWN_DIFFERENCES:,} more" if len(lines) > _SHOWN_DIFFERENCES else ""
        said = "; ".join(lines[:_SHOWN_DIFFERENCES])
        raise SyncRefused(
            f"the plan of {sealed.made_at} no longer fits, {len(lines):,} documents differ: {said}{more}; make a new plan"
        )
    return tuple(sorted(sealed.customers[place] for place in dropped))


def fingerprint(change: Change) -> str:
    """What a document is sent, as one hash: its address, fields and memberships."""
    parts = (change.address, change.fields if change.write else "", dumps(change.add), dumps(change.remove))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def automations(context: Context, plan: Plan) -> dict[str, Any]:
    """Membership -> automations that its additions would start, by destination; or why that could not be asked."""
    found: dict[str, Any] = {}
    for destination, calls in plan.calls.items():
        joins: dict[str, set[str]] = {}
        for call in calls:
            for change in call.changes if call.action != "leave" else ():
                joins.setdefault(call.container, set()).update(change.add)
        connection = context.settings.connections.get(destination)
        rules = rules_for(connection.vendor) if connection else None
        if rules is None or connection is None or not any(joins.values()):
            continue
        try:
            found[destination] = asyncio.run(_ask(context, rules, connection, joins))
        except MailhouseError as error:
            found[destination] = {"unknown": str(error)}
    return found


async def _ask(context: Context, rules: Any, connection: Any, joins: Mapping[str, set[str]]) -> dict[str, list[str]]:
    started: dict[str, list[str]] = {}
    async with rules.connect(connection, context.clock) as account:
        for container, memberships in sorted(joins.items()):
            for membership, names in (await account.automations(container, sorted(memberships))).items():
                started[f"{container} / {membership}" if container else membership] = list(names)
    return started


def _people(context: Context, plan: Plan) -> list[dict[str, Any]]:
    """One row each person and audience, or document that is owed something: add, update, remove, none, refused or held out."""
    before = {
        (destination, container, key): fields
        for destination, container, key, fields in context.warehouse.execute(
            "select destination, container, document_key, cast(fields as varchar) from sync_delivered"
        ).fetchall()
    }
    rows = []
    for changes in plan.changes.values():
        for change in changes:
            old = json.loads(before.get(_place(change)) or "{}")
            new = json.loads(change.fields) if change.write else old
            does = "remove" if not change.write and not change.add else "update" if _place(change) in before else "add"
            rows.append(
                {
                    "destination": change.destination,
                    "container": change.container,
                    "document_key": change.key,
                    "customer_id": change.customer_id,
                    "does": does,
                    "joins": list(change.add),
                    "leaves": list(change.remove),
                    "fields": {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value},
                    "fingerprint": fingerprint(change),
                }
            )
    owed = {(row["destination"], row["container"], row["document_key"]) for row in rows}
    for row in plan.decisions.to_pylist():
        place = (row["destination"], row["container"], row["document_key"])
        reason = row["reason"]
        if reason is None and place in owed:
            continue
        does = "none" if reason is None else "held out" if reason == "held_out" else "refused"
        kept = {name: row[name] for name in ("destination", "container", "membership", "document_key", "customer_id", "segment")}
        rows.append({**kept, "does": does, **({"reason": reason} if reason else {})})
    return rows


def _call(destination: str, call: Call) -> dict[str, Any]:
    return {
        "destination": destination,
        "action": call.action,
        "container": call.container,
        "membership": call.membership,
        "documents": [change.key for change in call.changes],
    }


def _refused_by_consent(plan: Plan) -> set[tuple[str, str]]:
    return {
        (row["destination"], row["customer_id"])
        for row in plan.decisions.select(["destination", "customer_id", "reason"]).to_pylist()
        if row["reason"] is not None and row["reason"] not in _OWN_REASONS
    }


def _place(change: Change) -> tuple[str, str, str]:
    return change.destination, change.container, change.key


def _says(planned: str | None, now: str | None) -> str:
    if planned is None:
        return "owed something now and not in the plan"
    return "in the plan and owed nothing now" if now is None else "owed something else than planned"


def _seal(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(dumps(body).encode()).hexdigest()
