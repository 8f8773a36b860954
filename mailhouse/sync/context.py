"""What every part of the reverse sync is given: nothing is looked up behind its back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import duckdb

from mailhouse.clock import Clock
from mailhouse.crash_points import CrashPoints
from mailhouse.destinations import Change
from mailhouse.leases import Lease
from mailhouse.settings import Settings
from mailhouse.sync.audiences import Targets
from mailhouse.sync.consent import WarehouseLook

CONSENT_MAX_AGE = timedelta(hours=36)


class Look(Protocol):
    """The last look at consent, right before a batch."""

    def refused(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """Document key -> reason, for those who may not be written to now."""

    def entries(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """Document key -> id of the ledger's entry that permits the write."""

    def withdrawn_since(self, moment: datetime) -> frozenset[str]:
        """Mailboxes of which an act of refusal was recorded since then."""


@dataclass(frozen=True)
class Context:
    """One run's surroundings. `warehouse` is a connection on which the warehouse is called `warehouse`, in UTC.

    `plan` only reads it (temporary tables apart), so a published copy will do; `sync` and `receipt` write to `reverse_sync`.
    `consent_max_age` is how long before the clock's now consent may have been decided at the earliest. `leases` are those
    that the run holds: whoever has been overtaken sends and writes no more.
    """

    settings: Settings
    clock: Clock
    warehouse: duckdb.DuckDBPyConnection
    manifest: Path
    consent_max_age: timedelta = CONSENT_MAX_AGE
    leases: Sequence[Lease] = ()

    def crash_points(self) -> CrashPoints:
        """The named points of one run, armed as the settings say."""
        return CrashPoints(self.settings.crash_at)

    def last_look(self, targets: Targets) -> Look:
        """A look of one run's own."""
        return WarehouseLook(self.warehouse, targets)
