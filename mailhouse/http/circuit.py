"""A vendor that is down is left alone for a while instead of being asked by every call."""

import logging

from mailhouse.clock import Clock
from mailhouse.errors import VendorUnreachable
from mailhouse.http.limits import Lane

log = logging.getLogger(__name__)

LONGEST_PAUSE = 600.0


class Circuit:
    """Opens after so many failures in a row; while it is open calls fail at once as VendorUnreachable.

    When the pause is over one call is let through to see whether the vendor is back, the others wait for what it finds, and
    each time it finds nothing the pause doubles. A withdrawal need not wait for the pause: it may be that call at any time,
    and so may the first call of a client that is opened anew.
    """

    def __init__(self, name: str, failures: int, pause: float, clock: Clock) -> None:
        self._name, self._most, self._first_pause, self._clock = name, failures, pause, clock
        self._failures = 0
        self._pause = pause
        self._open_until: float | None = None
        self.is_probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def opened_anew(self) -> None:
        """A new client begins: whatever was found before, it may look for itself."""
        if self._open_until is not None:
            self._open_until = self._clock.elapsed()

    def refuse(self, lane: Lane) -> None:
        """Raise VendorUnreachable when a call would not be let through now."""
        if self._open_until is None:
            return
        left = self._open_until - self._clock.elapsed()
        if left > 0 and lane != "withdrawal" and not self.is_probing:
            raise VendorUnreachable(
                f"{self._name}: not asked, because its last {self._failures} calls failed; it is tried again in {left:.0f} s,"
                " run again then"
            )

    def enter(self) -> None:
        """A call goes out; `succeeded`, `failed` or `abandoned` must follow."""
        self.is_probing = self.is_open

    def succeeded(self) -> None:
        if self._open_until is not None:
            log.info("%s: answers again", self._name)
        self._failures, self._pause, self._open_until, self.is_probing = 0, self._first_pause, None, False

    def failed(self) -> None:
        self._failures += 1
        if self.is_probing:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
        elif self._failures < self._most or self._open_until is not None:
            return
        self.is_probing = False
        self._open_until = self._clock.elapsed() + self._pause
        log.warning("%s: %d calls in a row failed; not asked for %.0f s", self._name, self._failures, self._pause)

    def abandoned(self) -> None:
        """The call ended without a word about the vendor, for instance because the run was stopped."""
        self.is_probing = False
