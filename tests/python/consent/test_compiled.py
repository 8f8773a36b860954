"""Where the decision's SQL comes from: the build's own, else compiled once, else nothing is decided."""

import json
from pathlib import Path
from typing import Any

import pytest

from mailhouse.build import Project
from mailhouse.consent.compiled import STEPS, DecisionSql, decision_sql
from mailhouse.errors import ConsentUnavailable
from mailhouse.settings import Settings
from tests.python.consent.conftest import PROJECT
from tests.python.parsed import parse_once, parsed_project


@pytest.fixture
def parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A work directory whose project was parsed and never compiled."""
    monkeypatch.setattr(Project, "parse", parse_once)
    settings = Settings(PROJECT, tmp_path, {})
    parsed_project(settings)
    return settings


def change(path: Path, name: str, key: str, value: Any) -> None:
    document = json.loads(path.read_text())
    document["nodes"][f"model.mailhouse.{name}"][key] = value
    path.write_text(json.dumps(document))


def test_a_project_that_was_only_parsed_is_compiled_once(
    parsed: Settings, sql: DecisionSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = parsed.manifest.read_bytes()
    first = decision_sql(parsed, parsed.manifest)
    assert first == sql and tuple(first.steps) == STEPS
    assert parsed.manifest.read_bytes() == before
    assert not parsed.warehouse_path.exists()
    monkeypatch.setattr(Project, "run", None)
    assert decision_sql(parsed, parsed.manifest) == first


def test_a_project_that_has_changed_since_decides_nothing(parsed: Settings) -> None:
    change(parsed.manifest, "consent_status", "raw_code", "select 'yes' as decision")
    with pytest.raises(ConsentUnavailable, match="consent_status"):
        decision_sql(parsed, parsed.manifest)


def test_a_project_that_does_not_compile_decides_nothing(parsed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "run", lambda *_: type("Result", (), {"success": False})())
    with pytest.raises(ConsentUnavailable, match="mailhouse check"):
        decision_sql(parsed, parsed.manifest)
