"""What was delivered to, refused for and told about one address, out of the sync's own tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from mailhouse.destinations import rules_for
from mailhouse.sync.context import Context
from mailhouse.sync.state import SCHEMA
from mailhouse.sync.targets import Targets, place_name

Rows = list[dict[str, Any]]

# an address is looked for in the form consent is kept in, and by the key that each destination gives it
_SAME = "(mailbox = $mailbox or (destination, document_key) in (select unnest($destinations), unnest($keys)))"
_DELIVERIES = f"""
    select
        acknowledged_at, destination, container, customer_id, run_id, runs.kind, fields_before, fields_after,
        from_json(memberships_before, '["VARCHAR"]') as memberships_before,
        from_json(memberships_after, '["VARCHAR"]') as memberships_after,
        permitted_by
    from {SCHEMA}.deliveries
    left join {SCHEMA}.runs using (run_id)
    where {_SAME}
    order by acknowledged_at desc, deliveries.rowid desc
"""
_REFUSED = f"""
    select
        last_tried_at, destination, container, membership, action, code, reason, attempts, first_tried_at, next_try_at, run_id
    from {SCHEMA}.attempts
    where (destination, document_key) in (select unnest($destinations), unnest($keys))
        or customer_id in (select unnest($customers::varchar[]))
    order by last_tried_at desc
"""
_DECISIONS = f"""
    select
        segment, destination, container, membership, customer_id, decision, reason, ledger_event_id, valid_from, valid_to,
        run_id
    from {SCHEMA}.send_decisions
    where customer_id in (select unnest($customers::varchar[]))
    order by valid_from desc, segment, destination, container, membership
"""
_WITHDRAWALS = f"""
    select
        connection_id, container, event_id, refused_at, status, code, reason, attempts, owed_since, told_at, acknowledged_at,
        next_try_at, ended_at
    from {SCHEMA}.withdrawals
    where mailbox = $mailbox
    order by owed_since desc, connection_id, container
"""


def history(context: Context, targets: Targets, address: str, mailbox: str, customers: Sequence[str]) -> Mapping[str, Rows]:
    """`deliveries`, `refused`, `decisions` and `withdrawals` of an address and the customers who have it, newest first.

    A table that the state does not have yet gives no rows.
    """
    warehouse = context.warehouse
    keys = {
        destination: rules.key_of(address)
        for destination in targets.profiles
        if (rules := rules_for(context.settings.connections[destination].vendor))
    }
    values = {
        "mailbox": mailbox,
        "destinations": list(keys),
        "keys": list(keys.values()),
        "customers": list(customers),
    }
    there = _tables(warehouse)
    asked = {"deliveries": _DELIVERIES, "attempts": _REFUSED, "send_decisions": _DECISIONS, "withdrawals": _WITHDRAWALS}
    found = {name: _rows(warehouse, query, values) if name in there else [] for name, query in asked.items()}
    return {
        "deliveries": [_delivery(row) for row in found["deliveries"]],
        "refused": [_placed(row) for row in found["attempts"]],
        "decisions": [_placed(row) for row in found["send_decisions"]],
        "withdrawals": found["withdrawals"],
    }


def _tables(warehouse: duckdb.DuckDBPyConnection) -> set[str]:
    rows = warehouse.execute(
        "select table_name from information_schema.tables where table_catalog = 'warehouse' and table_schema = 'reverse_sync'"
    ).fetchall()
    return {name for (name,) in rows}


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any]) -> Rows:
    answer = warehouse.execute(query, {name: value for name, value in values.items() if f"${name}" in query})
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    """One acknowledged change: what was joined and left, which fields changed, by which entries; no field's value."""
    before, after = set(row.pop("memberships_before") or ()), set(row.pop("memberships_after") or ())
    fields_before, fields_after = json.loads(row.pop("fields_before") or "{}"), json.loads(row.pop("fields_after"))
    container, destination = row.pop("container"), row["destination"]

    def named(memberships: set[str]) -> list[str]:
        return [place_name(destination, container, membership) for membership in sorted(memberships)]

    changed = sorted(name for name, value in fields_after.items() if fields_before.get(name) != value)
    permits = json.loads(row.pop("permitted_by") or "{}")
    return row | {
        "permitted_by": sorted(set(permits.values())),
        "joined": named(after - before),
        "left": named(before - after),
        "fields": changed,
    }


def _placed(row: dict[str, Any]) -> dict[str, Any]:
    container, membership = row.pop("container"), row.pop("membership")
    return row | {"audience": place_name(row["destination"], container, membership)}
