"""The chain, as plain functions in the order of the road. A flow wraps them; `mailhouse run` calls them as they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from ingestion.landing import Landed, land
from mailhouse import gate, sync
from mailhouse.build import Layer, Project, downstream_of
from mailhouse.clock import Clock, SystemClock, sandbox_clock, stopwatch
from mailhouse.contact_points import normalise
from mailhouse.report import Stage
from mailhouse.settings import Settings, prepare_environment
from mailhouse.warehouse import Warehouse

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

    @property
    def is_good(self) -> bool:
        return not self.problems

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
    lives_in_sandbox = any(connection.is_sandbox for connection in settings.connections.values())
    url = settings.sandbox_url
    return sandbox_clock(url) if lives_in_sandbox and url else SystemClock()


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
        added = normalise(connection, manifest)
    run.stages.append(Stage("normalise", stopwatch() - begun, added, "new addresses and phone numbers"))
    return added


def build_layer(run: Run, name: str) -> Layer:
    """Build one layer, leaving out whatever rests on something that failed before."""
    manifest = run.project.read_manifest()
    failed = [node for layer in run.layers for node in layer.failed]
    layer = run.project.build(
        name,
        as_of=run.as_of,
        clock_now=run.clock.now(),
        full_refresh=run.full_refresh,
        leave_out=downstream_of(failed, manifest),
        on_node=run.say,
    )
    run.layers.append(layer)
    for node in layer.failed:
        run.problems.append(f"{'test' if node.is_test else 'model'} {node.name} failed: {node.message}")
    rows = sum(node.rows or 0 for node in layer.nodes if not node.is_test)
    says = f"{layer.models} models, {layer.tests} tests" + (f", {len(layer.failed)} failed" if layer.failed else "")
    run.stages.append(Stage(f"build {name}", layer.seconds, rows or None, says))
    return layer


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
