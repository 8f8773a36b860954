"""A segment or a personal field without a purpose that there is does not build, and says so by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.results import RunResult

from mailhouse.check import check_meta
from mailhouse.consent.purposes import known_purposes
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Settings
from tests.python.consent.conftest import PROJECT, World
from tests.python.parsed import parsed_project

SEGMENT = "seg_newsletter_subscribers"


def build_segment(settings: Settings, change: Callable[[Any], object]) -> RunResult:
    """Plain `dbt run` of one segment whose model was changed by hand."""
    project = parsed_project(settings)
    change(project.manifest.nodes[f"model.mailhouse.{SEGMENT}"])  # type: ignore[union-attr]
    return project.run(["run", "--select", SEGMENT]).result.results[0]


def _forget(node: Any) -> None:
    node.config.meta["reverse_sync"] = [{**node.config.meta["reverse_sync"][0], "purpose": None}]


def _misspell(node: Any) -> None:
    node.config.meta["reverse_sync"] = [{**node.config.meta["reverse_sync"][0], "purpose": "marketing"}]


def _field(node: Any) -> None:
    node.columns["customer_id"].config.meta["purpose"] = "tailoring"


@pytest.mark.parametrize(
    ("change", "told"), [(_forget, "has no purpose"), (_misspell, "marketing is no purpose"), (_field, "tailoring is no purpose")]
)
def test_dbt_does_not_build_it(world: World, change: Callable[[Any], object], told: str) -> None:
    world.warehouse.close()
    run = build_segment(world.settings, change)
    assert str(run.status) == "error"
    assert SEGMENT in run.message and told in run.message


def test_dbt_builds_it_when_its_purpose_is_known(world: World) -> None:
    world.warehouse.execute("create table marts.customers (customer_id varchar)")  # which consent does without
    world.warehouse.close()
    assert str(build_segment(world.settings, lambda _: None).status) == "success"


def test_check_refuses_a_purpose_that_there_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailhouse.settings import load_settings

    settings = load_settings(tmp_path, project=PROJECT)
    parsed_project(settings)
    check_meta(settings)
    monkeypatch.setattr("mailhouse.consent.purposes.known_purposes", lambda _: {"research": "Questions"})
    with pytest.raises(ConfigurationError, match=r"seg_\w+: purpose: 'marketing_email' is no purpose of .*known are research"):
        check_meta(settings)


def test_the_seed_says_what_each_purpose_means() -> None:
    assert all(meaning for meaning in known_purposes(PROJECT).values())
    with pytest.raises(ConfigurationError, match="restore it"):
        known_purposes(PROJECT / "docs")
