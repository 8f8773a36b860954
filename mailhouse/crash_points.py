"""Named points at which a process can be told to kill itself, so that tests can show that nothing is lost there."""

import os
import signal
from collections import Counter


class CrashPoints:
    """Kills this process with SIGKILL when the n-th passing of one named point is reached; unarmed it does nothing.

    `spec` is `name` or `name#n` (n counts from 1), as `Settings.crash_at` gives it.
    """

    def __init__(self, spec: str | None = None) -> None:
        name, _, nth = (spec or "").partition("#")
        self._name = name
        self._nth = int(nth) if nth else 1
        self._passed: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        """Pass the point called `name`; returns unless this is the moment to die."""
        if not self._name:
            return
        self._passed[name] += 1
        if name == self._name and self._passed[name] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)
