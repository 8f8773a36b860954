"""Erasing a person: tombstones first, then every vendor, then everything here, and in the end a look at every byte.

Each step is written down when it is done, and doing one twice changes nothing: started again, an erasure goes on where the
last attempt stopped, whatever it died of.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mailhouse import audit
from mailhouse.clock import Clock
from mailhouse.crash_points import CrashPoints
from mailhouse.leases import Lease
from mailhouse.privacy import local
from mailhouse.privacy.closure import mailbox_of, resolve
from mailhouse.privacy.journal import Erasure, Journal
from mailhouse.privacy.scan import files_with
from mailhouse.privacy.tombstones import Tombstones
from mailhouse.privacy.vendors import VendorReceipt, erase_at
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

VENDOR = "vendor:"
Say = Callable[[str], None]


@dataclass(frozen=True)
class ErasureReceipt:
    """What was done, in counts: identifiers with a tombstone, what each vendor answered, rows by table; no personal data.

    `problems` is what keeps the erasure open: it goes on when it is asked for again.
    """

    erasure_id: str
    identifiers: int
    vendors: Sequence[VendorReceipt]
    rows: dict[str, int]
    acts: int
    files: int
    problems: Sequence[str]

    @property
    def ok(self) -> bool:
        return not self.problems


def erase(
    settings: Settings, address: str, clock: Clock, lease: Lease, *, actor: str, say: Say = lambda _: None
) -> ErasureReceipt:
    """Erase the person who has the address, or go on with an erasure that was begun; returns when all is on disk.

    The warehouse's `lease` must be held. What a vendor refuses, or a file that still holds the person, is a problem of the
    receipt, and the rest is done all the same. Raises ConfigurationError for what is no address or several people's,
    LeaseLost, StateUnreadable.
    """
    return _Walk(settings, clock, lease, actor, say).through(mailbox_of(address))


class _Walk:
    """The steps of one erasure, in their order."""

    def __init__(self, settings: Settings, clock: Clock, lease: Lease, actor: str, say: Say) -> None:
        self.settings, self.clock, self.lease, self.actor, self.say = settings, clock, lease, actor, say
        self.journal = Journal(settings, clock)
        self.warehouse = Warehouse(settings, guard=lease.check)
        self.crash = CrashPoints(settings.crash_at)

    def through(self, mailbox: str) -> ErasureReceipt:
        erasure = self.journal.open(mailbox)
        if erasure.closure is None:
            with self.warehouse.write() as connection:
                closure = resolve(connection, self.settings.manifest, mailbox)
            erasure = self.journal.resolved(erasure, closure)
            self.crash("erase.resolved")
        erasure = self._step(erasure, "tombstones", self._bury)
        vendors = []
        for name in self.settings.connections:
            erasure, receipt = self._vendor(erasure, name)
            vendors.append(receipt)
        for step, do in (
            ("warehouse", self._take_out),
            ("inbox", lambda one: local.take_out_of_inbox(self.settings, one.closure)),
            ("files", lambda _: local.clear_leftovers(self.settings)),
            ("rewrite", self._rewrite),
            ("publish", self._publish),
        ):
            erasure = self._step(erasure, step, do)
        problems = [f"{one.connection_id}: {one.says}" for one in vendors if not one.is_settled]
        problems += self._still_there(erasure)
        if not problems:
            self._end(erasure, mailbox)
        done = erasure.done
        return ErasureReceipt(
            erasure.erasure_id, done["tombstones"], vendors, done["warehouse"], done["inbox"], done["files"], problems
        )

    def _step(self, erasure: Erasure, step: str, do: Callable[[Erasure], Any]) -> Erasure:
        if step in erasure.done:
            return erasure
        self.lease.check()
        self.say(step)
        outcome = do(erasure)
        self.crash(f"erase.{step}")
        erasure = self.journal.did(erasure, step, outcome)
        self.crash(f"erase.{step}.kept")
        return erasure

    def _vendor(self, erasure: Erasure, name: str) -> tuple[Erasure, VendorReceipt]:
        """What one vendor answered, now or at an earlier attempt; only a settled answer is kept."""
        step = VENDOR + name
        if step in erasure.done:
            return erasure, VendorReceipt(**erasure.done[step])
        self.lease.check()
        self.say(name)
        receipt = erase_at(self.settings.connections[name], erasure.closure, self.clock)
        self.crash("erase.vendor")
        return (self.journal.did(erasure, step, asdict(receipt)) if receipt.is_settled else erasure), receipt

    def _bury(self, erasure: Erasure) -> int:
        identifiers = erasure.closure.identifiers
        return Tombstones(self.settings).write(identifiers, erasure.erasure_id, erasure.surrogate, erasure.began_at)

    def _take_out(self, erasure: Erasure) -> dict[str, int]:
        with self.warehouse.write() as connection:
            return dict(local.take_out_of_warehouse(connection, erasure.closure, erasure.surrogate))

    def _rewrite(self, _: Erasure) -> int:
        self.warehouse.rewrite(lambda: self.crash("erase.rewrite.swap"))
        return self.settings.warehouse_path.stat().st_size

    def _publish(self, _: Erasure) -> bool:
        """The readers' copy is made anew, if there was one: before the first run nobody reads."""
        if self.settings.published_path.exists():
            self.warehouse.publish()
        return self.settings.published_path.exists()

    def _still_there(self, erasure: Erasure) -> list[str]:
        """Files that still hold an address of the person. The erasure itself does, until it has ended."""
        texts = sorted(erasure.closure.mailboxes | erasure.closure.spellings)
        found = files_with(self.settings, texts, passed_over=[self.settings.privacy_path])
        return [f"{path.relative_to(self.settings.workdir)}: still holds an address; remove it and erase again" for path in found]

    def _end(self, erasure: Erasure, mailbox: str) -> None:
        if "audit" not in erasure.done:
            audit.Trail(self.settings).append(
                "erasure",
                self.clock,
                actor=self.actor,
                subject=audit.subject_of(self.settings, mailbox),
                params=dict(erasure.done),
                reference=erasure.erasure_id,
            )
            self.crash("erase.audit")
            erasure = self.journal.did(erasure, "audit", True)
        audit.forget(self.settings, erasure.closure.mailboxes)
        self.crash("erase.forgotten")
        self.journal.ended(erasure)
