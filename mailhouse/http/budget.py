"""A budget of calls a day and connection, counted over UTC days for all processes of a work directory together."""

import logging
import sqlite3
from datetime import date
from pathlib import Path

from mailhouse.clock import Clock
from mailhouse.errors import StateUnreadable, VendorUnreachable
from mailhouse.http.limits import Lane

log = logging.getLogger(__name__)

FILE = "calls.db"
WARN_AT = 0.80
# above this share only withdrawals and ingestion go on
STOP_AT = 0.95
_TABLE = """
    create table if not exists calls (
        connection text not null, day text not null, calls integer not null, primary key (connection, day)
    )
"""
_COUNT = """
    insert into calls (connection, day, calls) values (:connection, :day, 1)
    on conflict (connection, day) do update set calls = calls + 1 where calls < :most
    returning calls
"""


class CallBudgetSpent(VendorUnreachable):
    """The day's budget of calls is used up but for withdrawals and ingestion; the call was not made."""


class DailyBudget:
    """At most so many calls a UTC day; `file` keeps the count over processes, None keeps it in memory only."""

    def __init__(self, connection: str, most: int, clock: Clock, file: Path | None) -> None:
        self._connection, self._most, self._clock = connection, most, clock
        self._file = file
        self._counts: sqlite3.Connection | None = None
        self._warned: date | None = None

    def take(self, lane: Lane) -> None:
        """Count one call. Raises CallBudgetSpent for an ordinary call above 95 %, StateUnreadable.

        Withdrawals and ingestion are counted and never held back, not even by a count that cannot be kept.
        """
        day = self._clock.now().date()
        goes_on = lane in ("withdrawal", "reading")
        try:
            # a bound nobody reaches, where there is none: the statement stays one
            count = self._count(day, 2**62 if goes_on else int(self._most * STOP_AT))
        except sqlite3.Error as error:
            trouble = f"{self._connection}: the day's calls cannot be counted in {FILE} ({error}); remove the file, run again"
            if not goes_on:
                raise StateUnreadable(trouble) from error
            log.warning("%s", trouble)
            return
        if count is None:
            raise CallBudgetSpent(
                f"{self._connection}: {STOP_AT:.0%} of the {self._most:,} calls for {day} (UTC) are used and the rest is kept"
                " for withdrawals and ingestion; run again tomorrow, or raise settings.limits.calls_per_day"
            )
        if count > self._most * WARN_AT and self._warned != day:
            self._warned = day
            log.warning("%s: %d of the %d calls for %s (UTC) are used", self._connection, count, self._most, day)

    def used(self) -> int:
        """Calls counted on the clock's day."""
        values = (self._connection, self._clock.now().date().isoformat())
        rows = self._opened().execute("select calls from calls where connection = ? and day = ?", values).fetchall()
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        if self._counts is not None and self._file is not None:
            self._counts.close()
            self._counts = None

    def _count(self, day: date, most: int) -> int | None:
        values = {"connection": self._connection, "day": day.isoformat(), "most": most}
        rows = self._opened().execute(_COUNT, values).fetchall()
        return int(rows[0][0]) if rows else None

    def _opened(self) -> sqlite3.Connection:
        if self._counts is None:
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            # isolation_level None: each statement is a transaction, and processes take turns
            self._counts = sqlite3.connect(self._file or ":memory:", timeout=10.0, isolation_level=None, check_same_thread=False)
            self._counts.execute("pragma journal_mode = wal")
            # a power cut may lose the last few counts, a killed process none; a budget is no ledger
            self._counts.execute("pragma synchronous = normal")
            self._counts.execute(_TABLE)
        return self._counts
