"""A vendor's jobs: taken at once, done a little later, whether or not anybody asks after them."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import Row, stamp
from mailhouse.sandbox.wire import Call

OPEN = ("queued", "processing")

# Does the work of one kind of job, and puts its outcome into the job's body
Worker = Callable[[Row], None]


# Makes a vendor's identifier of the moment (ISO 8601, UTC) and the number of a job
Identify = Callable[[str, str], str]


class Jobs:
    """An account's jobs. One is done within a single transaction, so that it is done once or not at all.

    In the store they are of the kind `<vendor>.job`, queued, processing or complete, whatever the vendor calls that. How long
    they take is said by the vendor's limits `job_seconds` and `job_polls`.
    """

    def __init__(self, runtime: Runtime, vendor: str, identify: Identify) -> None:
        self.runtime, self.store, self.vendor, self.kind = runtime, runtime.store, vendor, f"{vendor}.job"
        self.identify = identify
        self.workers: Mapping[str, Worker] = {}
        self._lock = threading.RLock()
        # when each open job was taken, on the scale of the ticks; what an earlier server left open is due at once
        waiting = self.store.search(self.kind, "json_extract(body, '$.status') in (?, ?)", list(OPEN), ordering="id", limit=-1)
        self._since = dict.fromkeys((row.id for row in waiting), float("-inf"))
        self._polls: dict[str, int] = {}

    def take(self, call: Call, kind: str, payload: dict[str, Any], **more: Any) -> Row:
        """A new job, queued. `payload` is what its worker needs, `more` what is shown of it."""
        with self._lock, self.store.transaction():
            now = stamp(self.store.now())
            number = self.store.numbers(f"{self.vendor}.counter", 1)()
            body = {
                "kind": kind,
                "status": "queued",
                "request": call.request_id,
                "call": f"{call.method} {call.path}",
                "created_at": now,
                "started_at": None,
                "completed_at": None,
                # text in the order of the numbers, so that jobs are done in the order in which they came
                "number": int(number),
                "payload": payload,
                **more,
            }
            row = Row(self.identify(now, number), body, now)
            self.store.put(self.kind, row)
        self._since[row.id] = self.runtime.ticks.now()
        return row

    def get(self, kind: str | tuple[str, ...], identifier: str) -> Row | None:
        """The job of that kind, or of one of those, as a poll finds it; each poll of an open job counts."""
        with self._lock:
            if identifier in self._since:
                self._polls[identifier] = self._polls.get(identifier, 0) + 1
            self.settle()
            row = self.store.get(self.kind, identifier)
            if row is None or row.body["kind"] not in ((kind,) if isinstance(kind, str) else kind):
                return None
            if row.body["status"] == "queued" and self._polls.get(identifier, 0) > 1:
                row.body |= {"status": "processing", "started_at": stamp(self.store.now())}
                self.store.put(self.kind, row)
            return row

    def listing(self, kind: str, status: list[str], *, after: str | None, reverse: bool, limit: int) -> list[Row]:
        """Jobs of a kind in the order in which they were taken."""
        self.settle()
        where, values = "json_extract(body, '$.kind') = ?", [kind]
        if status:
            where, values = f"{where} and json_extract(body, '$.status') in ({', '.join('?' * len(status))})", [*values, *status]
        number = "json_extract(body, '$.number')"
        if after is not None:
            where, values = f"{where} and {number} {'<' if reverse else '>'} cast(? as integer)", [*values, after]
        return self.store.search(self.kind, where, values, ordering=f"{number} {'desc' if reverse else 'asc'}", limit=limit)

    def settle(self) -> None:
        """Does the jobs that are due, the oldest first."""
        with self._lock:
            if not self._since:
                return
            limits, now = self.runtime.limits[self.vendor], self.runtime.ticks.now()
            polls = limits["job_polls"]
            due = [
                identifier
                for identifier, since in self._since.items()
                if now >= since + limits["job_seconds"] or (polls is not None and self._polls.get(identifier, 0) > polls)
            ]
            rows = self.store.get_many(self.kind, due)
            for row in sorted(rows.values(), key=lambda one: one.body["number"]):
                self._do(row)
            for identifier in due:
                del self._since[identifier]
                self._polls.pop(identifier, None)

    def _do(self, row: Row) -> None:
        cause = self.runtime.effects.cause(self.vendor, row.body["request"], row.body["call"])
        now = stamp(self.store.now())
        with self.store.watched(cause), self.store.transaction():
            row.body |= {"status": "complete", "started_at": row.body["started_at"] or now, "completed_at": now}
            self.workers[row.body["kind"]](row)
            row.body["payload"] = None
            row.updated_at = now
            self.store.put(self.kind, row)
