"""A source is switched off in one line of dbt_project.yml; what is left of the project parses."""

import json
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from tests.python.models.conftest import PROJECT

OFF = ("klaviyo", "sendgrid")
FOLDERS = ("models", "seeds", "macros", "tests", "profiles.yml")


def test_without_two_sources_the_project_parses_and_names_them_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOLDERS:
        (tmp_path / name).symlink_to(PROJECT / name)
    said = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    switched = said
    for name in OFF:
        assert f"{name}: &{name} true" in switched
        switched = switched.replace(f"{name}: &{name} true", f"{name}: &{name} false")
    (tmp_path / "dbt_project.yml").write_text(switched, encoding="utf-8")
    monkeypatch.setenv("MAILHOUSE_WORKDIR", str(tmp_path / "work"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    result = dbtRunner().invoke(["parse", "--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path), "--quiet"])
    assert result.success, result.exception
    manifest = json.loads((tmp_path / "work" / "target" / "manifest.json").read_text(encoding="utf-8"))
    # the tests of models that are off stay in the manifest, and are off themselves
    nodes = {name for name, node in {**manifest["nodes"], **manifest["sources"]}.items() if node["config"].get("enabled", True)}
    assert {name for name in nodes if any(off in name for off in OFF)} == set()
    assert "model.mailhouse.mailchimp_profiles" in nodes
