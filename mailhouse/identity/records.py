"""A file of person records, checked and taken into a scratch warehouse in the place of the company's own people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mailhouse.errors import RecordsRefused
from mailhouse.identity.em import NAMES

FORMATS = {".csv": "read_csv(?, all_varchar = true, header = true)", ".parquet": "read_parquet(?)"}


@dataclass(frozen=True)
class Asked:
    """Which file, which of its columns name a record and the truth, and which hold which field."""

    path: Path
    id_column: str
    truth_column: str
    fields: Mapping[str, str]


def parse_map(said: Iterable[str]) -> dict[str, str]:
    """`field=column` as said on the command line. Raises RecordsRefused for what is no field, or said twice."""
    fields: dict[str, str] = {}
    for one in said:
        field, equals, column = (part.strip() for part in one.partition("="))
        if not equals or not column:
            raise RecordsRefused(f"--map {one}: say it as field=column")
        if field not in NAMES:
            raise RecordsRefused(f"--map {one}: unknown field `{field}`; known are {', '.join(NAMES)}")
        if field in fields:
            raise RecordsRefused(f"--map {one}: `{field}` is mapped twice; keep one")
        fields[field] = column
    if not fields:
        raise RecordsRefused("--map: at least one field=column is needed; nothing else is compared")
    return fields


def take(connection: duckdb.DuckDBPyConnection, asked: Asked) -> int:
    """Land the file as table `taken` (record_number, id, truth, the fields); gives back how many records there are.

    Raises RecordsRefused when the file is missing, unreadable or empty, lacks a column, repeats an id or has no truth.
    """
    if asked.truth_column in asked.fields.values():
        raise RecordsRefused(f"--truth {asked.truth_column}: the truth must not be evidence; take it out of --map")
    reader = FORMATS.get(asked.path.suffix.lower())
    if reader is None:
        raise RecordsRefused(f"{asked.path}: neither .csv nor .parquet; save it as one of them")
    if not asked.path.is_file():
        raise RecordsRefused(f"{asked.path}: no such file; check the path")
    if asked.path.stat().st_size == 0:
        raise RecordsRefused(f"{asked.path}: is empty; there is nobody to compare")
    try:
        connection.execute(f"create table landed as select * from {reader}", [str(asked.path)])
    except duckdb.Error as error:
        raise RecordsRefused(f"{asked.path}: cannot be read as {asked.path.suffix[1:]}; save it anew") from error
    found = {name.strip(): name for (name, *_) in connection.execute("describe landed").fetchall()}
    for option, column in [("--id", asked.id_column), ("--truth", asked.truth_column)] + [
        (f"--map {field}=", column) for field, column in asked.fields.items()
    ]:
        if column not in found:
            raise RecordsRefused(f"{asked.path}: has no column `{column}` ({option}); it has {', '.join(found)}")
    chosen = [_text(found[asked.fields[field]]) + f" as {field}" if field in asked.fields else _absent(field) for field in NAMES]
    connection.execute(
        f"""
        create table taken as
        select row_number() over () as record_number, {_text(found[asked.id_column])} as id,
            {_text(found[asked.truth_column])} as truth, {", ".join(chosen)}
        from landed
        """
    )
    connection.execute("drop table landed")
    return _checked(connection, asked)


def _checked(connection: duckdb.DuckDBPyConnection, asked: Asked) -> int:
    counted = "select count(*), count(id), count(distinct id), count(truth) from taken"
    records, named, ids, truths = connection.execute(counted).fetchone() or (0, 0, 0, 0)
    if records == 0:
        raise RecordsRefused(f"{asked.path}: holds no records; there is nobody to compare")
    if named < records or ids < records:
        raise RecordsRefused(
            f"{asked.path}: `{asked.id_column}` (--id) is empty in {records - named:,} and repeated in {named - ids:,} records"
        )
    if truths == 0:
        raise RecordsRefused(f"{asked.path}: `{asked.truth_column}` (--truth) is empty everywhere; nothing can be measured")
    return records


def _text(column: str) -> str:
    quoted = '"' + column.replace('"', '""') + '"'
    return f"nullif(trim(cast({quoted} as varchar)), '')"


def _absent(field: str) -> str:
    return f"cast(null as varchar) as {field}"
