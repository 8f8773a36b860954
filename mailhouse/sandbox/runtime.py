"""What the parts of a running sandbox share."""

import threading
from collections.abc import Callable
from pathlib import Path

from mailhouse.sandbox.auth import secrets_of
from mailhouse.sandbox.calls import Calls
from mailhouse.sandbox.effects import Effects
from mailhouse.sandbox.faults import Faults
from mailhouse.sandbox.limits import Limits
from mailhouse.sandbox.store import Store
from mailhouse.sandbox.ticks import Ticks

STATE = "state.db"
TRUTH = "truth.duckdb"
SERVER = "server.json"
BULK = "bulk"


class Runtime:
    """One served sandbox: its state on disk, and the limits, faults and counters that last as long as the process."""

    def __init__(self, directory: Path, limits: str = "generous") -> None:
        self.directory = directory
        self.store = Store(directory / STATE)
        self.truth_path = directory / TRUTH
        self.secrets = secrets_of(self.store)
        self.ticks = Ticks()
        self.limits = Limits(limits)
        self.faults = Faults()
        self.calls = Calls()
        self.effects = Effects(self.store, self.ticks)
        # what vendors have put off until its time, to be brought up to date before anybody looks from behind
        self.settlers: list[Callable[[], None]] = []
        # two advances side by side would let the same day pass twice
        self.advancing = threading.Lock()
        # raised whenever time has passed, so that what a vendor remembers from before is not served any more
        self.days_passed = 0

    def settle(self) -> None:
        """Lets the vendors do what is due."""
        for settle in self.settlers:
            settle()

    def close(self) -> None:
        self.store.close()
