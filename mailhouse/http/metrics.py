"""What a client's calls came to, by endpoint."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Metric:
    """One endpoint's calls: how often each status came, seconds on the way, bytes, and waits before calls (the clock's seconds).

    `statuses` are numbers as text, or `unreachable` and `no-answer` where there was none.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    bytes_sent: int = 0
    bytes_received: int = 0
    waits: int = 0
    waited: float = 0.0

    @property
    def calls(self) -> int:
        return self.statuses.total()


class Metrics:
    """Metrics by "METHOD template": no ids, no addresses."""

    def __init__(self) -> None:
        self.by_endpoint: dict[str, Metric] = {}

    def of(self, endpoint: str) -> Metric:
        return self.by_endpoint.setdefault(endpoint, Metric())

    def waited(self, endpoint: str, seconds: float) -> None:
        if seconds > 0:
            metric = self.of(endpoint)
            metric.waits += 1
            metric.waited += seconds

    def counts(self) -> Counter[str]:
        """Calls by "METHOD template status"."""
        return Counter(
            {f"{name} {status}": n for name, metric in self.by_endpoint.items() for status, n in metric.statuses.items()}
        )
