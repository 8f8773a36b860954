"""Taking over a living account, and going back: what the commands do, in order."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.chain import Say, open_run, publish, sync_context, tell_withdrawals
from mailhouse import sync
from mailhouse.clock import SystemClock, clock_of
from mailhouse.leases import destination_lease
from mailhouse.query import published_manifest
from mailhouse.settings import Settings
from mailhouse.takeover import Adoption, Inspection, Revert, carry_out, inspect, look, plan_back, record, write_files
from mailhouse.warehouse import Warehouse


@dataclass(frozen=True)
class Reverted:
    """What a revert did: its plan, and what became of it; no result when there was nothing to send.

    `before` are the problems met before it: who said no is told to every system first, and jobs left on their way are asked.
    """

    revert: Revert
    result: "sync.SyncResult | None"
    receipts: "Sequence[sync.Receipt]"
    before: Sequence[str]

    @property
    def problems(self) -> list[str]:
        """Each reason why the state before is not back, one line each."""
        unequal = [f"{one.name}: desired, delivered and actual differ; see the receipt" for one in self.receipts if not one.ok]
        return [*self.before, *(self.result.problems if self.result else ()), *unequal]


@contextmanager
def _published(settings: Settings) -> Iterator[sync.Context]:
    """The published copy, which can be read while a run holds the warehouse."""
    published_manifest(settings)
    with Warehouse(settings).read() as connection:
        yield sync.Context(settings, clock_of(settings), connection, settings.published_target / "manifest.json")


def inspect_account(settings: Settings, destination: str) -> tuple[Inspection, list[Path]]:
    """What is wrong with an account, and the files in which each finding stands."""
    with _published(settings) as context:
        inspection = inspect(context, destination)
        return inspection, write_files(settings, context.warehouse, inspection)


def look_at(settings: Settings, audience: str, everybody: bool) -> Adoption:
    """What adopting an audience would record."""
    with _published(settings) as context:
        return look(context, audience, everybody)


def adopt(settings: Settings, adoption: Adoption, *, wait: float | None = None, say: Say = lambda _: None) -> tuple[str, int]:
    """Record what was looked at; the run's id, and how many records became ours."""
    with open_run(settings, "mailhouse adopt", wait=wait, say=say) as run:
        with run.warehouse.write() as connection:
            done = record(sync_context(run, connection), adoption)
        publish(run)
    return done


def plan_revert(settings: Settings, run_id: str) -> Revert:
    """What taking a run back would do, as the published copy has it."""
    with _published(settings) as context:
        return plan_back(context, run_id)


def revert(settings: Settings, run_id: str, *, wait: float | None = None, say: Say = lambda _: None) -> Reverted:
    """Take a run back, and compare what is there with what was there before it."""
    with open_run(settings, "mailhouse revert", wait=wait, say=say) as run:
        tell_withdrawals(run)
        with ExitStack() as held:
            leases = [held.enter_context(run.hold(destination_lease(name))) for name in sorted(settings.connections)]
            connection = held.enter_context(run.warehouse.write())
            context = sync_context(run, connection, leases)
            run.problems += sync.recover(context).problems
            planned = plan_back(context, run_id)
            result = carry_out(context, planned, SystemClock().now())
            receipts = sync.receipt(context, planned.plan, result.run_id) if result else ()
        publish(run)
    return Reverted(planned, result, receipts, run.problems)
