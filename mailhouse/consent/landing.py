"""Lands the inbox: what it took becomes rows of `raw_inbox.consent_acts`, from which dbt carries it into the ledger."""

import duckdb

from mailhouse.consent.acts import SCHEMA, raw_rows
from mailhouse.consent.inbox import Inbox
from mailhouse.privacy.arrivals import Arrivals
from mailhouse.settings import Settings

CREATE = """
create schema if not exists raw_inbox;
create table if not exists raw_inbox.consent_acts (
    connection_id varchar not null, event_id varchar not null, inbox_id varchar not null, seq bigint not null,
    act varchar not null, address varchar not null, channel varchar not null, purpose varchar not null,
    brand varchar not null, source varchar not null, reason varchar not null, proof varchar, evidence varchar,
    recorded_by varchar not null, occurred_at timestamp with time zone, received_at timestamp with time zone not null
)
"""


def land_inbox(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Merge the inbox into raw on `event_id`; gives back how many acts were new. Makes an inbox where there is none yet.

    What was said about somebody who was erased does not land, before they agree anew.

    To be called with the warehouse open for writing, before contact points are normalised. Raises StateUnreadable.
    """
    inbox = Inbox(settings.inbox_path)
    inbox.create()
    connection.execute(CREATE)
    arrived = raw_rows(Arrivals(settings).acts(inbox.acts()))
    connection.register("inbox_arrived", arrived)
    columns = ", ".join(SCHEMA.names)
    added = connection.execute(
        f"insert into raw_inbox.consent_acts by name select {columns} from inbox_arrived"
        " anti join raw_inbox.consent_acts using (event_id)"
    ).fetchall()
    connection.unregister("inbox_arrived")
    return added[0][0]
