"""Counts what was asked of each vendor, so that a test can say how many calls a run made."""

import itertools
import threading
from collections import Counter, deque
from typing import Any

LOGGED = 20_000


class Calls:
    """Calls, rows and statuses by vendor, method, path template and operation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = itertools.count(1)
        self.clear()

    def next_request(self) -> str:
        """The name of a request, its number since the server began."""
        return f"r{next(self._requests):06d}"

    def clear(self) -> None:
        with self._lock:
            self._rows: Counter[tuple[str, str, str, str, bool]] = Counter()
            self._statuses: dict[tuple[str, str, str, str, bool], Counter[str]] = {}
            self._log: deque[dict[str, Any]] = deque(maxlen=LOGGED)

    def add(self, vendor: str, method: str, template: str, operation: str, *, writes: bool, rows: int, status: str) -> None:
        """`status` is the HTTP status, or `dropped` where the connection was cut."""
        key = (vendor, method, template, operation, writes)
        with self._lock:
            self._rows[key] += rows
            self._statuses.setdefault(key, Counter())[status] += 1

    def log(self, request: str, vendor: str, method: str, path: str, tick: float, status: str) -> None:
        """Keeps one request among the latest; `tick` is when it came."""
        with self._lock:
            self._log.append(
                {"request": request, "vendor": vendor, "method": method, "path": path, "tick": tick, "status": status}
            )

    def log_as_json(self) -> dict[str, Any]:
        """`{"requests": [{request, vendor, method, path, tick, status}]}`, the latest 20,000, by time of answer."""
        with self._lock:
            return {"requests": list(self._log)}

    def as_json(self) -> dict[str, Any]:
        """`{"calls": [{vendor, method, path, operation, writes, calls, rows, statuses}], "writes": n, "total": n}`."""
        with self._lock:
            entries = [
                {
                    "vendor": vendor,
                    "method": method,
                    "path": template,
                    "operation": operation,
                    "writes": writes,
                    "calls": statuses.total(),
                    "rows": self._rows[vendor, method, template, operation, writes],
                    "statuses": dict(statuses),
                }
                for (vendor, method, template, operation, writes), statuses in sorted(self._statuses.items())
            ]
        return {
            "calls": entries,
            "writes": sum(entry["calls"] for entry in entries if entry["writes"]),
            "total": sum(entry["calls"] for entry in entries),
        }
