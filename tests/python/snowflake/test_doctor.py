"""Before anything is run, `mailhouse doctor` says whether Snowflake lets us in, and what is missing otherwise."""

import pytest

from mailhouse.doctor import examine
from mailhouse.report import Finding
from tests.python.snowflake.conftest import Machine


def platform(machine: Machine) -> Finding:
    return next(one for one in examine(machine.settings, lambda _: None) if one.subject == "platform")


def test_it_says_where_it_is(machine, account):
    found = platform(machine("one"))
    assert found.is_good
    assert found.says == f"Snowflake, database {account.database} of account standin as tester, role TRANSFORMER"


@pytest.mark.parametrize(
    ("variable", "missing"),
    [
        ("MAILHOUSE_DATABASE", "the database elsewhere is not there"),
        ("SNOWFLAKE_WAREHOUSE", "the warehouse elsewhere is not there"),
    ],
)
def test_it_names_what_is_missing_and_the_grant(machine, account, monkeypatch, variable, missing):
    monkeypatch.setenv(variable, "elsewhere")
    found = platform(machine("one"))
    assert not found.is_good
    assert found.says.startswith(missing) and "to role TRANSFORMER` (see docs/snowflake.md)" in found.says
