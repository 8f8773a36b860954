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
WHO = {"account": "standin", "user": "tester", "password": "any", "role": "TRANSFORMER", "warehouse": "TRANSFORMING"}


@dataclass(frozen=True)
class StandIn:
    """A running stand-in. What is in it lives as long as its process."""

    port: int

    def connect(self) -> SnowflakeConnection:
        return snowflake.connector.connect(
            **WHO,
            host="127.0.0.1",
            port=self.port,
            protocol="http",
            database=DATABASE,
            session_parameters={"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False, "TIMEZONE": "UTC"},
        )

    @contextmanager
    def session(self) -> Iterator[SnowflakeConnection]:
        with closing(self.connect()) as connection:
            yield connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as connection:
            return connection.cursor().execute(query).fetchall()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the target `snowflake` of profiles.yml reads."""
        named = {f"SNOWFLAKE_{name.upper()}": value for name, value in WHO.items()}
        place = {"SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": str(self.port), "SNOWFLAKE_PROTOCOL": "http"}
        return {**named, **place, "SNOWFLAKE_THREADS": "2", "MAILHOUSE_DATABASE": DATABASE}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Start one and end it again. Raises FileNotFoundError when `make install` has not made its virtual environment."""
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
            yield StandIn(int(said))
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
