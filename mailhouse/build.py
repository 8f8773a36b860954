"""Runs dbt inside this process: parse, build a layer, compile. Business meaning stays in the project; this only drives it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg

from mailhouse.clock import stopwatch
from mailhouse.errors import BuildFailed
from mailhouse.settings import Settings, prepare_environment

# In the order of the road; tests run with the last layer they look at.
LAYERS: Mapping[str, Sequence[str]] = {
    "seeds": ("resource_type:seed",),
    "staging": ("path:models/staging",),
    "intermediate": ("path:models/intermediate",),
    "marts": ("path:models/marts",),
    "profiles and segments": ("path:models/profiles", "path:models/segments"),
}
QUOTED = re.compile(r"'[^']*@[^']*'|(?<=[Ss]tring )['\"][^'\"]*['\"]|(?<=value )['\"][^'\"]*['\"]")
GOOD = {"success", "pass", "warn", "no-op", "partial success"}


@dataclass(frozen=True)
class Node:
    """What became of one model, seed or test."""

    unique_id: str
    name: str
    status: str
    message: str
    seconds: float
    rows: int | None = None

    @property
    def is_good(self) -> bool:
        return self.status in GOOD

    @property
    def is_test(self) -> bool:
        return self.unique_id.split(".")[0] in {"test", "unit_test"}


@dataclass(frozen=True)
class Layer:
    """What became of one layer."""

    name: str
    nodes: Sequence[Node]
    seconds: float

    @cached_property
    def failed(self) -> list[Node]:
        return [node for node in self.nodes if node.status in {"error", "fail", "runtime error"}]

    @cached_property
    def skipped(self) -> list[Node]:
        return [node for node in self.nodes if node.status == "skipped"]

    @property
    def models(self) -> int:
        return sum(not node.is_test for node in self.nodes)

    @property
    def tests(self) -> int:
        return sum(node.is_test for node in self.nodes)


@dataclass
class Project:
    """The dbt project of a work directory, parsed once and built as often as needed."""

    settings: Settings
    target: str | None = None
    manifest: Manifest | None = field(default=None, repr=False)

    def parse(self) -> Mapping[str, Any]:
        """Parse the project; gives back the manifest as dbt writes it. Raises BuildFailed with dbt's own reason."""
        result = self._invoke(["parse"], manifest=None)
        if not result.success:
            raise BuildFailed(f"dbt cannot parse the project: {_one_line(result.exception)}")
        self.manifest = result.result
        return self.read_manifest()

    def read_manifest(self) -> Mapping[str, Any]:
        return json.loads(self.settings.manifest.read_text(encoding="utf-8"))

    def build(
        self,
        layer: str,
        *,
        as_of: date | None = None,
        clock_now: datetime | None = None,
        full_refresh: bool = False,
        leave_out: Iterable[str] = (),
        on_node: Callable[[str], None] | None = None,
    ) -> Layer:
        """Build one layer with its data tests; unit tests are for `make check` and `make test`.

        leave_out: dbt selectors of what must not be built, because something it reads has failed.
        Raises BuildFailed when dbt could not even begin; failed nodes are in the result.
        """
        if self.manifest is None:
            self.parse()
        arguments = ["build", "--select", *LAYERS[layer], "--exclude", "resource_type:unit_test", *leave_out]
        arguments += ["--indirect-selection", "buildable", "--vars", json.dumps(run_vars(as_of, clock_now))]
        if full_refresh:
            arguments.append("--full-refresh")
        begun = stopwatch()
        result = self._invoke(arguments, manifest=self.manifest, on_node=on_node)
        if result.result is None:
            raise BuildFailed(f"dbt could not build {layer}: {_one_line(result.exception)}")
        return Layer(layer, [_node(run) for run in result.result.results], stopwatch() - begun)

    def run(self, arguments: Sequence[str]) -> dbtRunnerResult:
        """Any dbt command, with this project's manifest when there is one."""
        return self._invoke(list(arguments), manifest=None)

    def _invoke(
        self, arguments: list[str], manifest: Manifest | None, on_node: Callable[[str], None] | None = None
    ) -> dbtRunnerResult:
        prepare_environment(self.settings)
        arguments += ["--project-dir", str(self.settings.project), "--profiles-dir", str(self.settings.project)]
        arguments += ["--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "info"]
        if self.target:
            arguments += ["--target", self.target]
        callbacks = [_progress(on_node)] if on_node else []
        try:
            return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(arguments)
        finally:
            # dbt keeps the DuckDB file open after a command; nobody else could write.
            DuckDBConnectionManager.close_all_connections()


def run_vars(as_of: date | None, clock_now: datetime | None) -> dict[str, str]:
    """The variables that make a build a function of its inputs: the day it looks at, and the clock."""
    variables = {}
    if as_of is not None:
        variables["as_of"] = as_of.isoformat()
    if clock_now is not None:
        variables["clock_now"] = clock_now.strftime("%Y-%m-%d %H:%M:%S")
    return variables


def downstream_of(failed: Iterable[Node], manifest: Mapping[str, Any]) -> list[str]:
    """Selectors of everything that must not be built after these failures.

    A failed model takes its descendants with it; a failed test takes the descendants of what it tested.
    """
    selectors = set()
    for node in failed:
        if node.is_test:
            parents = manifest["parent_map"].get(node.unique_id, [])
            selectors |= {f"{_selector(parent)}+" for parent in parents}
        else:
            selectors.add(f"{_selector(node.unique_id)}+")
    return sorted(selectors)


def _selector(unique_id: str) -> str:
    parts = unique_id.split(".")
    return "source:" + ".".join(parts[2:]) if parts[0] == "source" else parts[2]


def _node(run: Any) -> Node:
    rows = (run.adapter_response or {}).get("rows_affected")
    return Node(
        unique_id=run.node.unique_id,
        name=run.node.name,
        status=str(run.status),
        message=_one_line(run.message),
        seconds=run.execution_time,
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
    )


def _progress(on_node: Callable[[str], None]) -> Callable[[EventMsg], None]:
    def listen(event: EventMsg) -> None:
        if event.info.name == "NodeFinished":
            on_node(event.data.node_info.node_name)

    return listen


def _one_line(message: object) -> str:
    """dbt's reason on one line: what kind of error and its first sentence.

    What stands in quotes may be a value of a row, and stays in dbt's own log.
    """
    lines = [line.strip() for line in str(message or "").splitlines() if line.strip()]
    return QUOTED.sub("'…'", ": ".join(lines[:2])) if lines else "no reason given"
