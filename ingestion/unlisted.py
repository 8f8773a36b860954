"""Fields that a vendor sends and nobody listed: named once per connection, then remembered."""

import logging
import threading

import dlt

log = logging.getLogger("mailhouse.ingestion")


class Unlisted:
    """Collects the unlisted fields of one connection during one landing; what was named before stays quiet."""

    def __init__(self, connection_id: str) -> None:
        self.connection_id = connection_id
        self.named: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, table: str, names: set[str]) -> None:
        """Told of a page's unlisted names while dlt extracts; the memory is committed with the rows."""
        with self._lock:
            known: list[str] = dlt.current.source_state().setdefault("named_unlisted", [])
            fresh = sorted(f"{table}.{name}" for name in names if f"{table}.{name}" not in known)
            known.extend(fresh)
            self.named.extend(fresh)
        for name in fresh:
            log.warning(
                "connection %s: the vendor sends %s, which is not listed; it is left out until it is", self.connection_id, name
            )
