"""The stand-in for a Snowflake account: a server process of its own on 127.0.0.1, to which dbt and the connector connect."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import snowflake.connector
from snowflake.connector import SnowflakeConnection

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-standin" / "bin" / "python"
SERVE = Path(__file__).parent / "standin" / "serve.py"
DATABASE = "mailhouse"
# the only warehouse that it has
WHO = {"account": "standin", "user": "tester", "password": "any", "role": "TRANSFORMER", "warehouse": "FAKESNOW_WAREHOUSE"}


@dataclass(frozen=True)
class StandIn:
    """A running stand-in. What is in it lives as long as its process."""

    port: int

    @contextmanager
    def session(self, **place: str) -> Iterator[SnowflakeConnection]:
        """A connection of Snowflake's own connector; `place` may name a database."""
        connection = snowflake.connector.connect(
            **WHO,
            **place,
            host="127.0.0.1",
            port=self.port,
            protocol="http",
            session_parameters={"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False, "TIMEZONE": "UTC"},
        )
        with closing(connection):
            yield connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session(database=DATABASE) as connection:
            return connection.cursor().execute(query).fetchall()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the target `snowflake` of profiles.yml reads."""
        named = {f"SNOWFLAKE_{name.upper()}": value for name, value in WHO.items()}
        place = {"SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": str(self.port), "SNOWFLAKE_PROTOCOL": "http"}
        return {**named, **place, "SNOWFLAKE_THREADS": "2", "MAILHOUSE_DATABASE": DATABASE}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Start one, with an empty database, and end it again.

    Raises FileNotFoundError when `make install` has not made its virtual environment.
    """
    if not PYTHON.exists():
        raise FileNotFoundError(f"{PYTHON}: not there; run `make install`")
    with tempfile.TemporaryDirectory(prefix="standin-") as folder:
        environment = {**os.environ, "TMPDIR": folder}
        environment.pop("PYTHONPATH", None)  # ours is of another Python environment
        process = subprocess.Popen(
            [str(PYTHON), "-W", "ignore", str(SERVE)], stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
        )
        try:
            said = process.stdout.readline()
            if not said:
                raise ChildProcessError(f"the stand-in ended at once, with exit code {process.wait()}")
            standin = StandIn(int(said))
            with standin.session() as connection:
                connection.cursor().execute(f"create database {DATABASE}")
            yield standin
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
