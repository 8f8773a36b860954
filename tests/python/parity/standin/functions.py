"""Functions of Snowflake that the stand-in lacks, as macros of the DuckDB underneath; each database has them."""

import fakesnow.macros

OWN = (
    """
    create or replace macro {catalog}.split_to_table(input, separator) as table
        select 1::bigint as seq, place as index, part as value
        from unnest(string_split(input, separator)) with ordinality as parts(part, place)
    """,
    "create or replace macro {catalog}.to_timestamp_tz(value) as cast(value as timestamp with time zone)",
    "create or replace macro {catalog}.try_to_timestamp_ntz(value) as try_cast(value as timestamp)",
)
creation_sql = fakesnow.macros.creation_sql


def with_own(catalog: str) -> str:
    """What is run once in each new database."""
    return ";".join((creation_sql(catalog).rstrip().rstrip(";"), *(macro.format(catalog=catalog) for macro in OWN)))


def add() -> None:
    """Let every database to come have them."""
    fakesnow.macros.creation_sql = with_own
