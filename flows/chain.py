"""The chain, as plain functions in the order of the road. A flow wraps them; `mailhouse run` calls them as they are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from mailhouse import audit, gate, sync, withdrawals
from mailhouse.audit.ledger import record_ledger
from mailhouse.backup import swap
from mailhouse.build import Layer, Project
from mailhouse.clock import Clock, SystemClock, clock_of, stopwatch
from mailhouse.leases import WAREHOUSE, Lease, Leases, destination_lease
from mailhouse.query import published_manifest
from mailhouse.report import Stage
from mailhouse.settings import Settings, prepare_environment
from mailhouse.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.landing import Landed

ROWS_BUILT = """
select coalesce(sum(estimated_size), 0)::bigint from duckdb_tables() where schema_name in ('marts', 'profiles', 'segments')
"""
Say = Callable[[str], None]
TO_BE_READ = sync.Approval("to be read before it is approved", "nobody yet")


@dataclass
class Run:
    """One walk along the whole road, and what each stage of it left behind.

    `lease` is the warehouse's, held all the way; `hold` takes another one by its name for the length of a `with`.
    """

    settings: Settings
    clock: Clock
    project: Project
    lease: Lease
    hold: Callable[[str], AbstractContextManager[Lease]]
    as_of: date | None = None
    full_refresh: bool = False
    approval: "sync.Approval | None" = None
    say: Say = lambda _: None
    landed: "list[Landed]" = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    held_back: dict[str, str] = field(default_factory=dict)
    withdrawals: "list[withdrawals.WithdrawalResult]" = field(default_factory=list)
    plan: "sync.Plan | None" = None
    result: "sync.SyncResult | None" = None
    receipts: "Sequence[sync.Receipt]" = ()
    stages: list[Stage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.problems

    def has_built(self, model: str) -> bool:
        """Whether this run has made that model anew."""
        return any(node.name == model and node.is_good for layer in self.layers for node in layer.nodes)

    @property
    def nothing_landed(self) -> bool:
        """Whether every source is broken: there is then nothing new to build or to send."""
        return bool(self.landed) and all(landed.error for landed in self.landed)

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, which a run that was overtaken can no longer open for writing."""
        return Warehouse(self.settings, guard=self.lease.check)


@contextmanager
def open_run(
    settings: Settings,
    doing: str = "mailhouse run",
    *,
    wait: float | None = None,
    as_of: date | None = None,
    full_refresh: bool = False,
    approval: "sync.Approval | None" = None,
    say: Say = lambda _: None,
) -> Iterator[Run]:
    """Hold the warehouse and prepare a run; nothing is asked and nothing is written yet.

    approval: somebody's word that what the breaker stops is meant.
    Raises LeaseHeld when another run has the warehouse and, within `wait` seconds, does not give it back.
    """
    prepare_environment(settings)
    # a lease runs out by the machine's time: the sandbox's stands still
    hold = partial(Leases(settings.leases_path, SystemClock()).hold, doing=doing, wait=wait, tell=say)
    with hold(WAREHOUSE) as lease:
        swap.finish(settings)
        clock, project = clock_of(settings), Project(settings)
        run = Run(settings, clock, project, lease, hold, as_of=as_of, full_refresh=full_refresh, approval=approval, say=say)
        run.warehouse.refresh(project.known_manifest)
        yield run


def land_sources(run: Run) -> "list[Landed]":
    """Land every connection; a broken one is a problem of the run and leaves the others alone.

    Called again, it lands only what is still missing.
    """
    from ingestion.landing import land  # dlt takes its time to import, and a run that is refused does not need it

    begun = stopwatch()
    run.lease.check()
    before = {landed.connection_id: landed for landed in run.landed}

    def tell(connection_id: str, table: str, rows: int) -> None:
        run.say(f"{connection_id}: {rows:,} {table}")

    missing = [landed.connection_id for landed in run.landed if landed.error] or None
    latest = {landed.connection_id: landed for landed in land(run.settings, run.clock, only=missing, progress=tell)}
    run.landed = list((before | latest).values())
    run.problems = [f"{landed.connection_id} did not land: {landed.error}" for landed in run.landed if landed.error]
    run.notes = [note for landed in run.landed for note in (*landed.unlisted, *landed.set_aside)]
    good = [landed for landed in run.landed if not landed.error]
    rows = sum(sum(landed.rows.values()) for landed in good)
    named = ", ".join(f"{landed.connection_id} {sum(landed.rows.values()):,}" for landed in good)
    run.stages.append(Stage("land", stopwatch() - begun, rows, named or "nothing landed"))
    return run.landed


