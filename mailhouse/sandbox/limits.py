"""How much each vendor lets a caller do: profiles of numbers, and the two ways of counting them."""

import copy
import math
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.ticks import Ticks

# Sizes of the vendors' own plans. HubSpot: a private app on Professional; search 5 a second and the cap of 10,000 results
# are from general knowledge, how many records one call may move on a list is not published. Shopify: a Standard shop.
# Mailchimp: its documentation; it publishes no number for high volume, so that refusal is off unless asked for. How long
# Mailchimp's statistics lag is not published either.
# Klaviyo publishes calls a second, a minute and a day for every endpoint (mailhouse/vendors/klaviyo_limits.json); here
# stand the shares of them that are let through, None for no limit. How long its jobs take is not published: a job is done
# when `job_seconds` are over or when it was asked after more than `job_polls` times.
# SendGrid publishes no number but that of its erasures: 600 calls a minute for each endpoint and three days for the addresses
# of its files are from general knowledge.
VENDOR: dict[str, dict[str, Any]] = {
    "hubspot": {
        "calls": 190,
        "seconds": 10.0,
        "searches_per_second": 5,
        "calls_per_day": 650_000,
        "search_results": 10_000,
        "memberships": 10_000,
        "token_seconds": 1_800,
        "latency_seconds": 0.0,
    },
    "shopify": {
        "bucket": 2_000,
        "restored_per_second": 100.0,
        "most_per_query": 1_000,
        "throttle_status": 200,
        "token_seconds": 86_400,
        "token_calls": None,
        "bulk_concurrent": 5,
        "bulk_polls": 2,
        "latency_seconds": 0.0,
    },
    "mailchimp": {
        "connections": 10,
        "calls_per_minute": None,
        "stats_lag_seconds": 5.0,
        "latency_seconds": 0.0,
    },
    "klaviyo": {
        "burst_share": 1.0,
        "steady_share": 1.0,
        "daily_share": 1.0,
        "job_seconds": 3.0,
        "job_polls": None,
        "latency_seconds": 0.0,
    },
    "sendgrid": {
        "calls_per_minute": 600,
        "erasures_per_minute": 100,
        "job_seconds": 3.0,
        "job_polls": None,
        "file_seconds": 259_200.0,
        "latency_seconds": 0.0,
    },
    # 100,000 calls in 24 hours is what an Enterprise org begins with; a page of 2,000 rows and a session of two hours are its
    # defaults; how long a bulk job takes is not published. `hard_delete` is a permission that has to be given.
    "salesforce": {
        "calls_per_day": 100_000,
        "query_rows": 2_000,
        "token_seconds": 7_200,
        "token_calls": None,
        "bulk_polls": 2,
        "bulk_rows": 50_000,
        "hard_delete": True,
        "latency_seconds": 0.0,
    },
}


def _profile(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {vendor: {**numbers, **changes.get(vendor, {})} for vendor, numbers in VENDOR.items()}


PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    "vendor": _profile(),
    "generous": _profile(
        hubspot={"calls": 100_000, "searches_per_second": 10_000},
        shopify={"bucket": 20_000_000, "restored_per_second": 20_000_000.0, "bulk_polls": 0},
        mailchimp={"stats_lag_seconds": 0.5},
        klaviyo={"burst_share": None, "steady_share": None, "daily_share": None, "job_seconds": 0.0},
        sendgrid={"calls_per_minute": 1_000_000, "erasures_per_minute": 1_000_000, "job_seconds": 0.0},
        salesforce={"calls_per_day": 10_000_000, "bulk_polls": 0},
    ),
    "small": _profile(
        hubspot={"calls": 5, "seconds": 1.0, "searches_per_second": 2},
        shopify={"bucket": 1_200, "restored_per_second": 1_000.0, "bulk_polls": 1},
        mailchimp={"connections": 2, "stats_lag_seconds": 1.0},
        klaviyo={"burst_share": 0.1, "steady_share": None, "daily_share": None, "job_seconds": 1.0, "job_polls": 2},
        sendgrid={"calls_per_minute": 60, "erasures_per_minute": 10, "job_seconds": 1.0, "job_polls": 2},
        salesforce={"query_rows": 20, "token_calls": 25, "bulk_polls": 1, "bulk_rows": 50},
    ),
}


