"""Faults on order: what may happen between a caller and a vendor, told in advance by a test or a drill.

| do | what happens |
|---|---|
| a status from 400 to 599 | the vendor refuses in its own words; `retry_after` (a number, a date or any text) is sent along |
| bodyless_403, garbage, html200 | an answer that is none of the vendor's; the vendor never saw the call |
| reset | the line is cut before the vendor saw the call |
| timeout_before | nothing is answered for `seconds`, then the line is cut; the vendor never saw the call |
| timeout_after_apply | the vendor does as asked, nothing is answered for `seconds`, then the line is cut |
| truncated | the vendor does as asked, half of its answer arrives |
| wrong_count | the vendor does as asked, the counts of its answer are one too high |
| partial | the vendor refuses the given `rows` (addresses) of a batch and takes the others |
| slow | the vendor does as asked and answers after `seconds` |

A fault with `rows` and any other `do` strikes only calls whose body names one of them: the bad row that fails a whole batch.
"""

import re
import threading
from dataclasses import dataclass
from typing import Any

from mailhouse.errors import ConfigurationError

CUTTING = ("reset", "timeout_before", "timeout_after_apply", "truncated")
AFTER_APPLYING = ("timeout_after_apply", "truncated", "wrong_count", "partial", "slow")
KINDS = ("reset", "timeout_before", "bodyless_403", "garbage", "html200", *AFTER_APPLYING)
STATUS = re.compile("[45][0-9][0-9]")
KEYS = {"vendor", "method", "path_contains", "nth", "times", "do", "retry_after", "rows", "seconds"}
# what a vendor says of how much it did
COUNTS = frozenset(
    {"total_created", "total_updated", "total_added", "total_removed", "total_items", "completed_count", "profile_count"}
)


@dataclass(slots=True)
class Fault:
    """Hits the nth fitting call and the ones after it, `times` in all (None: for ever)."""

    vendor: str
    do: str
    method: str = ""
    path_contains: str = ""
    nth: int = 1
    times: int | None = 1
    retry_after: int | str | None = None
    rows: tuple[str, ...] = ()
    seconds: float = 0.0
    seen: int = 0

    def hits(self, vendor: str, method: str, path: str, body: bytes) -> bool:
        fits = vendor == self.vendor and self.method in ("", method) and self.path_contains in path
        if not fits or not self._names_a_row(body):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)

    def _names_a_row(self, body: bytes) -> bool:
        if not self.rows:
            return True
        text = body.lower()
        return any(row.encode() in text for row in self.rows)


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def replace(self, described: list[dict[str, Any]]) -> None:
        """Takes the place of all earlier ones; raises ConfigurationError for one that cannot be meant."""
        faults = []
        for one in described:
            if not isinstance(one, dict) or one.keys() - KEYS or not _is_kind(one.get("do")) or "vendor" not in one:
                kinds = ", ".join(KINDS)
                raise ConfigurationError(f"sandbox fault {one!r} is not known: give vendor and do (a status, {kinds})")
            rows = tuple(str(row).lower() for row in one.get("rows", ()))
            if one["do"] == "partial" and not rows:
                raise ConfigurationError("sandbox fault `partial` needs `rows`: the addresses that are refused")
            faults.append(Fault(**{**one, "method": one.get("method", "").upper(), "rows": rows}))
        with self._lock:
            self._faults = faults

    def next_for(self, vendor: str, method: str, path: str, body: bytes = b"") -> Fault | None:
        """The fault that strikes this call; every fault that fits counts the call."""
        with self._lock:
            striking = [fault for fault in self._faults if fault.hits(vendor, method, path, body)]
        return striking[0] if striking else None

    def as_json(self) -> dict[str, Any]:
        """`{"faults": [{vendor, do, method, path_contains, nth, times, seen}]}`; `seen` counts the calls that fitted."""
        names = ("vendor", "do", "method", "path_contains", "nth", "times", "seen")
        with self._lock:
            return {"faults": [{name: getattr(fault, name) for name in names} for fault in self._faults]}


def miscounted(body: Any) -> Any:
    """An answer with every count one too high."""
    if isinstance(body, list):
        return [miscounted(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {name: value + 1 if name in COUNTS and isinstance(value, int) else miscounted(value) for name, value in body.items()}


def _is_kind(do: Any) -> bool:
    return do in KINDS or (isinstance(do, str) and STATUS.fullmatch(do) is not None)
