"""What dlt's Snowflake destination would make of our raw tables: statements that read as Snowflake's, and the columns that the
stand-in is given in their place. Nothing is connected to."""

from pathlib import Path

import pytest
import sqlglot
from dlt.common.schema import Schema
from dlt.destinations import snowflake
from dlt.destinations.impl.snowflake.configuration import SnowflakeClientConfiguration, SnowflakeCredentials
from dlt.destinations.impl.snowflake.snowflake import SnowflakeClient, SnowflakeMergeJob
from dlt.destinations.impl.snowflake.utils import gen_copy_sql
from sqlglot import exp

from ingestion.fields import DLT_TYPES
from mailhouse import raw_schemas
from mailhouse.settings import read_yaml
from tests.python.parity.raw import TYPES
from tests.python.parity.server import ROOT

EXPORTED = sorted((ROOT / "ingestion" / "schemas").glob("*.yml"))
NOBODY = SnowflakeCredentials("snowflake://nobody:nothing@account/mailhouse?warehouse=transforming&role=transformer")


def client_of(path: Path) -> SnowflakeClient:
    """What dlt makes statements with, for the tables of a source."""
    exported = read_yaml(path)
    schema = Schema(path.stem)
    for table, said in exported["tables"].items():
        columns = {name: {"name": name, "nullable": True, **DLT_TYPES[kind]} for name, kind in said["columns"].items()}
        for name in said["columns"]:
            if name in ("connection_id", "id"):
                columns[name]["primary_key"] = True
        schema.update_table({"name": table, "write_disposition": "merge", "columns": columns})
    destination = snowflake(credentials=NOBODY)
    configuration = SnowflakeClientConfiguration(credentials=NOBODY)._bind_dataset_name(dataset_name=exported["schema"])
    return SnowflakeClient(schema, configuration, destination.capabilities())


def created(path: Path) -> dict[str, dict[str, exp.DataType]]:
    """The columns that dlt would give each table of a source, from its CREATE TABLE statements."""
    exported, client = read_yaml(path), client_of(path)
    made = {}
    for statement in client._build_schema_update_sql([(table, {}) for table in exported["tables"]])[0]:
        (parsed,) = sqlglot.parse(statement, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(parsed, exp.Create), statement
        made[parsed.this.this.name.lower()] = {column.name.lower(): column.kind for column in parsed.find_all(exp.ColumnDef)}
    return made


@pytest.mark.parametrize("path", EXPORTED, ids=lambda path: path.stem)
def test_the_stand_in_is_given_the_columns_that_dlt_would_make(path: Path) -> None:
    made = created(path)
    tables = read_yaml(path)["tables"]
    assert made.keys() == tables.keys()
    for table, said in tables.items():
        for name, kind in said["columns"].items():
            on_duckdb = raw_schemas.TYPES[kind].upper()
            given = exp.DataType.build(TYPES.get(on_duckdb, on_duckdb), dialect="snowflake")
            assert made[table][name].sql("snowflake") == given.sql("snowflake"), (table, name)


def test_what_is_staged_is_copied_by_name() -> None:
    statement = gen_copy_sql("file:///contacts.parquet", "MAILHOUSE.RAW_HUBSPOT.CONTACTS", "parquet", False, stage_name="landing")
    (parsed,) = sqlglot.parse(statement, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(parsed, exp.Copy) and "MATCH_BY_COLUMN_NAME" in statement.upper()


@pytest.mark.parametrize("path", EXPORTED, ids=lambda path: path.stem)
def test_a_merge_takes_the_rows_of_its_keys_out_and_puts_the_staged_ones_in(path: Path) -> None:
    client = client_of(path)
    schema = read_yaml(path)["schema"].upper()
    for table in read_yaml(path)["tables"]:
        statements = SnowflakeMergeJob.generate_sql([client.prepare_load_table(table)], client.sql_client)
        parsed = [
            one for text in statements for one in sqlglot.parse(text, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
        ]
        gone, come = (one for one in parsed if one is not None)
        assert isinstance(gone, exp.Delete) and isinstance(come, exp.Insert), statements
        for one in (gone, come):
            assert {(source.db, source.name) for source in one.find_all(exp.Table)} == {
                (schema, table.upper()),
                (f"{schema}_STAGING", table.upper()),
            }
        assert {column.name for column in gone.find_all(exp.Column)} <= {"CONNECTION_ID", "ID"}