class Limits:
    """The numbers in force; each vendor's own mapping may be read at any time."""

    def __init__(self, profile: str = "generous") -> None:
        self.numbers: dict[str, dict[str, Any]] = {}
        self.profile = ""
        self.use(profile)

    def __getitem__(self, vendor: str) -> dict[str, Any]:
        return self.numbers[vendor]

    def use(self, profile: str) -> None:
        """Takes over a named profile; raises ConfigurationError for another name."""
        if profile not in PROFILES:
            raise ConfigurationError(f"sandbox limits '{profile}' are unknown: choose one of {', '.join(sorted(PROFILES))}")
        self.numbers, self.profile = copy.deepcopy(PROFILES[profile]), profile

    def change(self, changes: dict[str, Any]) -> None:
        """`{"profile": name, vendor: {number: value}}`, all or nothing; raises ConfigurationError for unknown names."""
        profile = changes.get("profile")
        if profile is not None and profile not in PROFILES:
            raise ConfigurationError(f"sandbox limits '{profile}' are unknown: choose one of {', '.join(sorted(PROFILES))}")
        for vendor, numbers in changes.items():
            if vendor == "profile":
                continue
            if vendor not in VENDOR or not isinstance(numbers, dict):
                raise ConfigurationError(f"sandbox limits of '{vendor}' are unknown: choose one of {', '.join(sorted(VENDOR))}")
            for name in numbers.keys() - VENDOR[vendor].keys():
                known = ", ".join(sorted(VENDOR[vendor]))
                raise ConfigurationError(f"sandbox limit '{vendor}.{name}' is unknown: choose one of {known}")
        if profile is not None:
            self.use(profile)
        for vendor, numbers in changes.items():
            if vendor != "profile":
                self.numbers[vendor].update(numbers)


class Window:
    """So many calls within any stretch of so many seconds."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self, most: int, seconds: float) -> int | None:
        """How many are left after this one, or None when there was none left."""
        with self._lock:
            now = self._forget(seconds)
            if len(self._taken) >= most:
                return None
            self._taken.append(now)
            return most - len(self._taken)

    def left(self, most: int, seconds: float) -> int:
        """How many more calls would be let through now."""
        with self._lock:
            self._forget(seconds)
            return max(0, most - len(self._taken))

    def _forget(self, seconds: float) -> float:
        now = self._ticks.now()
        while self._taken and self._taken[0] <= now - seconds:
            self._taken.popleft()
        return now


class FixedWindows:
    """So many calls in each window of a fixed length, all windows at once; a window begins at every multiple of its length.

    A call that any window refuses counts in none of them.
    """

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._taken: dict[float, tuple[float, int]] = {}  # by length in seconds: the window's beginning, calls in it
        self._lock = threading.Lock()

    def take(self, most: Mapping[float, int]) -> float | None:
        """Takes one call from each window, by its length in seconds; where one is empty, how long until it ends."""
        with self._lock:
            now = self._ticks.now()
            current, wait = {}, 0.0
            for seconds, calls in most.items():
                begins = math.floor(now / seconds) * seconds
                before, taken = self._taken.get(seconds, (begins, 0))
                taken = taken if before == begins else 0
                current[seconds] = (begins, taken + 1)
                if taken >= calls:
                    wait = max(wait, begins + seconds - now)
            if wait:
                return wait
            self._taken |= current
            return None

    def left(self, seconds: float, calls: int) -> tuple[int, float]:
        """How many more of so many calls fit into the window of that length that is open now, and how long until it ends."""
        with self._lock:
            now = self._ticks.now()
            begins = math.floor(now / seconds) * seconds
            before, taken = self._taken.get(seconds, (begins, 0))
            return max(0, calls - (taken if before == begins else 0)), begins + seconds - now


class Bucket:
    """A store of points that fills up steadily and may never be overdrawn."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._spent = 0.0
        self._at = ticks.now()
        self._lock = threading.Lock()

    def _restore(self, per_second: float) -> None:
        now = self._ticks.now()
        self._spent = max(0.0, self._spent - max(0.0, now - self._at) * per_second)
        self._at = now

    def take(self, points: float, size: float, per_second: float) -> bool:
        """Whether there were enough points; if so they are gone."""
        with self._lock:
            self._restore(per_second)
            if self._spent + points > size:
                return False
            self._spent += points
            return True

    def give_back(self, points: float) -> None:
        """Returns what was asked for and not used."""
        with self._lock:
            self._spent = max(0.0, self._spent - points)

    def available(self, size: float, per_second: float) -> float:
        with self._lock:
            self._restore(per_second)
            return max(0.0, size - self._spent)
