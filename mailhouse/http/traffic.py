"""What this process sends to one account, whoever sends it: the sync, a withdrawal or ingestion."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailhouse.clock import Clock
from mailhouse.http.admission import Admission
from mailhouse.http.budget import FILE, DailyBudget
from mailhouse.http.circuit import Circuit
from mailhouse.http.limits import Limits, limits_of
from mailhouse.http.rates import Endpoint, of_account, of_quota
from mailhouse.settings import Connection


class Traffic:
    """One account's connections, rates, breaker and daily budget, shared by all clients of this process."""

    def __init__(self, name: str, limits: Limits, clock: Clock, counts: Path | None = None) -> None:
        self.clock = clock
        self.admission = Admission(clock, limits.connections, limits.reserved_connections, of_account(limits, clock.elapsed()))
        self.circuit = Circuit(name, limits.failures_to_open, limits.open_seconds, clock)
        self.budget = DailyBudget(name, limits.calls_per_day, clock, counts) if limits.calls_per_day else None
        self._endpoints: dict[str, Endpoint] = {}

    def endpoint(self, name: str, limits: Limits) -> Endpoint:
        """The rates of "METHOD template", counted together for everybody who calls it."""
        if name not in self._endpoints:
            quota = limits.endpoints.get(name)
            self._endpoints[name] = of_quota(quota, limits.reserved_share) if quota else Endpoint()
        return self._endpoints[name]

    def close(self, name: str, limits: Limits, seconds: float) -> None:
        """The vendor asked for a pause: of the endpoint where it has limits of its own, else of the account."""
        closed = self.endpoint(name, limits) if name in limits.endpoints else self.admission.everywhere
        closed.close(self.clock.elapsed() + seconds)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One call of ingestion: it takes one of the account's connections and counts into the day's budget."""
        with self.admission.connection():
            if self.budget:
                self.budget.take("reading")
            yield


_known: dict[tuple[str, str], Traffic] = {}
_lock = threading.Lock()


def traffic_of(connection: Connection, limits: Limits, clock: Clock) -> Traffic:
    """The traffic of one connection in this process; `limits` are the vendor's, connections.yml may change them.

    The first who asks makes it, so that what it knows (open connections, used rates, a vendor that is down) outlives each
    client. On another clock that does not really wait it begins anew: their seconds have nothing to do with each other.
    """
    key = (connection.id, connection.url)
    with _lock:
        known = _known.get(key)
        if known is None or (known.clock is not clock and (known.clock.simulated or clock.simulated)):
            counts = connection.workdir / FILE if connection.workdir else None
            known = _known[key] = Traffic(connection.id, limits_of(connection, limits), clock, counts)
    return known
