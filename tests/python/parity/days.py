"""The demo's company twice: one lives on DuckDB, the other on Snowflake's stand-in, and both see the same days.

What lands on DuckDB is copied to the stand-in, since dlt cannot land there. All else each does for itself, with the same code:
its own sandbox, work directory, contact points, build, plan, apply and receipt.
"""

import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from flows import chain
from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox, sync
from mailhouse.build import run_vars
from mailhouse.settings import Settings, load_settings
from mailhouse.sync import Approval
from tests.python.parity.compare import Compared
from tests.python.parity.engines import BothEngines
from tests.python.parity.server import ROOT, stand_in

SEED = 7
MEANT = Approval("a made-up company", "the comparison of two engines")


@dataclass(frozen=True)
class Synced:
    """What one company's ESPs were sent: the plan, what it came to, and the calls as the vendors counted them.

    `reconciled` is what a reconciliation says afterwards, which reads every field back.
    """

    plan: sync.Plan
    receipts: Sequence[sync.Receipt]
    calls: Mapping[str, int]
    reconciled: Sequence[sync.Receipt]


@dataclass(frozen=True)
class Day:
    """What came of one day. `problems` are both runs', `said` is the last line of each dbt command on the stand-in."""

    number: int
    copied: int
    said: list[str]
    problems: list[str]
    compared: list[Compared]
    here: Synced
    there: Synced

    @property
    def differences(self) -> int:
        """How many rows of the models have no equal on the other side."""
        return sum(one.differences for one in self.compared)

    @property
    def engine_differences(self) -> list[str]:
        """In what the ESPs of the two companies were not treated alike."""
        here, there = self.here, self.there
        unlike = {
            "the plan": here.plan.changes != there.plan.changes or here.plan.digest != there.plan.digest,
            "the calls": here.calls != there.calls,
            "the receipts": list(map(_figures, here.receipts)) != list(map(_figures, there.receipts)),
            "the reconciliation": list(map(_figures, here.reconciled)) != list(map(_figures, there.reconciled)),
        }
        return [what for what, is_unlike in unlike.items() if is_unlike]


def _figures(receipt: sync.Receipt) -> tuple[object, ...]:
    return receipt.name, receipt.desired, receipt.delivered, receipt.actual, receipt.ok


def live_through(workdir: Path, *, customers: int, days: int, is_whole: bool) -> Iterator[Day]:
    """Day 1 and then `days` more, each landed, built on both engines, compared, and brought to the ESPs.

    is_whole: with the data tests and unit tests on the stand-in.
    Raises StandInBuildFailed when a model or a test does not hold on the stand-in.
    """
    folders = [workdir / "here", workdir / "there"]
    made = load_settings(folders[0], project=ROOT)
    sandbox.create(made.sandbox_dir, seed=SEED, customers=customers)
    shutil.copytree(folders[0], folders[1])
    with ExitStack() as running:
        here, there = (running.enter_context(serving(load_settings(folder, project=ROOT))) for folder in folders)
        engines = BothEngines(here, there, running.enter_context(stand_in()))
        for number in range(1, days + 2):
            if number > 1:
                for settings in (here, there):
                    sandbox.advance(settings.sandbox_dir, 1)
            yield _day(engines, number, is_whole)


def _day(engines: BothEngines, number: int, is_whole: bool) -> Day:
    with chain.open_run(engines.here, approval=MEANT) as here:
        chain.land_sources(here)
        chain.normalise_contact_points(here)
        manifest = here.project.read_manifest()
        copied = engines.copy(manifest)
        with engines.elsewhere(), chain.open_run(engines.there, approval=MEANT) as built_there:
            chain.normalise_contact_points(built_there)
            said = [_build_whole(built_there)] if is_whole else []
        said.append(_build_whole(here) if is_whole else _build_models(engines, here))
        if is_whole and number == 1:  # after the build: dbt asks the tables that are there for their columns
            said.append(engines.dbt("test", "--select", "test_type:unit", now=here.clock.now()))
        compared = engines.compare(manifest)
        _sync(here)
    synced_here = _reconciled(here)
    with engines.elsewhere():
        with chain.open_run(engines.there, approval=MEANT) as there:
            _sync(there)
        synced_there = _reconciled(there)
    problems = [*here.problems, *built_there.problems, *there.problems]
    return Day(number, sum(copied.values()), said, problems, compared, synced_here, synced_there)


def _build_whole(run: Run) -> str:
    """As every run does it, with data tests and gate."""
    layers = chain.build_models(run)
    chain.decide_gate(run)
    return f"{run.settings.workdir.name}: {'; '.join(f'{layer.name} {layer.says}' for layer in layers)}"


def _build_models(engines: BothEngines, here: Run) -> str:
    """The models alone, side by side, for each engine has a processor."""
    now = here.clock.now()
    arguments = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    with ThreadPoolExecutor(1) as beside:
        building = beside.submit(engines.dbt, *arguments, now=now)
        if not here.project.run([*arguments, "--vars", json.dumps(run_vars(None, now))]).success:
            here.problems.append("not every model can be built on DuckDB; `mailhouse run` says which")
        return building.result()


def _sync(run: Run) -> None:
    _control(run.settings, "DELETE")
    chain.tell_withdrawals(run)
    chain.plan_sync(run)
    chain.apply_plan(run)
    chain.compare(run)
    chain.publish(run)


def _reconciled(run: Run) -> Synced:
    """What a run that is over has sent, and what a reconciliation then finds."""
    counted = json.loads(_control(run.settings, "GET"))["calls"]
    writes = {f"{one['vendor']} {one['method']} {one['path']}": one["calls"] for one in counted if one["writes"]}
    again = chain.reconcile(run.settings)
    run.problems += again.problems
    return Synced(run.plan, run.receipts, writes, again.receipts)


def _control(settings: Settings, method: str) -> bytes:
    request = urllib.request.Request(f"{settings.sandbox_url}/_sandbox/calls", method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()
