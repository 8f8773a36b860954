"""The chain, as plain functions in the order of the road. A flow wraps them; `mailhouse run` calls them as they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from ingestion.landing import Landed, land
from mailhouse import gate, sync
from mailhouse.build import Layer, Project
from mailhouse.clock import Clock, SystemClock, sandbox_clock, stopwatch
from mailhouse.consent import land_inbox
from mailhouse.contact_points import normalise
from mailhouse.query import published_manifest
from mailhouse.raw_schemas import create_empty
from mailhouse.report import Stage
from mailhouse.settings import Settings, prepare_environment
from mailhouse.warehouse import Warehouse

ROWS_BUILT = """
select coalesce(sum(estimated_size), 0)::bigint from duckdb_tables() where schema_name in ('marts', 'profiles', 'segments')
"""
Say = Callable[[str], None]


@dataclass
class Run:
    """One walk along the whole road, and what each stage of it left behind."""

    settings: Settings
    clock: Clock
    project: Project
    as_of: date | None = None
    full_refresh: bool = False
    say: Say = lambda _: None
    landed: list[Landed] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    held_back: dict[str, str] = field(default_factory=dict)
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
        return Warehouse(self.settings)


def open_run(settings: Settings, *, as_of: date | None = None, full_refresh: bool = False, say: Say = lambda _: None) -> Run:
    """Prepare a run; nothing is asked and nothing is written yet."""
    settings.workdir.mkdir(parents=True, exist_ok=True)
    prepare_environment(settings)
    return Run(settings, clock_of(settings), Project(settings), as_of=as_of, full_refresh=full_refresh, say=say)


def clock_of(settings: Settings) -> Clock:
    """The clock by which consent is decided: the sandbox's while a connection lives in it, else the machine's."""
    in_sandbox = any(connection.lives_in_sandbox for connection in settings.connections.values())
    return sandbox_clock(settings.sandbox_clock) if in_sandbox and settings.sandbox_clock.exists() else SystemClock()


def land_sources(run: Run) -> list[Landed]:
    """Land every connection; a broken one is a problem of the run and leaves the others alone.

    Called again, it lands only what is still missing.
    """
    begun = stopwatch()
    before = {landed.connection_id: landed for landed in run.landed}

    def tell(connection_id: str, table: str, rows: int) -> None:
        run.say(f"{connection_id}: {rows:,} {table}")

    missing = [landed.connection_id for landed in run.landed if landed.error] or None
    latest = {landed.connection_id: landed for landed in land(run.settings, run.clock, only=missing, progress=tell)}
    run.landed = list((before | latest).values())
    run.problems = [f"{landed.connection_id} did not land: {landed.error}" for landed in run.landed if landed.error]
    run.notes = [note for landed in run.landed for note in landed.unlisted]
    good = [landed for landed in run.landed if not landed.error]
    rows = sum(sum(landed.rows.values()) for landed in good)
    named = ", ".join(f"{landed.connection_id} {sum(landed.rows.values()):,}" for landed in good)
    run.stages.append(Stage("land", stopwatch() - begun, rows, named or "nothing landed"))
    return run.landed


def normalise_contact_points(run: Run) -> int:
    """Give every address and phone number that has landed its normal form."""
    begun = stopwatch()
    manifest = run.project.parse()
    with run.warehouse.write() as connection:
        # a source that has never landed must not keep the models of the others from being built
        create_empty(connection, run.settings.project / "ingestion" / "schemas")
        land_inbox(connection, run.settings)
        added = normalise(connection, manifest)
    run.stages.append(Stage("normalise", stopwatch() - begun, added, "new addresses and phone numbers"))
    return added


def build_models(run: Run) -> list[Layer]:
    """Build and test every model; what rests on a failure is skipped, and each failure is a problem of the run."""
    begun = stopwatch()
    run.layers = run.project.build(as_of=run.as_of, clock_now=run.clock.now(), full_refresh=run.full_refresh, on_node=run.say)
    nodes = [node for layer in run.layers for node in layer.nodes]
    for node in nodes:
        if node.is_failed:
            run.problems.append(f"{'test' if node.is_test else 'model'} {node.name} failed: {node.message}")
    models, tests = (sum(node.is_test is wanted for node in nodes) for wanted in (False, True))
    with run.warehouse.write() as connection:
        rows = connection.execute(ROWS_BUILT).fetchall()[0][0]
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
        run.plan = sync.plan(sync_context(run, connection), segments or None, run.held_back)
    people = sum(len(changes) for changes in run.plan.changes.values())
    run.stages.append(Stage("plan", stopwatch() - begun, people, f"{run.plan.call_count} write calls"))
    return run.plan


def apply_plan(run: Run) -> sync.SyncResult:
    """Send the plan; what was acknowledged is delivered, what was not stays owed."""
    begun = stopwatch()
    with run.warehouse.write() as connection:
        run.result = sync.sync(sync_context(run, connection), run.plan)
    run.problems += [problem for problem in run.result.problems if problem not in run.problems]
    accepted = sum(one.accepted for one in run.result.destinations)
    rejected = sum(sum(one.rejected.values()) for one in run.result.destinations)
    calls = sum(one.calls_sent for one in run.result.destinations)
    run.stages.append(Stage("apply", stopwatch() - begun, accepted, f"accepted in {calls} calls, {rejected} rejected"))
    return run.result


def compare(run: Run) -> Sequence[sync.Receipt]:
    """Read back what the ESP has, and compare it with what should be there and what was acknowledged."""
    begun = stopwatch()
    with run.warehouse.write() as connection:
        run.receipts = sync.receipt(sync_context(run, connection), run.result)
    for receipt in run.receipts:
        if not receipt.ok:
            run.problems.append(f"{receipt.name}: desired, delivered and actual differ; see the receipt")
    actual = sum(receipt.actual for receipt in run.receipts)
    equal = sum(receipt.ok for receipt in run.receipts)
    run.stages.append(Stage("receipt", stopwatch() - begun, actual, f"{equal} of {len(run.receipts)} audiences equal"))
    return run.receipts


def sync_context(run: Run, connection: duckdb.DuckDBPyConnection) -> sync.Context:
    return sync.Context(run.settings, run.clock, connection, run.settings.manifest)


def plan_only(settings: Settings, segments: Sequence[str]) -> sync.Plan:
    """The plan as the published copy has it, while a run may hold the warehouse; nothing is written."""
    manifest = published_manifest(settings)
    path = settings.published_target / "manifest.json"
    with Warehouse(settings).read() as connection:
        closed = gate.recorded(connection, gate.segments(manifest).values())
        return sync.plan(sync.Context(settings, clock_of(settings), connection, path), segments or None, closed)


def sync_only(settings: Settings, segments: Sequence[str], say: Say = lambda _: None) -> Run:
    """Plan, apply and compare on the warehouse as the last run left it; what that run held back stays held back."""
    run = open_run(settings, say=say)
    manifest = run.project.read_manifest()
    with run.warehouse.write() as connection:
        run.held_back = gate.recorded(connection, gate.segments(manifest).values())
    run.problems += [f"{name} is held back: {reason}" for name, reason in sorted(run.held_back.items())]
    plan_sync(run, segments)
    apply_plan(run)
    compare(run)
    publish(run)
    return run
