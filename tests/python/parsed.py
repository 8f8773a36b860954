"""The project as dbt parsed it, once in a process: left alone, dbt parses everything anew for each new work directory."""

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt.contracts.graph.manifest import Manifest

from mailhouse.build import Project
from mailhouse.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
PARSE = Project.parse


@functools.cache
def _parsed() -> tuple[bytes, bytes]:
    """The manifest as dbt keeps it between runs, and as it writes it for others."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(load_settings(folder, project=ROOT))
        PARSE(project)
        return project.manifest.to_msgpack(), project.settings.manifest.read_bytes()


def parsed_project(settings: Settings) -> Project:
    """A project that need not be parsed any more, its manifest in the work directory's target as after `dbt parse`."""
    kept, written = _parsed()
    settings.target.mkdir(parents=True, exist_ok=True)
    settings.manifest.write_bytes(written)
    manifest = Manifest.from_msgpack(kept)
    manifest.build_flat_graph()
    return Project(settings, manifest=manifest)


def parse_once(project: Project) -> Mapping[str, Any]:
    """What `Project.parse` does, save that dbt really parses only the first time."""
    if project.settings.project != ROOT or project.target:
        return PARSE(project)
    project.manifest = parsed_project(project.settings).manifest
    return project.read_manifest()
