"""Consent as the plan sees it: whether it can be relied on, and one decision for each mailbox and purpose."""

from datetime import datetime, timedelta

import duckdb

from mailhouse.consent.state import BRAND, CHANNEL, ConsentState, state_of
from mailhouse.sync.identifiers import Relation
from mailhouse.sync.targets import Targets


def consent_state(connection: duckdb.DuckDBPyConnection, targets: Targets, now: datetime, max_age: timedelta) -> ConsentState:
    """Whether consent may be relied on at `now`: there, filled, decided within `max_age`, not before the newest act."""
    status, events = targets.consent_status, targets.consent_events
    return state_of(connection, status.sql if status else None, events.sql if events else None, now, max_age)


def exists(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Whether a relation of the manifest is really in the warehouse."""
    found = connection.execute(
        "select count(*) from information_schema.tables"
        " where lower(table_catalog) = ? and lower(table_schema) = ? and lower(table_name) = ?",
        [relation.database.lower(), relation.schema.lower(), relation.name.lower()],
    ).fetchall()
    return bool(found[0][0])


def create_consent(connection: duckdb.DuckDBPyConnection, targets: Targets, state: ConsentState) -> None:
    """Give the plan `sync_consent(mailbox, purpose, is_allowed, reason, event_id)`: one row each, the strictest of several."""
    if state.status == "missing" or targets.consent_status is None:
        connection.execute(
            "create or replace temp table sync_consent as select null::varchar as mailbox, null::varchar as purpose,"
            " null::boolean as is_allowed, null::varchar as reason, null::varchar as event_id where false"
        )
        return
    connection.execute(f"create or replace temp table sync_consent as {_decisions(targets.consent_status)}")


def _decisions(status: Relation) -> str:
    return f"""
        select
            mailbox,
            purpose,
            bool_and(coalesce(decision = 'allow', false)) as is_allowed,
            coalesce(min(reason) filter (decision is distinct from 'allow'), 'denied') as reason,
            min(event_id) as event_id
        from {status.sql}
        where channel = '{CHANNEL}' and brand = '{BRAND}'
        group by mailbox, purpose
    """
