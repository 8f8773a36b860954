"""Leases: of two runs at once one works, and the other says who does, or waits.

A lease can be overtaken: once its holder is gone, or has not renewed it in time. Each holder has a token higher than every
holder's before it, so that whoever was overtaken while it slept can be told apart and may no longer write.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mailhouse.clock import Clock
from mailhouse.errors import LeaseHeld, LeaseLost, StateUnreadable
from mailhouse.processes import Process, this_host, this_process
from mailhouse.sqlite import alone, opened

log = logging.getLogger(__name__)

WAREHOUSE = "warehouse"
TIME_TO_LIVE = timedelta(seconds=60)
RENEWALS_PER_LIFE = 4
LOOK_AGAIN_SECONDS = 0.25
# A lease that was given back keeps its row without a holder: its tokens must go on from there.
SCHEMA = """
create table if not exists leases (
    name text primary key, token integer not null, holder text, host text, pid integer, started text, since text, until text
)
"""
TAKE = """
insert into leases values (:name, :token, :holder, :host, :pid, :started, :since, :until)
on conflict (name) do update set
    token = max(token + 1, excluded.token), holder = excluded.holder, host = excluded.host, pid = excluded.pid,
    started = excluded.started, since = excluded.since, until = excluded.until
returning token
"""


def destination_lease(connection_id: str) -> str:
    """What the lease of a destination is called."""
    return f"destination:{connection_id}"


@dataclass(frozen=True)
class Holder:
    """Who has a lease: `doing` in the user's words, from `since` on, and unless renewed at the latest `until` (both UTC)."""

    token: int
    doing: str
    process: Process
    since: datetime
    until: datetime

    def __str__(self) -> str:
        where = "" if self.process.host == this_host() else f" on {self.process.host.split()[0]}"
        return f"{self.doing} (process {self.process.pid}{where}, since {self.since:%H:%M} UTC)"


@dataclass(frozen=True)
class Lease:
    """A lease that was taken; `token` is higher than that of every holder before."""

    name: str
    token: int
    holder: str
    _leases: "Leases" = field(repr=False)

    def check(self) -> None:
        """Returns while nobody else has taken it. Raises LeaseLost, or StateUnreadable when that cannot be known."""
        current = self._leases.holder(self.name)
        if current is None or current.token != self.token:
            by = f"taken over by {current}" if current else "given back"
            raise LeaseLost(f"{self.name}: {by}; this run stops here, the next one sends what is still owed")


class Leases:
    """The leases of one work directory. `clock` must be one that moves: the machine's, save in tests."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock

    @contextmanager
    def hold(
        self,
        name: str,
        doing: str,
        ttl: timedelta = TIME_TO_LIVE,
        wait: float | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Iterator[Lease]:
        """Hold a lease for the length of a `with`, renewed from a thread of its own.

        wait: seconds to wait for whoever has it (`math.inf` without end), None not to wait; `tell` is given one line then.
        Raises LeaseHeld when it stays taken.
        """
        lease = self._take_in_time(name, doing, ttl, wait, tell)
        over = threading.Event()
        heart = threading.Thread(target=self._renew, args=(lease, ttl, over), name=f"lease {name}", daemon=True)
        heart.start()
        try:
            yield lease
        finally:
            over.set()
            heart.join()
            self._give_back(lease)

    def holder(self, name: str) -> Holder | None:
        """Who has the lease, expired or not; None when nobody does."""
        with opened(self._path, SCHEMA) as file:
            return self._holder(file, name)

    def _take_in_time(self, name: str, doing: str, ttl: timedelta, wait: float | None, tell: Callable[[str], None]) -> Lease:
        waited = 0.0
        while True:
            got = self._take(name, doing, ttl)
            if isinstance(got, Lease):
                return got
            if wait is None or waited >= wait:
                raise LeaseHeld(f"{name}: held by {got}; say --wait to go on as soon as it is free")
            if not waited:
                tell(f"waiting for {got}")
            step = min(LOOK_AGAIN_SECONDS, wait - waited)
            self._clock.sleep(step)
            waited += step

    def _take(self, name: str, doing: str, ttl: timedelta) -> Lease | Holder:
        """The lease, or whoever has it."""
        with opened(self._path, SCHEMA) as file, alone(file):
            now = self._clock.now()
            current = self._holder(file, name)
            if current and current.until > now and not current.process.is_gone:
                return current
            mine = Holder(0, doing, this_process(), now, now + ttl)
            # beginning at the time keeps tokens growing even when the file was lost and the warehouse was not
            values = {"name": name, "token": int(now.timestamp() * 1000), "holder": doing, **vars(mine.process)}
            times = {"since": now.isoformat(), "until": mine.until.isoformat()}
            token = file.execute(TAKE, values | times).fetchone()[0]
            return Lease(name, token, str(mine), self)

    def _renew(self, lease: Lease, ttl: timedelta, over: threading.Event) -> None:
        while not over.wait(ttl.total_seconds() / RENEWALS_PER_LIFE):
            try:
                with opened(self._path, SCHEMA) as file:
                    until = (self._clock.now() + ttl).isoformat()
                    file.execute("update leases set until = ? where name = ? and token = ?", [until, lease.name, lease.token])
            except StateUnreadable as error:
                # the run itself meets it at its next check; until then the lease lives on what is left of its time
                log.warning("%s", error)

    def _give_back(self, lease: Lease) -> None:
        with opened(self._path, SCHEMA) as file:
            file.execute("update leases set holder = null where name = ? and token = ?", [lease.name, lease.token])

    def _holder(self, file: sqlite3.Connection, name: str) -> Holder | None:
        row = file.execute(
            "select token, holder, host, pid, started, since, until from leases where name = ? and holder is not null", [name]
        ).fetchone()
        if row is None:
            return None
        token, doing, host, pid, started, since, until = row
        times = datetime.fromisoformat(since), datetime.fromisoformat(until)
        return Holder(token, doing, Process(host, pid, started), *times)
