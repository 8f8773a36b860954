"""What is told of an error names the thing and the place, and nobody's value."""

from pathlib import Path

import duckdb
import pytest

from mailhouse.errors import ConfigurationError, SyncRefused
from mailhouse.redaction import in_one_line, without_values
from mailhouse.settings import load_settings
from tests.python.keeping.conftest import ROOT

PERSON = "ann.canary@mail.example"


@pytest.fixture
def people() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute(f"create table people as select '{PERSON}' as email, 'Canaryname' as name, '+44 20 7946 0018' as phone")
    made.execute("create table named (name varchar primary key)")
    return made


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select cast(email as integer) from people", "Conversion Error"),
        ("select cast(name as date) from people", "date"),
        ("select cast(phone as integer) from people", "INT32"),
        ("insert into named select name from people union all select name from people", "PRIMARY KEY"),
        ("select error('no good: ' || email || ' ' || phone) from people", "no good"),
        ("select strptime(name, '%Y') from people", "parse"),
        (f"select '{PERSON}' from nowhere", "nowhere"),
    ],
)
def test_the_engine_is_told_without_values(people: duckdb.DuckDBPyConnection, statement: str, told: str) -> None:
    with pytest.raises(duckdb.Error) as raised:
        people.execute(statement).fetchall()
    for said in (without_values(raised.value), in_one_line(raised.value)):
        assert told in said
        assert [value for value in (PERSON, "Canaryname", "7946") if value in said] == []
    assert "\n" not in in_one_line(raised.value)


def test_a_name_that_is_the_matter_stays(people: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error) as raised:
        people.execute("select emial from people")
    assert '"emial"' in without_values(raised.value)


def test_the_others_are_told_as_they_are() -> None:
    assert in_one_line(SyncRefused("say what")) == "say what"
    assert in_one_line(OSError(28, "No space left on device", "warehouse.duckdb")).startswith("warehouse.duckdb: No space left")


def test_a_secret_that_stands_where_its_name_belongs_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "connections.yml"
    path.write_text("connections: [{id: klaviyo, vendor: klaviyo, secrets: {api_key: pk_1234567890abcdef}}]")
    with pytest.raises(ConfigurationError, match="names an environment variable") as raised:
        load_settings(tmp_path / "work", path, ROOT)
    assert "pk_1234" not in str(raised.value)
