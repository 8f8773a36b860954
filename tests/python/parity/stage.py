"""Gives dlt a stage of the stand-in, which knows no table's own stage and copies no JSON; all else that dlt says runs there."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.destinations.impl.snowflake.snowflake import SnowflakeLoadJob

from tests.python.parity.server import DATABASE

STAGE = f"{DATABASE}.landing.arrived"


def lend_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have dlt's files put and copied from one named stage, as Parquet, while the test runs."""
    monkeypatch.setattr(SnowflakeLoadJob, "run", _put_and_copy)


def _put_and_copy(job: SnowflakeLoadJob) -> None:
    client, path = job._job_client.sql_client, Path(job._file_path)
    if path.suffix != ".parquet":
        path = _as_parquet(path)
    client.execute_sql(f"create schema if not exists {DATABASE}.landing")
    client.execute_sql(f"create stage if not exists {STAGE}")
    client.execute_sql(f"put file://{path} @{STAGE} overwrite = true")
    client.execute_sql(
        f"copy into {DATABASE}.{client.make_qualified_table_name(job.load_table_name)} from @{STAGE}/{path.name}"
        " file_format = (type = parquet) match_by_column_name = case_insensitive"
    )


def _as_parquet(path: Path) -> Path:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    written = path.parents[1] / f"{path.name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), written)
    return written
