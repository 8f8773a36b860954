"""The small SQLite files beside the warehouse: durable, and open to several processes at once while a run holds it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailhouse.errors import StateUnreadable

PATIENCE_SECONDS = 5.0  # how long one process waits for another's transaction, which takes milliseconds


@contextmanager
def opened(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit, its tables made by `schema`; what was committed is on disk. Raises StateUnreadable."""
    # No write-ahead log: opening one just as another process closes it fails at once instead of waiting.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unreadable(path, error) from error
    try:
        connection.execute("pragma synchronous = extra")
        connection.execute(schema)
        yield connection
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error
    finally:
        connection.close()


@contextmanager
def alone(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that begins as the only writer, so that what it reads still holds when it writes."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def copy_file(path: Path, to: Path) -> None:
    """Copy a file as it is between two transactions, whoever is writing it. Raises StateUnreadable."""
    with opened(path, "pragma query_only = on") as file:
        copy = sqlite3.connect(to)
        try:
            file.backup(copy)
        finally:
            copy.close()


def check_file(path: Path) -> None:
    """Returns when the file is whole. Raises StateUnreadable."""
    with opened(path, "pragma query_only = on") as file:
        found = file.execute("pragma integrity_check").fetchone()[0]
    if found != "ok":
        raise StateUnreadable(f"{path}: not whole; take another copy of it")


def _unreadable(path: Path, error: Exception) -> StateUnreadable:
    return StateUnreadable(f"{path}: cannot be used ({error}); look at the disk and the file's owner before anything is sent")
