"""Every model also compiles for Snowflake and reads as Snowflake's SQL; no account is asked."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from dbt.adapters.snowflake import SnowflakeAdapter
from dbt.cli.main import dbtRunner

from tests.python.models.conftest import PROJECT

# what these models compile to depends on whether they are there already
STANDING = ("email_events", "web_events", "consent_events", "customer_id_history", "customers_history")
# what is off where nobody has tables of their own
ALL_ON = {"own_tables": {"database": True, "files": True}, "customer_enrichment": {"loyalty_tier": "text", "points": "integer"}}
# functions and clauses of DuckDB that Snowflake has not; sqlglot takes an unknown function for the user's own
FOREIGN = (
    "json_extract_string", "jaro_winkler_similarity", "levenshtein", "strip_accents", "string_split", "unnest(",
    "materialized", "date_diff(", "filter (", "arg_max(", "group by all", "asof join", "exclude (", "list_value(",
    "list(", "epoch_ms", "try_cast(", "::",
)  # fmt: skip


def compile_models(workdir: Path, existing: Iterable[str], *selected: str) -> dict[str, str]:
    """The compiled SQL by model, in an account where the tables `existing` stand in the schema marts and nothing else."""

    def relations(adapter: Any, schema_relation: Any) -> list[Any]:
        if schema_relation.schema.lower() != "marts":
            return []
        place = {"database": schema_relation.database.upper(), "schema": schema_relation.schema.upper()}
        return [adapter.Relation.create(**place, identifier=name.upper(), type="table") for name in existing]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILHOUSE_WORKDIR", str(workdir))
        patch.setenv("DBT_LOG_PATH", str(workdir / "logs"))
        patch.setattr(SnowflakeAdapter, "list_relations_without_caching", relations)
        command = ["compile", "--target", "snowflake", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
        command += ["--vars", json.dumps(ALL_ON)]
        result = dbtRunner().invoke([*command, *selected])
    assert result.success, result.exception
    root = workdir / "target" / "compiled" / "mailhouse" / "models"
    found = [path for path in root.rglob("*.sql") if path.parent.suffix != ".yml"]
    return {path.stem: path.read_text(encoding="utf-8") for path in found}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every model on an empty account; those that read themselves once more as on the second run."""
    workdir = tmp_path_factory.mktemp("snowflake")
    first = compile_models(workdir, ())
    second = compile_models(workdir, STANDING, "--select", *STANDING)
    return first | {f"{name} on the second run": second[name] for name in STANDING}


def test_every_model_compiles_for_snowflake_and_reads_as_snowflake(compiled: dict[str, str]) -> None:
    models = {path.stem for path in (PROJECT / "models").rglob("*.sql")}
    assert models <= set(compiled)
    for name in STANDING:
        assert compiled[name] != compiled[f"{name} on the second run"]
    for name, query in compiled.items():
        assert len(sqlglot.parse(query, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)) == 1, name


def test_no_word_of_duckdb_alone_reaches_snowflake(compiled: dict[str, str]) -> None:
    assert {(name, word) for name, query in compiled.items() for word in FOREIGN if word in query.lower()} == set()
