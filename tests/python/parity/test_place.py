"""A build that is sent to a place that is not there says which, and what to do, in one line."""

from datetime import UTC, datetime

import pytest

from mailhouse.settings import load_settings
from tests.python.parity.engines import BothEngines, StandInBuildFailed
from tests.python.parity.server import DATABASE, ROOT, StandIn

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def engines(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> BothEngines:
    settings = load_settings(tmp_path_factory.mktemp("place"), project=ROOT)
    return BothEngines(settings, settings, standin)


@pytest.mark.parametrize(
    ("variable", "missing"),
    [
        ("SNOWFLAKE_WAREHOUSE", "the warehouse elsewhere is"),
        # of a database Mailhouse's own line is tried in the tests of the doctor and of landing
        pytest.param("MAILHOUSE_DATABASE", "the database elsewhere is", marks=pytest.mark.torture),
    ],
)
def test_what_is_missing_is_named_with_the_next_step(engines: BothEngines, variable: str, missing: str) -> None:
    with pytest.raises(StandInBuildFailed) as failed:
        engines.dbt("seed", "--select", "rfm_groups", now=NOW, **{variable: "elsewhere"})
    (line,) = [line for line in str(failed.value).splitlines() if missing in line]
    assert "to role TRANSFORMER` (docs/snowflake.md)" in line
    assert engines.standin.rows(f"select count(*) from {DATABASE}.information_schema.tables where table_name = 'RFM_GROUPS'") == [
        (0,)
    ]
