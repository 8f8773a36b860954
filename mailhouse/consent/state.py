"""Whether the warehouse's consent can be relied on: there, filled, decided lately, and not before the newest act."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import duckdb

CHANNEL, BRAND = "email", "default"


@dataclass(frozen=True)
class ConsentState:
    """`stale`: refusals in it still count, permissions do not. `missing`: it says nothing. `trouble` is one line.

    `decided_at`: when it was decided last, UTC; None when it is missing.
    """

    status: Literal["usable", "stale", "missing"]
    trouble: str = ""
    decided_at: datetime | None = None

    @property
    def usable(self) -> bool:
        return self.status == "usable"


def state_of(
    connection: duckdb.DuckDBPyConnection, status: str | None, events: str | None, now: datetime, max_age: timedelta
) -> ConsentState:
    """Judge `status` (the decisions) and `events` (the ledger), quoted names of relations, at `now`."""
    if status is None or events is None:
        return ConsentState("missing", "the project has no consent_status and consent_events")
    try:
        decided, rows = connection.execute(
            f"select max(decided_at)::timestamptz, count(*) from {status} where channel = ? and brand = ?", [CHANNEL, BRAND]
        ).fetchall()[0]
        received = connection.execute(f"select max(received_at)::timestamptz from {events}").fetchall()[0][0]
    except duckdb.CatalogException:
        return ConsentState("missing", "consent_status or consent_events is not built; run `mailhouse run`")
    except (duckdb.BinderException, duckdb.ConversionException):
        return ConsentState("missing", "consent_status or consent_events lacks a column; mend the model")
    if not rows or decided is None:
        return ConsentState("missing", f"consent_status has no decision for channel {CHANNEL}")
    if now - decided > max_age:
        return ConsentState("stale", f"consent was last decided at {decided:%Y-%m-%d %H:%M} UTC; run `mailhouse run`", decided)
    if received is not None and received > decided:
        return ConsentState("stale", "the ledger has acts newer than the last decision; run `mailhouse run`", decided)
    return ConsentState("usable", decided_at=decided)
