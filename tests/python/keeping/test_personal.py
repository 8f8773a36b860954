"""Personal data is marked with a kind that is known; what cannot be meant is told with its place."""

import json
from typing import Any

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.pii import KINDS, personal_columns
from mailhouse.settings import load_settings
from tests.python.keeping.conftest import ROOT
from tests.python.parsed import parsed_project


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = load_settings(tmp_path_factory.mktemp("parsed"), project=ROOT)
    return dict(parsed_project(settings).read_manifest())


def test_every_mark_is_of_a_known_kind(manifest: dict[str, Any]) -> None:
    columns = personal_columns(manifest)
    assert {column.kind for column in columns} <= set(KINDS)
    assert len(columns) > 150


def test_every_kind_is_documented() -> None:
    text = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_a_kind_that_does_not_exist_is_told_with_its_place(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    changed["nodes"]["model.mailhouse.customers"]["columns"]["email"]["config"]["meta"]["pii"] = "mail"
    with pytest.raises(ConfigurationError, match=r"customers\.yml: customers\.email: `pii: mail`"):
        personal_columns(changed)
