"""What every part of the reverse sync is given: nothing is looked up behind its back."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from mailhouse.clock import Clock
from mailhouse.crash_points import CrashPoints
from mailhouse.settings import Settings

CONSENT_MAX_AGE = timedelta(hours=36)


@dataclass(frozen=True)
class Context:
    """One run's surroundings. `warehouse` is a connection on which the warehouse is called `warehouse`, in UTC.

    `plan` only reads it (temporary tables apart), so a published copy will do; `sync` and `receipt` write to `reverse_sync`.
    `consent_max_age` is how long before the clock's now consent may have been decided at the earliest.
    """

    settings: Settings
    clock: Clock
    warehouse: duckdb.DuckDBPyConnection
    manifest: Path
    consent_max_age: timedelta = CONSENT_MAX_AGE

    def crash_points(self) -> CrashPoints:
        """The named points of one run, armed as the settings say."""
        return CrashPoints(self.settings.crash_at)
