"""Snowflake as a platform: dbt builds there, raw tables and the state are kept there, the work directory has copies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import duckdb

from mailhouse.build_target import BuildTarget, local_target
from mailhouse.errors import ElsewhereKept
from mailhouse.platforms import Manifest, Opening, Prepared
from mailhouse.settings import Settings
from mailhouse.snowflake import built, raw
from mailhouse.snowflake.recording import Change, Recording
from mailhouse.snowflake.session import Session, open_session
from mailhouse.snowflake.state import KeptState


class Snowflake:
    """Connects only where something is to be asked or told; each connection lives as long as its `with`."""

    def __init__(self, settings: Settings, target: BuildTarget) -> None:
        self._settings, self._target = settings, target
        # the engine reads the copies, and so it is their names that its manifest must have
        self.local_target = local_target()
        self.build_arguments = ["--target", target.name, "--target-path", str(settings.workdir / "target_snowflake")]

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

    def _session(self) -> "ExitStack[Session]":
        return open_session(self._target)

    def _state(self, connection: duckdb.DuckDBPyConnection, session: Session) -> KeptState:
        return KeptState(connection, session, str(self._target.rendered()["account"]))