def tell_withdrawals(run: Run, *, is_built: bool = True) -> "withdrawals.WithdrawalResult":
    """Tell every system who said no, before anything else is sent; asks no gate, breaker, pause or approval.

    is_built: whether the models have been built in this run or an earlier one, so that one that is missing is a problem.
    """
    begun = stopwatch()
    with run.warehouse.write() as connection:
        result = withdrawals.tell(sync_context(run, connection), run.say, expect_models=is_built)
    # what an earlier round of this run could not do counts only when this one could not either
    before = {problem for earlier in run.withdrawals for problem in earlier.problems}
    run.problems = [problem for problem in run.problems if problem not in before] + list(result.problems)
    run.withdrawals.append(result)
    systems = [one for one in result.systems if one.told]
    named = ", ".join(f"{one.connection_id} {one.told:,}" for one in systems)
    run.stages.append(Stage("withdrawals", stopwatch() - begun, sum(one.accepted for one in systems), named or "nobody to tell"))
    return result


def normalise_contact_points(run: Run) -> int:
    """Give every address and phone number that has landed its normal form."""
    begun = stopwatch()
    manifest = run.project.parse()
    prepared = run.warehouse.prepare_raw(manifest)
    if prepared.taken_out:
        run.notes.append(f"{sum(prepared.taken_out.values()):,} rows of people who were erased were taken out again")
    run.stages.append(Stage("normalise", stopwatch() - begun, prepared.normalised, "new addresses and phone numbers"))
    return prepared.normalised


def build_models(run: Run) -> list[Layer]:
    """Build and test every model; what rests on a failure is skipped, and each failure is a problem of the run."""
    begun = stopwatch()
    run.lease.check()
    run.layers = run.project.build(as_of=run.as_of, clock_now=run.clock.now(), full_refresh=run.full_refresh, on_node=run.say)
    nodes = [node for layer in run.layers for node in layer.nodes]
    for node in nodes:
        if node.is_failed:
            run.problems.append(f"{'test' if node.is_test else 'model'} {node.name} failed: {node.message}")
    models, tests = (sum(node.is_test is wanted for node in nodes) for wanted in (False, True))
    run.warehouse.refresh(run.project.read_manifest)
    with run.warehouse.write() as connection:
        rows = connection.execute(ROWS_BUILT).fetchall()[0][0]
        record_ledger(run.settings, connection, run.clock)
    skipped = sum(node.status == "skipped" for node in nodes)
    says = f"{models} models, {tests} tests" + (f", {skipped} skipped" if skipped else "")
    run.stages.append(Stage("build", stopwatch() - begun, rows, says))
    return run.layers


def decide_gate(run: Run) -> dict[str, str]:
    """Write down which segments may be synced, and why the others may not."""
    manifest = run.project.read_manifest()
    broken = {landed.vendor: str(landed.error) for landed in run.landed if landed.error}
    run.held_back = gate.held_back(manifest, broken, run.layers)
    with run.warehouse.write() as connection:
        gate.record(connection, gate.segments(manifest).values(), run.held_back, run.clock.now())
    for segment, reason in sorted(run.held_back.items()):
        run.problems.append(f"{segment} is held back: {reason}")
    return run.held_back


def publish(run: Run) -> None:
    """Swap in the read-only copy that everybody else reads."""
    begun = stopwatch()
    path = run.warehouse.publish()
    run.stages.append(Stage("publish", stopwatch() - begun, None, f"{path.stat().st_size / 1e6:,.0f} MB for readers"))


def plan_sync(run: Run, segments: Sequence[str] | None = None) -> sync.Plan:
    """Work out what the ESP is owed."""
    begun = stopwatch()
    with run.warehouse.write() as connection:
        context = sync_context(run, connection)
        run.problems += sync.recover(context).problems
        run.plan = sync.plan(context, segments or None, run.held_back, run.approval)
    people = sum(len(changes) for changes in run.plan.changes.values())
    run.stages.append(Stage("plan", stopwatch() - begun, people, f"{run.plan.call_count} write calls"))
    return run.plan


def apply_plan(run: Run) -> sync.SyncResult:
    """Send the plan; what was acknowledged is delivered, what was not stays owed."""
    begun = stopwatch()
    record_approval(run)
    with ExitStack() as held:
        leases = [held.enter_context(run.hold(destination_lease(destination))) for destination in sorted(run.plan.calls)]
        connection = held.enter_context(run.warehouse.write())
        run.result = sync.sync(sync_context(run, connection, leases), run.plan)
    run.problems += [problem for problem in run.result.problems if problem not in run.problems]
    accepted = sum(one.accepted for one in run.result.destinations)
    rejected = sum(sum(one.rejected.values()) for one in run.result.destinations)
    calls = sum(one.calls_sent for one in run.result.destinations)
    run.stages.append(Stage("apply", stopwatch() - begun, accepted, f"accepted in {calls} calls, {rejected} rejected"))
    return run.result


