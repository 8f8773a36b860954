"""Faults on order: what may happen between a caller and a vendor, told in advance by a test or a drill."""

import threading
from dataclasses import dataclass
from typing import Any

from mailhouse.errors import ConfigurationError

KINDS = ("429", "500", "reset", "garbage", "html200", "truncated", "timeout_after_apply", "bodyless_403")
KEYS = {"vendor", "method", "path_contains", "nth", "times", "do", "retry_after"}


@dataclass(slots=True)
class Fault:
    """Hits the nth fitting call and the ones after it, `times` in all (None: for ever)."""

    vendor: str
    do: str
    method: str = ""
    path_contains: str = ""
    nth: int = 1
    times: int | None = 1
    retry_after: int | None = None
    seen: int = 0

    def hits(self, vendor: str, method: str, path: str) -> bool:
        fits = vendor == self.vendor and self.method in ("", method) and self.path_contains in path
        if not fits:
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def replace(self, described: list[dict[str, Any]]) -> None:
        """Takes the place of all earlier ones; raises ConfigurationError for one that cannot be meant."""
        faults = []
        for one in described:
            if not isinstance(one, dict) or one.keys() - KEYS or one.get("do") not in KINDS or "vendor" not in one:
                raise ConfigurationError(f"sandbox fault {one!r} is not known: give vendor and do ({', '.join(KINDS)})")
            faults.append(Fault(**{**one, "method": one.get("method", "").upper()}))
        with self._lock:
            self._faults = faults

    def next_for(self, vendor: str, method: str, path: str) -> Fault | None:
        """The fault that strikes this call; every fault that fits counts the call."""
        with self._lock:
            striking = [fault for fault in self._faults if fault.hits(vendor, method, path)]
        return striking[0] if striking else None
