"""Plain dbt: a file of one's own that defers to the published copy, and no warning from any command."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.models import shop_people

CHANGED = ("--target", "dev", "-s", "state:modified+")
pytestmark = pytest.mark.xdist_group("targets")


@pytest.fixture(scope="module")
def published(raw_factory: Callable[[str], Any]) -> Any:
    """A built warehouse with its published copy and manifest, as a run leaves them."""
    raw = raw_factory("published")
    shop_people.fill(raw)
    raw.dbt("build", "--exclude-resource-type", "unit_test")
    shutil.copyfile(raw.path, raw.workdir / "published.duckdb")
    (raw.workdir / "published_target").mkdir()
    shutil.copyfile(raw.workdir / "target" / "manifest.json", raw.workdir / "published_target" / "manifest.json")
    return raw


def test_dev_builds_only_what_changed_while_a_run_holds_the_warehouse(published: Any) -> None:
    state = published.workdir / "published_target" / "manifest.json"
    manifest = json.loads(state.read_text(encoding="utf-8"))
    manifest["nodes"]["model.mailhouse.seg_champions"]["raw_code"] += "-- as it was before the edit"
    state.write_text(json.dumps(manifest), encoding="utf-8")
    with published.connect():
        done = published.dbt("build", *CHANGED, "--defer", "--state", str(state.parent))
    assert "WARN=0 ERROR=0" in done.stdout
    built = published.dbt("ls", *CHANGED, "--state", str(state.parent), "--resource-type", "model", "-q")
    assert [line.split(".")[-1] for line in built.stdout.split()] == ["seg_champions"]


def test_dbt_says_no_warning(published: Any) -> None:
    for command in (["parse", "--no-partial-parse"], ["show", "--inline", "select count(*) as n from {{ ref('customers') }}"]):
        done = published.dbt(*command)
        assert "WARN" not in done.stdout.upper(), done.stdout
