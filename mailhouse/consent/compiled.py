"""The decision as SQL: what dbt compiled of the consent models, statement by statement as the warehouse was built by it.

It is the same SQL because it is the same text. The manifest of a build holds each model's compiled code; the last look runs
those statements unchanged, in a database in memory where every relation that they name has the name it has in the warehouse.
A manifest that was only parsed holds no compiled code: its models are then compiled by dbt once, and refused when what was
compiled is not what the manifest describes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailhouse.errors import BuildFailed, ConsentUnavailable
from mailhouse.settings import Settings, prepare_environment

# from an act of the inbox to the decision, in the order in which they are run
STEPS = ("stg_inbox__consent_acts", "int_inbox__consent_acts", "int_consent_acts_reached", "consent_status")


@dataclass(frozen=True)
class DecisionSql:
    """`steps`: model -> compiled SQL, in order. `relations`: model, seed or `source.table` -> its quoted name in that SQL."""

    steps: Mapping[str, str]
    relations: Mapping[str, str]


def decision_sql(settings: Settings, manifest: Path) -> DecisionSql:
    """The compiled decision of a manifest. Raises ConsentUnavailable when there is none to be had."""
    try:
        document = json.loads(manifest.read_bytes())
        models = {node["name"]: node for node in document["nodes"].values() if node.get("resource_type") == "model"}
        steps = {name: models[name] for name in STEPS}
        relations = _relations(document, steps)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConsentUnavailable(f"{manifest}: holds no consent models; run `mailhouse run`") from error
    sql = {name: node.get("compiled_code") for name, node in steps.items()}
    if not all(sql.values()):
        sql = _compiled_once(settings, document, steps)
    return DecisionSql(sql, relations)


def _relations(document: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    nodes = {**document["nodes"], **document.get("sources", {})}
    found = {name: str(node["relation_name"]) for name, node in steps.items()}
    for step in steps.values():
        for unique_id in step["depends_on"]["nodes"]:
            node = nodes[unique_id]
            name = f"{node['source_name']}.{node['name']}" if node["resource_type"] == "source" else node["name"]
            found[name] = str(node["relation_name"])
    return found


def _compiled_once(settings: Settings, document: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    folder = settings.workdir / "consent"
    kept = folder / f"{_checksum(document, steps)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    compiled = _compile(settings, folder)
    for name, node in steps.items():
        if compiled[name]["raw_code"] != node["raw_code"] or compiled[name]["relation_name"] != node["relation_name"]:
            raise ConsentUnavailable(f"{name}: has changed since the warehouse was built; run `mailhouse run`")
    sql = {name: compiled[name]["compiled_code"] for name in steps}
    fresh = kept.with_suffix(".fresh")
    fresh.write_text(json.dumps(sql), encoding="utf-8")
    fresh.replace(kept)
    return sql


def _checksum(document: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> str:
    """Of all that the compiled SQL is made of: the models, where they are, the project's macros, dbt itself."""
    macros = sorted(macro["macro_sql"] for name, macro in document["macros"].items() if name.startswith("macro.mailhouse."))
    models = [[name, node["raw_code"], node["relation_name"]] for name, node in steps.items()]
    parts = [models, macros, document["metadata"]["dbt_version"], document["metadata"]["adapter_type"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _compile(settings: Settings, folder: Path) -> dict[str, dict[str, Any]]:
    """Compile in a work directory of its own: the warehouse's file has one writer, and the manifest stays as it is."""
    from mailhouse.build import Project  # dbt takes seconds to import, and is hardly ever needed here

    folder.mkdir(parents=True, exist_ok=True)
    own = replace(settings, workdir=folder)
    try:
        project = Project(own)
        project.parse()
        result = project.run(["compile", "--select", *STEPS])
        if not result.success:
            raise ConsentUnavailable("dbt cannot compile the consent models; run `mailhouse check`")
        document = json.loads(own.manifest.read_bytes())
    except (BuildFailed, OSError, ValueError) as error:
        raise ConsentUnavailable("dbt cannot compile the consent models; run `mailhouse check`") from error
    finally:
        prepare_environment(settings)
    return {node["name"]: node for node in document["nodes"].values() if node["name"] in STEPS}
