"""Runs dbt inside this process: parse, build a layer, compile. Business meaning stays in the project; this only drives it."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mailhouse.errors import BuildFailed
from mailhouse.platforms import Platform, platform_of
from mailhouse.settings import Settings, prepare_environment

if TYPE_CHECKING:  # dbt takes a second to import, and whoever only looks at what was built does not need it
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg

# The folders of the road, in its order; profiles and segments are one step for whoever looks on.
LAYERS = ("seeds", "staging", "intermediate", "marts", "profiles", "segments")
QUOTED = re.compile(r"'[^']*@[^']*'|(?<=[Ss]tring )['\"][^'\"]*['\"]|(?<=value )['\"][^'\"]*['\"]")
BUILT = {"model", "seed", "snapshot", "test"}
# unit tests are for `make check`, and of an exposure there is nothing to build
LEFT_OUT = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure")
GOOD = {"success", "pass", "warn", "no-op", "partial success"}


@dataclass(frozen=True)
class Node:
    """What became of one model, seed or test."""

    unique_id: str
    name: str
    status: str
    message: str
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.status in GOOD

    @property
    def is_failed(self) -> bool:
        return self.status in {"error", "fail", "runtime error"}

    @property
    def is_test(self) -> bool:
        return self.unique_id.split(".")[0] in {"test", "unit_test"}


@dataclass(frozen=True)
class Layer:
    """What became of one layer."""

    name: str
    nodes: Sequence[Node]
    seconds: float

    @property
    def failed(self) -> list[Node]:
        return [node for node in self.nodes if node.is_failed]

    @property
    def says(self) -> str:
        """How many models and tests, and how many of them did not hold."""
        tests = sum(node.is_test for node in self.nodes)
        skipped = sum(node.status == "skipped" for node in self.nodes)
        parts = [f"{len(self.nodes) - tests} {'seeds' if self.name == 'seeds' else 'models'}", f"{tests} tests"]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts += [f"{skipped} skipped"] if skipped else []
        return ", ".join(parts)


@dataclass
class Project:
    """The dbt project of a work directory, parsed once and built as often as needed."""

    settings: Settings
    target: str | None = None
    manifest: "Manifest | None" = field(default=None, repr=False)

    @cached_property
    def platform(self) -> Platform:
        """Where models are built; parsed and compiled they are with the names that they have in the work directory."""
        return platform_of(self.settings)

    def parse(self) -> Mapping[str, Any]:
        """Parse the project; gives back the manifest as dbt writes it. Raises BuildFailed with dbt's own reason."""
        result = self._invoke(["parse"], manifest=None)
        if not result.success:
            raise BuildFailed(f"dbt cannot parse the project: {_one_line(result.exception)}")
        self.manifest = result.result
        return self.read_manifest()

    def known_manifest(self) -> Mapping[str, Any]:
        """The manifest of the last parse; the project is parsed when it never was."""
        return self.read_manifest() if self.settings.manifest.exists() else self.parse()

    def read_manifest(self) -> Mapping[str, Any]:
        return json.loads(self.settings.manifest.read_text(encoding="utf-8"))

    @property
    def size(self) -> int:
        """How many models, seeds and data tests a build goes through; 0 before the project was parsed."""
        nodes = self.manifest.nodes.values() if self.manifest else ()
        # a test of something that is switched off stays among the nodes, off as well
        return sum(str(node.resource_type) in BUILT and node.config.enabled for node in nodes)

    def build(
        self,
        *,
        as_of: date | None = None,
        clock_now: datetime | None = None,
        full_refresh: bool = False,
        on_node: Callable[[str], None] | None = None,
    ) -> list[Layer]:
        """Build everything with its data tests, in dbt's own order; what rests on a failure is skipped by dbt.

        Unit tests are for `make check` and `make test`. Gives back what became of each layer, seeds first; a test counts
        with the layer of the last model it looks at. Raises BuildFailed when dbt could not even begin.
        """
        if self.manifest is None:
            self.parse()
        arguments = ["build", *LEFT_OUT, "--vars", json.dumps(run_vars(as_of, clock_now))]
        if full_refresh:
            arguments.append("--full-refresh")
        elsewhere = self.platform.build_arguments
        # of another target dbt makes a manifest of its own: each relation has another name there
        result = self._invoke([*arguments, *elsewhere], manifest=None if elsewhere else self.manifest, on_node=on_node)
        if result.result is None:
            raise BuildFailed(f"dbt could not build: {_one_line(result.exception)}")
        return self._layers([_node(run) for run in result.result.results])

    def _layers(self, nodes: Iterable[Node]) -> list[Layer]:
        manifest = self.read_manifest()
        found: dict[str, list[Node]] = {name: [] for name in LAYERS}
        for node in nodes:
            found[_layer(node.unique_id, manifest)].append(node)
        return [Layer(name, tuple(nodes), sum(node.seconds for node in nodes)) for name, nodes in found.items() if nodes]

    def run(self, arguments: Sequence[str]) -> "dbtRunnerResult":
        """Any dbt command, with this project's manifest when there is one."""
        return self._invoke(list(arguments), manifest=self.manifest)

    def _invoke(
        self, arguments: list[str], manifest: "Manifest | None", on_node: Callable[[str], None] | None = None
    ) -> "dbtRunnerResult":
        prepare_environment(self.settings)
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        arguments += ["--project-dir", str(self.settings.project), "--profiles-dir", str(self.settings.project)]
        arguments += ["--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "info"]
        target = self.target or self.platform.local_target
        if target and "--target" not in arguments:
            arguments += ["--target", target]
        callbacks = [_progress(on_node)] if on_node else []
        try:
            with _nameless_command():
                return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(arguments)
        finally:
            # dbt keeps the DuckDB file open after a command; nobody else could write.
            DuckDBConnectionManager.close_all_connections()


@contextmanager
def _nameless_command() -> Iterator[None]:
    """dbt writes the words this process was called with into each of its artifacts, and they may name a person."""
    words = sys.argv
    sys.argv = ["mailhouse"]
    try:
        yield
    finally:
        sys.argv = words


def run_vars(as_of: date | None, clock_now: datetime | None) -> dict[str, str]:
    """The variables that make a build a function of its inputs: the day it looks at, and the clock."""
    variables = {}
    if as_of is not None:
        variables["as_of"] = as_of.isoformat()
    if clock_now is not None:
        variables["clock_now"] = clock_now.strftime("%Y-%m-%d %H:%M:%S")
    return variables


def _layer(unique_id: str, manifest: Mapping[str, Any]) -> str:
    """The folder a node lives in; for a test the last of those it looks at."""
    kind = unique_id.split(".")[0]
    if kind == "seed":
        return "seeds"
    if kind == "model":
        folder = manifest["nodes"][unique_id]["fqn"][1]
        return folder if folder in LAYERS else "marts"
    parents = manifest["parent_map"].get(unique_id, [])
    layers = [_layer(parent, manifest) for parent in parents if not parent.startswith(("source.", "exposure."))]
    return max(layers, key=LAYERS.index, default="staging")


def _node(run: Any) -> Node:
    return Node(
        unique_id=run.node.unique_id,
        name=run.node.name,
        status=str(run.status),
        message=_one_line(run.message),
        seconds=run.execution_time,
    )


def _progress(on_node: Callable[[str], None]) -> "Callable[[EventMsg], None]":
    def listen(event: "EventMsg") -> None:
        if event.info.name == "NodeFinished":
            on_node(event.data.node_info.node_name)

    return listen


def _one_line(message: object) -> str:
    """dbt's reason on one line: what kind of error and its first sentence.

    What stands in quotes may be a value of a row, and stays in dbt's own log.
    """
    lines = [line.strip() for line in str(message or "").splitlines() if line.strip()]
    return QUOTED.sub("'…'", ": ".join(lines[:2])) if lines else "no reason given"