def record_approval(run: Run) -> None:
    """Tell the audit trail that somebody let through what the breaker had stopped, before anything of it is sent."""
    approval = run.plan.approval
    if approval is not None and run.plan.stops:
        segments = sorted({stop.segment for stop in run.plan.stops})
        params = {"segments": segments, "reason": approval.reason}
        audit.Trail(run.settings).append("sync approved", run.clock, actor=approval.who, params=params)


def compare(run: Run) -> Sequence[sync.Receipt]:
    """Read back what the ESP has, and compare it with what should be there and what was acknowledged."""
    begun = stopwatch()
    with run.warehouse.write() as connection:
        run.receipts = sync.receipt(sync_context(run, connection), run.plan, run.result.run_id)
    for receipt in run.receipts:
        if not receipt.ok:
            run.problems.append(f"{receipt.name}: desired, delivered and actual differ; see the receipt")
    actual = sum(receipt.actual for receipt in run.receipts)
    equal = sum(receipt.ok for receipt in run.receipts)
    run.stages.append(Stage("receipt", stopwatch() - begun, actual, f"{equal} of {len(run.receipts)} audiences equal"))
    return run.receipts


def sync_context(run: Run, connection: duckdb.DuckDBPyConnection, leases: Sequence[Lease] = ()) -> sync.Context:
    return sync.Context(
        run.settings, run.clock, connection, run.settings.manifest, leases=(run.lease, *leases), ear=withdrawals.Hearing
    )


def plan_only(settings: Settings, segments: Sequence[str], out: Path | None = None) -> tuple[sync.Plan, Mapping[str, Any] | None]:
    """The plan as the published copy has it, while a run may hold the warehouse; nothing is written, save the file `out`.

    Gives back the plan, and what was sealed into the file.
    """
    manifest = published_manifest(settings)
    path = settings.published_target / "manifest.json"
    with Warehouse(settings).read() as connection:
        closed = gate.recorded(connection, gate.segments(manifest).values())
        context = sync.Context(settings, clock_of(settings), connection, path)
        # what is sealed is read by whoever approves it: it shows what the breaker stops as if that had been let through
        made = sync.plan(context, segments or None, closed, TO_BE_READ if out else None)
        return made, sync.document.write(context, made, out, tuple(segments)) if out else None


def sync_only(
    settings: Settings,
    segments: Sequence[str],
    *,
    wait: float | None = None,
    approval: "sync.Approval | None" = None,
    plan_file: Path | None = None,
    say: Say = lambda _: None,
) -> Run:
    """Plan, apply and compare on the warehouse as the last run left it; what that run held back stays held back.

    plan_file: a sealed plan that must still fit; then it, and nothing else, is applied. Raises SyncRefused when it does not.
    """
    sealed = sync.document.read(plan_file) if plan_file else None
    with open_run(settings, "mailhouse sync", wait=wait, approval=approval, say=say) as run:
        manifest = run.project.read_manifest()
        with run.warehouse.write() as connection:
            run.held_back = gate.recorded(connection, gate.segments(manifest).values())
        run.problems += [f"{name} is held back: {reason}" for name, reason in sorted(run.held_back.items())]
        tell_withdrawals(run)
        plan_sync(run, sealed.segments if sealed else segments)
        if sealed:
            sync.document.approved(sealed, approval)
            dropped = sync.document.hold_to(sealed, run.plan)
            run.notes += [
                f"customer {customer} has said no since the plan was sealed, and is dropped from it" for customer in dropped
            ]
        apply_plan(run)
        compare(run)
        publish(run)
        return run


def reconcile(settings: Settings, *, wait: float | None = None, say: Say = lambda _: None) -> Run:
    """Read back what every destination has, fields included, and say who changed what; sends nothing to any of them."""
    with open_run(settings, "mailhouse reconcile", wait=wait, say=say) as run:
        begun = stopwatch()
        manifest = run.project.read_manifest()
        with run.warehouse.write() as connection:
            run.held_back = gate.recorded(connection, gate.segments(manifest).values())
            context = sync_context(run, connection)
            run.problems += sync.recover(context).problems
            _, run.receipts = sync.reconcile(context, sync.plan(context, None, run.held_back, run.approval))
        equal = sum(receipt.equal for receipt in run.receipts)
        run.problems += [f"{one.name}: something of ours is not there; see the receipt" for one in run.receipts if not one.ok]
        actual = sum(receipt.actual for receipt in run.receipts)
        run.stages.append(Stage("reconcile", stopwatch() - begun, actual, f"{equal} of {len(run.receipts)} audiences equal"))
        publish(run)
        return run
