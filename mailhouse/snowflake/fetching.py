"""Makes a table here of an answer there, piece by piece over Arrow."""

import duckdb

from mailhouse.snowflake.session import Session


def make_table(connection: duckdb.DuckDBPyConnection, here: str, session: Session, query: str) -> int:
    """Make the table `here`, which must not be there, of the answer to `query`; how many rows."""
    rows = 0
    statement = f"create table {here} as"
    for batch in session.batches(query):
        connection.register("fetched", batch)
        connection.execute(f"{statement} select * from fetched")
        connection.unregister("fetched")
        statement = f"insert into {here}"
        rows += batch.num_rows
    return rows
