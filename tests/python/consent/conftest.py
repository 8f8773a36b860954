"""The decision's SQL as dbt compiles it, and random ledgers to run it on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailhouse.build import Project
from mailhouse.consent.compiled import STEPS, DecisionSql, decision_sql
from mailhouse.consent.decide import Decider
from mailhouse.settings import Settings, find_project

PROJECT = find_project(Path(__file__).parent)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A work directory whose consent models are compiled, and nothing is built."""
    settings = Settings(PROJECT, tmp_path_factory.mktemp("compiled"), {})
    assert Project(settings).run(["compile", "--select", *STEPS]).success
    return settings


@pytest.fixture(scope="session")
def sql(compiled: Settings) -> DecisionSql:
    return decision_sql(compiled, compiled.manifest)


@pytest.fixture
def decider(sql: DecisionSql) -> Iterator[Decider]:
    with Decider(sql) as opened:
        yield opened
