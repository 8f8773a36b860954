"""Sources are switched off in one place of dbt_project.yml; what is left of the project parses, and an absent one is absent."""

import json
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from tests.python.models.conftest import PROJECT

SOURCES = ("hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce", "segment")
FOLDERS = ("models", "seeds", "macros", "tests", "profiles.yml")


def parsed_without(folder: Path, off: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The nodes and sources that are on, once these sources are off."""
    for name in FOLDERS:
        (folder / name).symlink_to(PROJECT / name)
    switched = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    for name in off:
        assert f"{name}: &{name} true" in switched
        switched = switched.replace(f"{name}: &{name} true", f"{name}: &{name} false")
    (folder / "dbt_project.yml").write_text(switched, encoding="utf-8")
    monkeypatch.setenv("MAILHOUSE_WORKDIR", str(folder / "work"))
    monkeypatch.setenv("DBT_LOG_PATH", str(folder / "logs"))
    result = dbtRunner().invoke(["parse", "--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"])
    assert result.success, result.exception
    manifest = json.loads((folder / "work" / "target" / "manifest.json").read_text(encoding="utf-8"))
    # the tests of models that are off stay in the manifest, and are off themselves
    return {name for name, node in {**manifest["nodes"], **manifest["sources"]}.items() if node["config"].get("enabled", True)}


def named(nodes: set[str], off: tuple[str, ...]) -> set[str]:
    """Models and sources of what is off; a model or test of the others may have the word in its name."""
    words = tuple(
        word for name in off for word in (f"stg_{name}__", f"int_{name}__", f".{name}_profiles", f"source.mailhouse.{name}.")
    )
    return {node for node in nodes if any(word in node for word in words)}


def test_with_one_source_alone_the_project_parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off = tuple(name for name in SOURCES if name != "hubspot")
    nodes = parsed_without(tmp_path, off, monkeypatch)
    assert named(nodes, off) == set()
    assert {"model.mailhouse.hubspot_profiles", "model.mailhouse.customers", "model.mailhouse.orders"} <= nodes


@pytest.mark.torture
@pytest.mark.parametrize("off", SOURCES)
def test_without_one_of_the_sources_the_project_parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    nodes = parsed_without(tmp_path, (off,), monkeypatch)
    assert named(nodes, (off,)) == set()
    assert {f"source.mailhouse.{name}." for name in SOURCES if name != off} == {
        f"source.mailhouse.{name}." for name in SOURCES if any(f"source.mailhouse.{name}." in node for node in nodes)
    }
