"""What works on raw tables says that they are elsewhere, before it does anything."""

import pytest
from click.testing import CliRunner

from mailhouse.cli import main

COMMANDS = (
    ["erase", "ann@mail.example", "--yes"],
    ["export", "ann@mail.example"],
    ["retain"],
    ["identity", "train"],
    ["identity", "explain", "ann@mail.example", "bob@mail.example"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_it_names_itself_and_where_to_read_on(words, tmp_path, monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "snowflake")
    said = CliRunner().invoke(main, ["--workdir", str(tmp_path / "work"), *words])
    assert said.exit_code == 1, said.output
    (line,) = said.output.strip().splitlines()
    assert "works on raw tables, which are kept in Snowflake" in line and "docs/snowflake.md" in line
    assert words[0] in line
    assert not (tmp_path / "work" / "warehouse.duckdb").exists()


def test_a_target_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "bigquery")
    said = CliRunner().invoke(main, ["--workdir", str(tmp_path), "retain"])
    assert said.exit_code == 1
    assert "DBT_TARGET: bigquery: no such target" in said.output and "snowflake" in said.output
