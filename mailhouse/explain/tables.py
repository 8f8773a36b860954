"""An explanation as plain tables, the answer to "why" first."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from mailhouse.explain.person import Explanation
from mailhouse.report import Table

# what each table shows: heading -> where it stands in a row
CUSTOMERS = {"customer": "customer_id", "records": "records", "orders": "count_orders", "last order": "last_order_date"}
SEGMENTS = {"segment": "segment", "in it": "is_in", "which is": "description"}
AUDIENCES = {
    "audience": "audience",
    "segment": "segment",
    "customer": "customer_id",
    "allowed": "is_allowed",
    "why not": "reason",
    "delivered": "is_delivered",
    "by entry": "ledger_event_id",
    "held back": "held_back",
}
DESTINATIONS = {
    "destination": "destination",
    "customer": "customer_id",
    "the ESP last said": "esp_status",
    "speaks for the mailbox": "is_picked",
    "by this address": "is_this_address",
}
CONSENT = {
    "purpose": "purpose",
    "channel": "channel",
    "decision": "decision",
    "reason": "reason",
    "jurisdiction": "jurisdiction",
    "since": "effective_at",
    "entry": "event_id",
}
LEDGER = {
    "entry": "event_id",
    "when": "occurred_at",
    "heard": "received_at",
    "act": "act",
    "purpose": "purpose",
    "source": "source",
    "reason": "reason",
    "proof": "proof",
    "evidence": "evidence",
    "said of this address": "is_this_address",
}
DELIVERIES = {
    "at": "acknowledged_at",
    "run": "run_id",
    "kind": "kind",
    "destination": "destination",
    "joined": "joined",
    "left": "left",
    "fields": "fields",
    "by entry": "permitted_by",
}
REFUSED = {
    "last tried": "last_tried_at",
    "audience": "audience",
    "what": "action",
    "code": "code",
    "reason": "reason",
    "times": "attempts",
    "next": "next_try_at",
}
DECISIONS = {
    "from": "valid_from",
    "to": "valid_to",
    "audience": "audience",
    "segment": "segment",
    "decision": "decision",
    "reason": "reason",
    "by entry": "ledger_event_id",
}
WITHDRAWALS = {
    "system": "connection_id",
    "list": "container",
    "owed since": "owed_since",
    "told": "told_at",
    "acknowledged": "acknowledged_at",
    "status": "status",
    "code": "code",
    "for entry": "event_id",
}
IDS = ("event_id", "ledger_event_id", "permitted_by", "run_id")
SHORT = 12


def tables(explanation: Explanation) -> list[Table]:
    """Everything that is known, without the tables that have no row; ids are cut, `--json` has them whole."""
    parts = (
        ("Who has the address", CUSTOMERS, explanation.customers),
        ("Segments", SEGMENTS, explanation.segments if explanation.customers else []),
        ("Audiences: written to, or the first reason why not", AUDIENCES, explanation.audiences),
        ("At the destinations", DESTINATIONS, explanation.destinations),
        ("Consent now", CONSENT, explanation.consent),
        ("The ledger's entries, newest first", LEDGER, explanation.ledger),
        ("Delivered, newest first", DELIVERIES, explanation.deliveries),
        ("Refused by the ESP", REFUSED, explanation.refused),
        ("Decisions of earlier runs", DECISIONS, explanation.decisions),
        ("Withdrawals told", WITHDRAWALS, explanation.withdrawals),
    )
    return [Table(title, list(shown), [_cells(row, shown.values()) for row in rows]) for title, shown, rows in parts if rows]


def _cells(row: dict[str, Any], names: Iterable[str]) -> list[str]:
    return [_short(row[name]) if name in IDS else _text(row[name]) for name in names]


def _short(identifiers: str | list[str] | None) -> str:
    several = [identifiers] if isinstance(identifiers, str) else identifiers or []
    return ", ".join(identifier[:SHORT] for identifier in several)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return ", ".join(value) if isinstance(value, list) else str(value)
