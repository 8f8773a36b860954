"""What the parts of a running sandbox share."""

import threading
from pathlib import Path

from mailhouse.sandbox.auth import secrets_of
from mailhouse.sandbox.calls import Calls
from mailhouse.sandbox.faults import Faults
from mailhouse.sandbox.limits import Limits
from mailhouse.sandbox.store import Store

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
        self.limits = Limits(limits)
        self.faults = Faults()
        self.calls = Calls()
        # two advances side by side would let the same day pass twice
        self.advancing = threading.Lock()
        # raised whenever time has passed, so that what a vendor remembers from before is not served any more
        self.days_passed = 0

    def close(self) -> None:
        self.store.close()
