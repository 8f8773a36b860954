"""One process's life: it can end at a named point, at a write of its own state, or in the middle of a call."""

from typing import Any

import duckdb

WRITES = ("insert", "update", "delete", "commit")


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing runs after it."""


class Life:
    """Dies when the n-th passing of one point is reached; `point` None lives. Stands in for the crash points of a run.

    A point is a name of the engine's own, `state` for a statement that writes state, or one of the modelled ESP's.
    """

    def __init__(self, point: str | None = None, nth: int = 1) -> None:
        self._point, self._left = point, nth
        self.dead = False

    def __call__(self, name: str) -> None:
        """Pass a point; raises Killed when this is the moment, and whenever the process is dead already."""
        if self._point == name:
            self._left -= 1
            self.dead = self.dead or self._left == 0
        if self.dead:
            raise Killed(name)


class MortalConnection:
    """The warehouse as a process holds it: each statement that writes is a point to die at, right before it happens."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, life: Life) -> None:
        self._connection, self._life = connection, life

    def execute(self, statement: str, *values: Any) -> duckdb.DuckDBPyConnection:
        begin = statement.lstrip().split(" ", 1)[0].strip().lower()
        if begin in WRITES:
            self._life("state")
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
