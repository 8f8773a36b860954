"""Consent as the sync sees it: whether it can be relied on, and the last look that every batch passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import duckdb

from mailhouse.sync.audiences import Targets
from mailhouse.sync.identifiers import Relation

CHANNEL, BRAND = "email", "default"


@dataclass(frozen=True)
class ConsentState:
    """`stale`: refusals in it still count, permissions do not. `missing`: it says nothing."""

    status: Literal["usable", "stale", "missing"]
    trouble: str = ""

    @property
    def usable(self) -> bool:
        return self.status == "usable"


def consent_state(connection: duckdb.DuckDBPyConnection, targets: Targets, now: datetime, max_age: timedelta) -> ConsentState:
    """Whether consent may be relied on at `now`: there, filled, decided within `max_age`, not before the newest act."""
    status = targets.consent_status
    if status is None:
        return ConsentState("missing", "the project has no model consent_status")
    if not exists(connection, status):
        return ConsentState("missing", f"{status.schema}.{status.name} is not built; run `mailhouse run`")
    try:
        decided, rows = connection.execute(
            f"select max(decided_at)::timestamptz, count(*) from {status.sql} where channel = ? and brand = ?", [CHANNEL, BRAND]
        ).fetchall()[0]
    except (duckdb.BinderException, duckdb.ConversionException):
        return ConsentState("missing", f"{status.schema}.{status.name} lacks channel, brand or decided_at; mend the model")
    if not rows or decided is None:
        return ConsentState("missing", f"{status.schema}.{status.name} has no decision for channel {CHANNEL}")
    if now - decided > max_age:
        return ConsentState("stale", f"consent was last decided at {decided:%Y-%m-%d %H:%M} UTC; run `mailhouse run`")
    received = _newest_act(connection, targets.consent_events)
    if received is not None and received > decided:
        return ConsentState("stale", "the ledger has acts newer than the last decision; run `mailhouse run`")
    return ConsentState("usable")


def exists(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Whether a relation of the manifest is really in the warehouse."""
    found = connection.execute(
        "select count(*) from information_schema.tables"
        " where lower(table_catalog) = ? and lower(table_schema) = ? and lower(table_name) = ?",
        [relation.database.lower(), relation.schema.lower(), relation.name.lower()],
    ).fetchall()
    return bool(found[0][0])


def _newest_act(connection: duckdb.DuckDBPyConnection, events: Relation | None) -> datetime | None:
    if events is None or not exists(connection, events):
        return None
    return connection.execute(f"select max(received_at)::timestamptz from {events.sql}").fetchall()[0][0]


def create_consent(connection: duckdb.DuckDBPyConnection, targets: Targets, state: ConsentState) -> None:
    """Give the plan `sync_consent(mailbox, purpose, is_allowed, reason, event_id)`: one row each, the strictest of several."""
    if state.status == "missing" or targets.consent_status is None:
        connection.execute(
            "create or replace temp table sync_consent as select null::varchar as mailbox, null::varchar as purpose,"
            " null::boolean as is_allowed, null::varchar as reason, null::varchar as event_id where false"
        )
        return
    connection.execute(f"create or replace temp table sync_consent as {_decisions(targets.consent_status)}")


def _decisions(status: Relation, only: str = "true") -> str:
    return f"""
        select
            mailbox,
            purpose,
            bool_and(coalesce(decision = 'allow', false)) as is_allowed,
            coalesce(min(reason) filter (decision is distinct from 'allow'), 'denied') as reason,
            min(event_id) as event_id
        from {status.sql}
        where channel = '{CHANNEL}' and brand = '{BRAND}' and {only}
        group by mailbox, purpose
    """
