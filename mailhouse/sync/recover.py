"""Settles what an earlier run left on its way: jobs are asked what became of them, removals and insertions are read back."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from mailhouse.destinations import Call, Change, Outcome, rules_for
from mailhouse.errors import MailhouseError
from mailhouse.http import OutcomeUnknown
from mailhouse.sync import state
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.context import Context
from mailhouse.sync.journal import Journal
from mailhouse.sync.state import SCHEMA

# An upsert without a reference is not asked about: it is owed as before, and sending it again is cheaper than reading each
# row back. A removal may be owed no more, and nobody would then ever learn whether it had arrived; and whom we have perhaps
# inserted ourselves is there already when next looked at, and would never be sent again.
_ON_THE_WAY = f"""
    select
        call_id, any_value(reference), destination, any_value(call_action), container, any_value(call_membership),
        list({{'key': document_key, 'customer_id': customer_id, 'address': address, 'mailbox': mailbox,
            'fields': cast(fields as varchar), 'vendor_id': vendor_id, 'action': action, 'membership': membership,
            'row_hash': coalesce(row_hash, ''), 'permitted_by': coalesce(permitted_by, '')}})
    from {SCHEMA}.in_flight
    where reference is not null or call_action = 'leave' or call_id in (
        select call_id from {SCHEMA}.in_flight
        where action = 'add' and list_contains($inserted, [destination, container, membership])
    )
    group by call_id, destination, container
    order by call_id
"""


@dataclass(frozen=True)
class Recovered:
    """What became of earlier runs' calls: how many were settled, and one line for each that could not be asked about."""

    calls: int = 0
    problems: tuple[str, ...] = ()


def recover(context: Context) -> Recovered:
    """Ask every destination about what an earlier run began and did not see the end of; sends nothing.

    Raises ConfigurationError for a manifest that cannot be read.
    """
    state.migrate(context.warehouse)
    found = context.warehouse.execute(_ON_THE_WAY, {"inserted": _inserted(context)}).fetchall()
    if not found:
        return Recovered()
    journal = Journal(context.warehouse, uuid.uuid4().hex, context.leases, context.crash_points())
    journal.begin_run(context.clock.now(), json.dumps({"calls": len(found)}), 0, kind="recover")
    settled, problems = 0, []
    for call_id, reference, destination, action, container, membership, rows in found:
        call = Call(action, container, membership, _changes(destination, container, rows))
        try:
            outcomes = asyncio.run(_outcomes(context, destination, call, reference))
        except MailhouseError as error:
            problems.append(str(error))
            continue
        permits = {row["key"]: row["permitted_by"] for row in rows}
        journal.settled(call_id, call, outcomes, context.clock.now(), permits)
        settled += 1
    journal.end_run(context.clock.now(), "{}", settled, 0, "; ".join(problems) or "ok")
    return Recovered(settled, tuple(problems))


def _inserted(context: Context) -> list[list[str]]:
    """Where people are only ever inserted: destination, container, membership."""
    audiences = read_audiences(context.settings.manifest, context.settings.connections).audiences
    return [[one.destination, one.container, one.membership] for one in audiences if one.mode == "insert_only"]


def _changes(destination: str, container: str, rows: Sequence[dict[str, str]]) -> tuple[Change, ...]:
    documents: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        documents.setdefault(row["key"], []).append(row)
    return tuple(
        Change(
            destination=destination,
            container=container,
            key=key,
            customer_id=effects[0]["customer_id"],
            address=effects[0]["address"],
            mailbox=effects[0]["mailbox"],
            fields=effects[0]["fields"],
            row_hash=effects[0]["row_hash"],
            write=any(effect["action"] == "write" for effect in effects),
            add=_memberships(effects, "add"),
            remove=_memberships(effects, "leave"),
            vendor_id=effects[0]["vendor_id"],
        )
        for key, effects in sorted(documents.items())
    )


def _memberships(effects: Sequence[dict[str, str]], action: str) -> tuple[str, ...]:
    return tuple(sorted(effect["membership"] for effect in effects if effect["action"] == action))


async def _outcomes(context: Context, destination: str, call: Call, reference: str | None) -> list[Outcome]:
    connection = context.settings.connections.get(destination)
    rules = rules_for(connection.vendor) if connection else None
    if connection is None or rules is None:
        # nobody is left to ask: what may be there stays in doubt, and out of what is delivered
        return [Outcome(change.key, "try_again", "no_connection") for change in call.changes]
    async with rules.connect(connection, context.clock) as account:
        if reference is None:
            return await account.settle(call)
        try:
            return await account.resume(call, reference)
        except OutcomeUnknown:
            return await account.settle(call)
