"""Taking a person out of everything that is kept here: the warehouse, the inbox, and what runs leave in the work directory."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from mailhouse.backup import swap
from mailhouse.consent.inbox import Inbox
from mailhouse.privacy.closure import Closure, people
from mailhouse.privacy.held import held, merging
from mailhouse.settings import Settings

# what the sync keeps of a person beside the rows that name them: counts and keys of a receipt's differences
RECEIPTS = "reverse_sync.receipts"


def take_out_of_warehouse(connection: duckdb.DuckDBPyConnection, closure: Closure, surrogate: str) -> Mapping[str, int]:
    """Delete the person's rows of every table, all or none; of orders only the person. How many rows of each table."""
    counts: dict[str, int] = {}
    with people(connection, closure):
        connection.execute("begin transaction")
        try:
            for one in held(connection):
                values = {"surrogate": surrogate}
                if one.relation == RECEIPTS:
                    statement, values = f"update {one.relation} as held set differences = '[]' where {one.where}", {}
                elif one.action == "delete":
                    statement, values = f"delete from {one.relation} as held where {one.where}", {}
                else:
                    assigned = ", ".join(f'"{column}" = {value}' for column, value in one.changes)
                    statement = f"update {one.relation} as held set {assigned} where {one.where}"
                    values = values if "$surrogate" in assigned else {}
                rows = connection.execute(statement, values).fetchall()[0][0]
                if rows:
                    counts[one.relation] = rows
            for table in merging(connection):
                connection.execute(f"delete from {table}")
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
    return counts


def take_out_of_inbox(settings: Settings, closure: Closure) -> int:
    """Delete what the person said from the inbox; how many acts. Raises StateUnreadable."""
    return Inbox(settings.inbox_path).forget(closure.mailboxes)


def clear_leftovers(settings: Settings) -> int:
    """Remove what runs leave beside the warehouse and make anew when they need it; how many files.

    A restore that was killed may have left a whole state. dlt's packages may hold rows, dbt's logs and results may quote them,
    an inspection's files are lists of people. dlt gets its cursors back from the warehouse. The manifest stays, which knows no
    people.
    """
    swap.sweep(settings)
    cleared = 0
    for folder in (settings.pipelines, settings.logs, settings.workdir / "inspect", *settings.workdir.glob("*.duckdb.tmp")):
        cleared += _remove(folder, lambda _: True)
    for folder in (settings.target, settings.published_target):
        cleared += _remove(folder, lambda path: path.name != "manifest.json")
    for path in (settings.workdir / "dev.duckdb", settings.workdir / "dev.duckdb.wal"):
        cleared += path.exists()
        path.unlink(missing_ok=True)
    return cleared


def _remove(folder: Path, goes: Callable[[Path], bool]) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and goes(path)] if folder.is_dir() else []
    for path in files:
        path.unlink()
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder)
    return len(files)
