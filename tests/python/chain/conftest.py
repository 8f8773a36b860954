"""A company that lives through two days: seeded, run, run again with nothing changed, a day later run once more."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows import chain
from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from mailhouse.build import Project
from mailhouse.settings import Settings, load_settings
from mailhouse.sync import Approval
from tests.python.parsed import parse_once

ROOT = Path(__file__).resolve().parents[3]
MEANT = Approval("the test means it", "a test")
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Each run parses the project; that is the same whatever the work directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "parse", parse_once)
        yield


def shared(name: str) -> Path:
    """A file of the data kept beside the repository; the test is skipped where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (../shared)")
    return path


def settings_in(workdir: Path) -> Settings:
    workdir.mkdir(parents=True, exist_ok=True)
    return load_settings(workdir, project=ROOT)


@contextmanager
def without_data_tests() -> Iterator[None]:
    """Builds that leave out dbt's data tests, two thirds of the nodes: for one whose data another build has tested."""
    invoke = Project._invoke

    def models_alone(project: Project, arguments: list[str], *others: Any, **more: Any) -> Any:
        left_out = ["--exclude-resource-type", "test"] if arguments[0] == "build" else []
        return invoke(project, [*arguments, *left_out], *others, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "_invoke", models_alone)
        yield


def run_chain(settings: Settings, *, with_sync: bool = True, with_data_tests: bool = True, **options: Any) -> Run:
    """The whole road, as `mailhouse run` walks it, without the printing."""
    testing = nullcontext() if with_data_tests else without_data_tests()
    with testing, chain.open_run(settings, **{"approval": MEANT} | options) as run:
        chain.land_sources(run)
        if with_sync:
            chain.tell_withdrawals(run, is_built=False)
        chain.normalise_contact_points(run)
        chain.build_models(run)
        chain.decide_gate(run)
        if with_sync:
            chain.tell_withdrawals(run)
            chain.plan_sync(run)
            chain.apply_plan(run)
            chain.compare(run)
        chain.publish(run)
    return run


def control(settings: Settings, method: str, path: str, body: Any = None) -> Any:
    """One call to the sandbox's own controls."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{settings.sandbox_url}/_sandbox/{path}", data=data, method=method)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def calls(settings: Settings) -> Any:
    return control(settings, "GET", "calls")


def forget_calls(settings: Settings) -> None:
    control(settings, "DELETE", "calls")


@dataclass
class TwoDays:
    """What the company's runs left: each run, and the calls the vendors counted during it."""

    settings: Settings
    first: Run
    again: Run
    later: Run
    calls_first: Any
    calls_again: Any
    calls_later: Any


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoDays]:
    settings = settings_in(tmp_path_factory.mktemp("two_days"))
    sandbox.create(settings.sandbox_dir, seed=7, customers=2_000)
    with serving(settings) as live:
        runs, counted = [], []
        for position, advance in enumerate((0, 0, 1)):
            if advance:
                sandbox.advance(live.sandbox_dir, advance)
            forget_calls(live)
            # where nothing changed there is nothing new to test
            runs.append(run_chain(live, with_data_tests=position != 1))
            counted.append(calls(live))
        yield TwoDays(live, *runs, *counted)
