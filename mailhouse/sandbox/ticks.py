"""The seconds by which limits, lags and jobs are counted: the machine's, or a test's that are moved by hand."""

import threading
import time


class Ticks:
    """Seconds on a scale of its own. Business time is the store's; this one only says how long something takes."""

    def __init__(self) -> None:
        self._by_hand: float | None = None
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since some beginning."""
        with self._lock:
            return time.monotonic() if self._by_hand is None else self._by_hand

    def move(self, seconds: float) -> float:
        """Takes the scale into the hand, where it stands still between moves, and moves it on; the new reading."""
        with self._lock:
            self._by_hand = (time.monotonic() if self._by_hand is None else self._by_hand) + seconds
            return self._by_hand

    def let_go(self) -> float:
        """Gives the scale back to the machine; the new reading, which may lie before the last one."""
        with self._lock:
            self._by_hand = None
            return time.monotonic()

    @property
    def by_hand(self) -> bool:
        return self._by_hand is not None
