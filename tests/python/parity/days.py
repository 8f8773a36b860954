"""The demo's company on both engines: it lands on DuckDB, is copied to the stand-in, is built on both, and a day passes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows import chain
from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from mailhouse.build import run_vars
from mailhouse.settings import Settings, load_settings
from mailhouse.sync import Approval
from tests.python.parity.compare import Compared
from tests.python.parity.engines import BothEngines
from tests.python.parity.server import ROOT, stand_in

SEED = 7
MEANT = Approval("a made-up company", "the comparison of two engines")


@dataclass(frozen=True)
class Day:
    """What came of one day. `problems` are DuckDB's, `said` is the last line of each dbt command on the stand-in."""

    number: int
    copied: int
    said: list[str]
    problems: list[str]
    compared: list[Compared]

    @property
    def differences(self) -> int:
        return sum(one.differences for one in self.compared)


def live_through(workdir: Path, *, customers: int, days: int, is_whole: bool) -> Iterator[Day]:
    """Day 1 and then `days` more, each landed, built on both engines and compared before anything else happens.

    is_whole: with the data tests and unit tests on the stand-in, and with the ESPs brought in step after each day, so that
    the next day's raw rows hold what was sent. Raises StandInBuildFailed when a model or a test does not hold on the stand-in.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    settings = load_settings(workdir, project=ROOT)
    sandbox.create(settings.sandbox_dir, seed=SEED, customers=customers)
    with serving(settings) as live, stand_in() as standin:
        engines = BothEngines(live, standin)
        for number in range(1, days + 2):
            if number > 1:
                sandbox.advance(live.sandbox_dir, 1)
            yield _day(live, engines, number, is_whole)


def _day(live: Settings, engines: BothEngines, number: int, is_whole: bool) -> Day:
    with chain.open_run(live, approval=MEANT) as run:
        chain.land_sources(run)
        chain.normalise_contact_points(run)
        manifest, now = run.project.read_manifest(), run.clock.now()
        copied = engines.copy(manifest)
        built = ["build", "--exclude-resource-type", "unit_test"]
        if is_whole:
            chain.build_models(run)
        else:
            built.append("test")
            _build(run, built, now)
        said = [engines.dbt(*built, now=now)]
        if is_whole and number == 1:  # after the build: dbt asks the tables that are there for their columns
            said.append(engines.dbt("test", "--select", "test_type:unit", now=now))
        compared = engines.compare(manifest)
        if is_whole:
            _sync(run)
    return Day(number, sum(copied.values()), said, run.problems, compared)


def _build(run: Run, arguments: list[str], now: datetime) -> None:
    """Less than the run's own build, which tests what it makes."""
    if not run.project.run([*arguments, "--vars", json.dumps(run_vars(None, now))]).success:
        run.problems.append("not every model can be built on DuckDB; `mailhouse run` says which")


def _sync(run: Run) -> None:
    chain.decide_gate(run)
    chain.tell_withdrawals(run)
    chain.plan_sync(run)
    chain.apply_plan(run)
    chain.compare(run)
