"""What every part of the reverse sync is given: nothing is looked up behind its back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import duckdb

from mailhouse.clock import Clock
from mailhouse.consent import LastLook, Look
from mailhouse.crash_points import CrashPoints
from mailhouse.destinations import Change
from mailhouse.leases import Lease
from mailhouse.settings import Settings

CONSENT_MAX_AGE = timedelta(hours=36)


class ConsentLook(Protocol):
    """The last look at consent, right before a batch; `LastLook` is the one of every real run."""

    trouble: str

    def expect(self, changes: Iterable[Change]) -> None:
        """Say who will be looked at, in that order."""

    def look(self, changes: Sequence[Change]) -> Look:
        """Who of these may not be written to now, and by which entries of the ledger the others may."""

    def withdrawn_since(self, moment: datetime) -> set[str]:
        """Mailboxes of which an act of refusal was recorded since then."""

    def close(self) -> None:
        """Let go of what it holds."""


class Told(Protocol):
    """What came of telling: one line for each system that could not be told."""

    @property
    def problems(self) -> Sequence[str]: ...


class Ear(Protocol):
    """Listens beside a running sync, and tells every other system what it hears; `withdrawals.Hearing` is one."""

    async def heed(self) -> Told | None:
        """Tell what was heard since the last call; None when there was nothing to tell."""


@dataclass(frozen=True)
class Context:
    """One run's surroundings. `warehouse` is a connection on which the warehouse is called `warehouse`, in UTC.

    `plan` only reads it (temporary tables apart), so a published copy will do; `sync` and `receipt` write to `reverse_sync`.
    `consent_max_age` is how long before the clock's now consent may have been decided at the earliest. `leases` are those
    that the run holds: whoever has been overtaken sends and writes no more. `ear` listens for withdrawals while batches go out.
    """

    settings: Settings
    clock: Clock
    warehouse: duckdb.DuckDBPyConnection
    manifest: Path
    consent_max_age: timedelta = CONSENT_MAX_AGE
    leases: Sequence[Lease] = ()
    last_look: Callable[["Context"], ConsentLook] = LastLook
    ear: Callable[["Context"], Ear] | None = None

    def crash_points(self) -> CrashPoints:
        """The named points of one run, armed as the settings say."""
        return CrashPoints(self.settings.crash_at)
