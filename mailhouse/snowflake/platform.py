"""Snowflake as a platform: dbt builds there, raw tables and the state are kept there, the work directory has copies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import duckdb
from snowflake.connector.errors import Error as SnowflakeError

from mailhouse.build_target import BuildTarget, local_target
from mailhouse.errors import ElsewhereKept, MailhouseError
from mailhouse.landing_place import LandingPlace
from mailhouse.platforms import Manifest, Opening, Prepared
from mailhouse.settings import Settings
from mailhouse.snowflake import built, raw
from mailhouse.snowflake.recording import Change, Recording
from mailhouse.snowflake.refusals import refused
from mailhouse.snowflake.session import Session, open_session
from mailhouse.snowflake.state import KeptState

# what dlt merged from would stay until the next load, and these are rows of people
DLT_SETTINGS = {"load.truncate_staging_dataset": True}


class Snowflake:
    """Connects only where something is to be asked or told; each connection lives as long as its `with`."""

    def __init__(self, settings: Settings, target: BuildTarget) -> None:
        self._settings, self._target = settings, target
        # the engine reads the copies, and so it is their names that its manifest must have
        self.local_target = local_target()
        said = target.rendered()
        # what has landed in another database says nothing of this one
        self.pipelines = settings.pipelines / f"snowflake.{said['account']}.{said['database']}".lower()
        self.dlt_settings = DLT_SETTINGS
        self.build_arguments = ["--target", target.name, "--target-path", str(settings.workdir / "target_snowflake")]

    def examine(self) -> str:
        with self._session() as session:
            session.present()
        said = self._target.rendered()
        return (
            f"Snowflake, database {said['database']} of account {said['account']} as {said.get('user')}, role {said.get('role')}"
        )

    @contextmanager
    def recorded(self, connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
        with ExitStack() as opened:
            states: list[KeptState] = []

            def keep(changes: Sequence[Change]) -> None:
                if not states:
                    states.append(self._state(connection, opened.enter_context(self._session())))
                states[0].keep(changes)

            yield Recording(connection, keep)

    def refresh(self, opening: Opening, manifest: Callable[[], Manifest]) -> None:
        with opening() as connection, self._session() as session:
            self._state(connection, session).bring()
            built.fetch(connection, session, manifest())

    def settle(self, opening: Opening) -> None:
        with opening() as connection, self._session() as session:
            self._state(connection, session).settle()

    def prepare_raw(self, opening: Opening, manifest: Manifest) -> Prepared:
        with opening() as connection, self._session() as session:
            raw.create_empty(session, self._settings.project / "ingestion" / "schemas")
            raw.land_inbox(session, self._settings)
            raw.mark_erased(connection, session, self._settings)
            return Prepared(raw.normalise(session, manifest))

    def require_raw(self, doing: str) -> None:
        raise ElsewhereKept(
            f"{doing}: works on raw tables, which are kept in Snowflake; see docs/snowflake.md for how it is done there"
        )

    def destination(self) -> Any:
        from mailhouse.snowflake.landing import destination  # dlt takes a second to import

        return destination(self._target)

    @contextmanager
    def landing_place(self, connection: duckdb.DuckDBPyConnection) -> Iterator[LandingPlace]:  # noqa: ARG002
        from mailhouse.snowflake.landing import SnowflakePlace

        with self._session() as session:
            yield SnowflakePlace(session, self._target)

    def refused(self, error: BaseException) -> MailhouseError | None:
        return refused(error, self._target.rendered()) if isinstance(error, SnowflakeError) else None

    def _session(self) -> AbstractContextManager[Session]:
        return open_session(self._target)

    def _state(self, connection: duckdb.DuckDBPyConnection, session: Session) -> KeptState:
        return KeptState(connection, session, str(self._target.rendered()["account"]))
