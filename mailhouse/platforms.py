"""The data platform that dbt builds on, as the warehouse of the work directory sees it: itself, or an account elsewhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from mailhouse.build_target import build_target
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.landing_place import LandingPlace
from mailhouse.settings import Settings

Manifest = Mapping[str, Any]
# opens the work directory's warehouse for writing; nothing is recorded of what is written to it
Opening = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


@dataclass(frozen=True)
class Prepared:
    """What was done to the raw tables before a build: values that got a normal form, rows of erased people taken out again."""

    normalised: int
    taken_out: Mapping[str, int] = field(default_factory=dict)


class Platform(Protocol):
    """Each method is given the work directory's warehouse, which is opened only where something is to be done to it."""

    local_target: str | None
    build_arguments: Sequence[str]
    pipelines: Path  # what dlt knows of what has landed there
    dlt_settings: Mapping[str, Any]

    def examine(self) -> str:
        """Where it is, in words, once it was asked. Raises what keeps a run from working there."""

    def recorded(self, connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """The connection as writers get it: what they change of the sync's state is kept on the platform first."""

    def refresh(self, opening: Opening, manifest: Callable[[], Manifest]) -> None:
        """Bring what the platform has to the work directory: the sync's state, and what was built."""

    def settle(self, opening: Opening) -> None:
        """Bring the sync's state on the platform into its tables, for dbt and for people."""

    def prepare_raw(self, opening: Opening, manifest: Manifest) -> Prepared:
        """Make raw tables ready for a build: those that never landed, the inbox, who was erased, contact points."""

    def require_raw(self, doing: str) -> None:
        """Returns when raw tables are in the work directory. Raises ElsewhereKept, which names what was to be done."""

    def destination(self) -> Any:
        """What dlt is to land into, for who only asks what it is capable of: nothing is opened."""

    def landing_place(self, connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[LandingPlace]:
        """Where raw tables are, open for a load."""

    def refused(self, error: BaseException) -> MailhouseError | None:
        """An error of the platform's own driver in one line that names no value; None for any other."""


class Embedded:
    """DuckDB: the warehouse of the work directory is all there is."""

    local_target = None
    build_arguments: Sequence[str] = ()
    dlt_settings: Mapping[str, Any] = {}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.pipelines = settings.pipelines
        # the connection to an encrypted warehouse is in memory: dlt's own sessions would land there, and say nothing
        self._main_schema = "warehouse.main" if settings.warehouse_key else None

    def examine(self) -> str:
        return f"DuckDB, {self._settings.warehouse_path}"

    @contextmanager
    def recorded(self, connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
        yield connection

    def refresh(self, opening: Opening, manifest: Callable[[], Manifest]) -> None:
        pass

    def settle(self, opening: Opening) -> None:
        pass

    def prepare_raw(self, opening: Opening, manifest: Manifest) -> Prepared:
        # they open warehouses themselves
        from mailhouse.consent import land_inbox
        from mailhouse.contact_points import normalise
        from mailhouse.privacy import replay
        from mailhouse.raw_schemas import create_empty

        # a source that has never landed must not keep the models of the others from being built
        with opening() as connection:
            create_empty(connection, self._settings.project / "ingestion" / "schemas")
            land_inbox(connection, self._settings)
            returned = replay.sweep(connection, self._settings)
            return Prepared(normalise(connection, manifest), returned)

    def require_raw(self, doing: str) -> None:
        pass

    def destination(self) -> Any:
        from mailhouse.embedded_landing import destination  # dlt takes a second to import

        return destination(str(self._settings.warehouse_path), self._main_schema)

    @contextmanager
    def landing_place(self, connection: duckdb.DuckDBPyConnection) -> Iterator[LandingPlace]:
        from mailhouse.embedded_landing import EmbeddedPlace

        yield EmbeddedPlace(connection, self._main_schema)

    def refused(self, error: BaseException) -> MailhouseError | None:  # noqa: ARG002  nothing is to be reached
        return None


def platform_of(settings: Settings) -> Platform:
    """The platform of the target that dbt builds. Raises ConfigurationError for one that Mailhouse does not work with."""
    target = build_target(settings)
    if target.kind == "duckdb":
        return Embedded(settings)
    if target.kind == "snowflake":
        from mailhouse.snowflake.platform import Snowflake  # its driver takes a second to import

        return Snowflake(settings, target)
    raise ConfigurationError(f"profiles.yml: target {target.name}: {target.kind} is not a platform that Mailhouse works with")
