"""What is known of one address: who has it, their segments, why they are written to or not, what was delivered when."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from mailhouse import gate
from mailhouse.clock import clock_of
from mailhouse.consent.current import CurrentConsent
from mailhouse.consent.state import BRAND, CHANNEL
from mailhouse.contact_points import normalise_email
from mailhouse.controls import paused
from mailhouse.errors import ConfigurationError
from mailhouse.explain.history import history
from mailhouse.query import published_manifest
from mailhouse.settings import Settings
from mailhouse.sync import state
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.consent import consent_state, exists
from mailhouse.sync.context import Context
from mailhouse.sync.desired import create_desired
from mailhouse.sync.manifest import read_manifest
from mailhouse.sync.targets import Targets, place_name
from mailhouse.warehouse import Warehouse

Rows = list[dict[str, Any]]
DECISION = ("channel", "purpose", "brand", "decision", "reason", "jurisdiction", "effective_at", "event_id")
ENTRY = ("event_id", "act", "purpose", "source", "reason", "proof", "evidence", "occurred_at", "received_at")


class Consent(Protocol):
    """Consent as it is known now; `CurrentConsent` is the one of every real answer."""

    def decide(self, mailboxes: set[str], now: datetime) -> pa.Table: ...
    def acts(self, mailbox: str) -> pa.Table: ...


ConsentOf = Callable[[Settings, duckdb.DuckDBPyConnection, Path], AbstractContextManager[Consent]]

_CUSTOMERS = """
    select
        mailboxes.customer_id,
        list_sort(list(distinct records.source || ' ' || records.record_type)) as records,
        any_value(customers.count_orders) as count_orders,
        any_value(customers.last_order_date) as last_order_date
    from (select distinct customer_id from {mailboxes} where mailbox = $mailbox) as mailboxes
    left join {records} as records on mailboxes.customer_id = records.customer_id
    left join {customers} as customers on mailboxes.customer_id = customers.customer_id
    group by mailboxes.customer_id
    order by mailboxes.customer_id
"""

# each declaration once a customer, also of segments that they are not in
_AUDIENCES = """
    select
        targets.segment, targets.destination, targets.container, targets.membership, targets.purpose, targets.mode,
        people.customer_id,
        members.customer_id is not null as is_member,
        decisions.reason,
        decisions.mailbox,
        decisions.ledger_event_id,
        coalesce(list_contains(from_json(delivered.memberships, '["VARCHAR"]'), targets.membership), false) as is_delivered
    from sync_targets as targets
    cross join (select unnest($customers::varchar[]) as customer_id) as people
    left join sync_members as members
        on targets.target_id = members.target_id and people.customer_id = members.customer_id
    left join sync_decisions as decisions
        on targets.target_id = decisions.target_id and people.customer_id = decisions.customer_id
    left join sync_delivered as delivered
        on targets.destination = delivered.destination and targets.container = delivered.container
        and decisions.document_key = delivered.document_key
    order by targets.destination, targets.container, targets.membership, targets.segment, people.customer_id
"""

_DESTINATIONS = """
    select destination, customer_id, document_key, esp_status, speaks, is_picked, mailbox = $mailbox as is_this_address
    from sync_people
    where customer_id in (select unnest($customers::varchar[]))
    order by destination, customer_id
