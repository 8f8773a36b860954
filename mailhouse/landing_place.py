"""Where raw tables are while something lands: what ingestion asks of the place, whichever platform it is."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class LandingPlace(Protocol):
    """Statements are what every platform understands, with `?` for each value and `relation` for each table."""

    @property
    def destination(self) -> Any:
        """What dlt loads into, here."""

    def load(self, schema: str, run: Callable[[], object]) -> None:
        """Call `run`, which loads through dlt into `schema`; it may be called again when it has failed."""

    def relation(self, schema: str, table: str) -> str:
        """The table's name as a statement writes it."""

    def tables(self, schema: str) -> set[str]:
        """The names of a schema's tables, dlt's own among them; none when there is no such schema."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small answer."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; gives back how many rows it touched."""

    def ids(self, ids: pa.Array) -> AbstractContextManager[str]:
        """A relation of one column `id`, as text, for the length of a `with`; gives its name."""
