"""What dbt knows of the project's models: the only list from which the sync takes names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailhouse.errors import ConfigurationError
from mailhouse.sync.identifiers import Relation


@dataclass(frozen=True)
class Model:
    """One model of the manifest: its relation, its `meta` and its documented columns with theirs."""

    name: str
    path: str
    relation: Relation
    meta: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """How an error names the model: `models/segments/seg_vip.sql`, or its bare name."""
        return self.path or self.name


@dataclass(frozen=True)
class Manifest:
    """The models of one project by name, and its seeds."""

    path: Path
    models: Mapping[str, Model]
    seeds: Mapping[str, Model] = field(default_factory=dict)

    def relation(self, name: str) -> Relation | None:
        """Where the model or seed called `name` is, or None when the project has none of that name."""
        model = self.models.get(name) or self.seeds.get(name)
        return model.relation if model else None


def read_manifest(path: Path) -> Manifest:
    """The models in dbt's `manifest.json`. Raises ConfigurationError when it is absent or not readable as one."""
    try:
        document = json.loads(path.read_bytes())
        nodes = document["nodes"].values()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: not there; run `mailhouse run` or `dbt parse` first") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: not readable as dbt's manifest; delete it and run `dbt parse`") from error
    named: dict[str, dict[str, Model]] = {"model": {}, "seed": {}}
    for node in nodes:
        if node.get("resource_type") in named:
            named[node["resource_type"]][node["name"]] = _model(node)
    return Manifest(path=path, models=named["model"], seeds=named["seed"])


def _model(node: Mapping[str, Any]) -> Model:
    config = node.get("config") or {}
    columns = {
        name.lower(): (column.get("config") or {}).get("meta") or column.get("meta") or {}
        for name, column in (node.get("columns") or {}).items()
    }
    return Model(
        name=node["name"],
        path=node.get("original_file_path") or "",
        relation=Relation(node.get("database") or "warehouse", node.get("schema") or "", node.get("alias") or node["name"]),
        meta=config.get("meta") or node.get("meta") or {},
        columns=columns,
    )
