"""A vendor that is down is left alone for a while instead of being asked by every call."""

import logging

from mailhouse.clock import Clock
from mailhouse.errors import VendorUnreachable
from mailhouse.http.limits import Lane

log = logging.getLogger(__name__)

LONGEST_PAUSE = 600.0


class Circuit:
    """Opens after so many failures in a row; while it is open calls fail at once as VendorUnreachable.

    When the pause is over one call is let through to see whether the vendor is back, and each time it is not the pause
    doubles. A withdrawal need not wait for the pause: it may be that call at any time.
    """

    def __init__(self, name: str, failures: int, pause: float, clock: Clock) -> None:
        self._name, self._most, self._first_pause, self._clock = name, failures, pause, clock
        self._failures = 0
        self._pause = pause
        self._open_until: float | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def enter(self, lane: Lane) -> None:
        """Before each call; `succeeded`, `failed` or `abandoned` must follow it. Raises VendorUnreachable."""
        self.refuse(lane)
        self._is_probing = self.is_open

    def refuse(self, lane: Lane) -> None:
        """Raise VendorUnreachable when a call would not be let through now."""
        if self._open_until is None:
            return
        left = self._open_until - self._clock.elapsed()
        if self._is_probing or (left > 0 and lane != "withdrawal"):
            raise VendorUnreachable(
                f"{self._name}: not asked, because its last {self._failures} calls failed; it is tried again in"
                f" {max(0.0, left):.0f} s, run again then"
            )

    def succeeded(self) -> None:
        if self._open_until is not None:
            log.info("%s: answers again", self._name)
        self._failures, self._pause, self._open_until, self._is_probing = 0, self._first_pause, None, False

    def failed(self) -> None:
        self._failures += 1
        if self._is_probing:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
        elif self._failures < self._most or self._open_until is not None:
            return
        self._is_probing = False
        self._open_until = self._clock.elapsed() + self._pause
        log.warning("%s: %d calls in a row failed; not asked for %.0f s", self._name, self._failures, self._pause)

    def abandoned(self) -> None:
        """The call ended without a word about the vendor, for instance because the run was stopped."""
        self._is_probing = False