"""


@dataclass(frozen=True)
class Explanation:
    """One row each: customers who have the address (wide form), segments, audiences (allowed or the first reason why not),
    destinations, deliveries, refused rows, decisions over time, what consent says now and by which entries, withdrawals told.

    Ids, codes and moments (UTC) alone: the address that was asked about is the only one in it.
    """

    mailbox: str
    customers: Rows
    segments: Rows
    audiences: Rows
    destinations: Rows
    deliveries: Rows
    refused: Rows
    decisions: Rows
    consent: Rows
    ledger: Rows
    withdrawals: Rows

    @property
    def is_known(self) -> bool:
        """Whether anything at all is known of the address."""
        return any((self.customers, self.deliveries, self.consent, self.ledger, self.withdrawals))

    def as_json(self) -> str:
        """For machines."""
        return json.dumps(asdict(self), indent=2, default=str)


def explain(context: Context, address: str, held_back: Mapping[str, str], consent_of: ConsentOf = CurrentConsent) -> Explanation:
    """Put together what is known of an address; reads the warehouse (a published copy will do) and the inbox.

    held_back: segment -> why the gate keeps it closed. Raises ConfigurationError for what is no address, SyncRefused when
    a profile model is not built, ConsentUnavailable.
    """
    # what can be no mailbox at all may still be what a source has, and then it is to be explained too
    mailbox = normalise_email(address).wide
    if mailbox is None or "@" not in mailbox:
        raise ConfigurationError("that is no e-mail address; say it as somebody@example.org")
    warehouse, now = context.warehouse, context.clock.now()
    targets = read_audiences(context.manifest, context.settings.connections)
    built = consent_state(warehouse, targets, now, context.consent_max_age)
    state.readable(warehouse)
    everything = frozenset(audience.segment for audience in targets.audiences)
    create_desired(warehouse, targets, context.settings.connections, built, {}, everything)
    customers = _customers(context, mailbox)
    ids = [row["customer_id"] for row in customers]
    with consent_of(context.settings, warehouse, context.manifest) as current:
        decided = current.decide({mailbox}, now).to_pylist()
        ledger = _ledger(current.acts(mailbox).to_pylist(), mailbox)
    audiences = _audiences(context, ids, mailbox, decided, held_back)
    destinations = rows_of(warehouse, _DESTINATIONS, {"mailbox": mailbox, "customers": ids})
    return Explanation(
        mailbox=mailbox,
        customers=customers,
        segments=_segments(targets, audiences, context.manifest),
        audiences=audiences,
        destinations=destinations,
        consent=[{name: row.get(name) for name in DECISION} for row in decided],
        ledger=ledger,
        **history(context, targets, address, mailbox, ids),
    )


def explain_published(settings: Settings, address: str) -> Explanation:
    """As `explain`, by the published copy, which can be read while a run holds the warehouse. Raises WarehouseMissing too."""
    manifest = published_manifest(settings)
    path = settings.published_target / "manifest.json"
    with Warehouse(settings).read() as warehouse:
        held_back = gate.recorded(warehouse, gate.segments(manifest).values())
        return explain(Context(settings, clock_of(settings), warehouse, path), address, held_back)


def rows_of(warehouse: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any]) -> Rows:
    """The answer to a query, one mapping a row."""
    answer = warehouse.execute(query, dict(values))
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _customers(context: Context, mailbox: str) -> Rows:
    manifest = read_manifest(context.manifest)
    relations = {
        "mailboxes": manifest.relation("int_customer_mailboxes_collected"),
        "records": manifest.relation("customer_records"),
        "customers": manifest.relation("customers"),
    }
    for name, relation in relations.items():
        if relation is None or not exists(context.warehouse, relation):
            raise ConfigurationError(
                f"{name}: the project has no built model of customers and their addresses; run `mailhouse run`"
            )
    named = {name: relation.sql for name, relation in relations.items() if relation}
    return rows_of(context.warehouse, _CUSTOMERS.format(**named), {"mailbox": mailbox})


def _audiences(
    context: Context,
    customers: Sequence[str],
    mailbox: str,
    decided: Rows,
    held_back: Mapping[str, str],
) -> Rows:
    """Allowed or the first reason why not, by the models as built; what was heard since then is stronger."""
    now = {row["purpose"]: row for row in decided if row["channel"] == CHANNEL and row["brand"] == BRAND}
    found = []
    for row in rows_of(context.warehouse, _AUDIENCES, {"customers": list(customers)}):
        reason = row["reason"] if row["is_member"] else "not_in_segment"
        is_here = row.pop("mailbox") == mailbox
        today = now.get(row["purpose"])
        if reason is None and is_here and (today is None or today["decision"] != "allow"):
            reason = today["reason"] if today else "no_consent_record"
            row["ledger_event_id"] = today["event_id"] if today else None
        pause = paused(context.settings, row["destination"], [row["segment"]])
        place = [row.pop(name) for name in ("container", "membership")]
        found.append(
            row
            | {
                "audience": place_name(row["destination"], *place),
                "is_allowed": reason is None,
                "reason": reason,
                "is_this_address": is_here,
                "held_back": held_back.get(row["segment"]) or pause,
            }
        )
    return found


def _segments(targets: Targets, audiences: Rows, manifest: Path) -> Rows:
    """Each segment once, with what it is and who of the customers is in it."""
    descriptions = {
        node["name"]: node.get("description") or ""
        for node in json.loads(manifest.read_bytes())["nodes"].values()
        if node["resource_type"] == "model"
    }
    inside: dict[str, set[str]] = {audience.segment: set() for audience in targets.audiences}
    for row in audiences:
        if row["is_member"]:
            inside[row["segment"]].add(row["customer_id"])
    return [
        {
            "segment": name,
            "is_in": bool(ids),
            "customers": sorted(ids),
            "description": " ".join(descriptions.get(name, "").split()),
        }
        for name, ids in sorted(inside.items())
    ]


def _ledger(acts: Rows, mailbox: str) -> Rows:
    """The entries that consent goes by; of an entry about another address of the person the address itself stays out."""
    return [{name: row.get(name) for name in ENTRY} | {"is_this_address": row["mailbox"] == mailbox} for row in acts]
