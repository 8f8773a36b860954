"""The same day on both engines: what landed is copied to the stand-in, both build it, and every model is compared."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailhouse.build import run_vars
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse
from tests.python.parity.compare import LEFT_OUT, Compared, compare, models
from tests.python.parity.raw import copy_sources
from tests.python.parity.server import DATABASE, ROOT, StandIn

DBT = Path(sys.executable).with_name("dbt")
WORDS = 4_000  # of what dbt said last, in an error


class StandInBuildFailed(AssertionError):
    """dbt did not come through on the stand-in; the message is the end of what it said."""


@dataclass(frozen=True)
class BothEngines:
    """A work directory that lives on DuckDB, another one that lives on the stand-in, and the stand-in."""

    here: Settings
    there: Settings
    standin: StandIn

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Let dbt's target be the stand-in, for this process."""
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {**self.standin.environment, "DBT_TARGET": "snowflake"}.items():
                environment.setenv(name, value)
            yield

    def copy(self, manifest: Mapping[str, Any]) -> dict[str, int]:
        """Bring what has landed over to the stand-in; gives back rows by table. Nobody may be writing to the warehouse."""
        with tempfile.TemporaryDirectory() as folder, Warehouse(self.here).write() as connection:
            return copy_sources(connection, manifest, self.standin, Path(folder))

    def dbt(self, command: str, *arguments: str, now: datetime, **environment: str) -> str:
        """Plain dbt with the target `snowflake`, in a process of its own; gives back its last line.

        environment: what is to be otherwise than the stand-in's. Raises StandInBuildFailed.
        """
        said = subprocess.run(
            [
                str(DBT),
                command,
                "--target",
                "snowflake",
                "--no-use-colors",
                "--vars",
                json.dumps(run_vars(None, now)),
                *arguments,
            ],
            cwd=ROOT,
            env={
                **os.environ,
                **self.standin.environment,
                **environment,
                "MAILHOUSE_WORKDIR": str(self.there.workdir / "standin"),
                "DBT_LOG_PATH": str(self.there.workdir / "standin" / "logs"),
                "DBT_PROFILES_DIR": str(ROOT),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise StandInBuildFailed(f"dbt {command} on the stand-in\n{said.stdout[-WORDS:]}{said.stderr[-WORDS:]}")
        return said.stdout.strip().splitlines()[-1]

    def compare(self, manifest: Mapping[str, Any]) -> list[Compared]:
        """Every mart, profile model and segment, except those that are left out."""
        with Warehouse(self.here).write() as here, self.standin.session(database=DATABASE) as there:
            return [compare(here, there, schema, name) for schema, name in models(manifest) if name not in LEFT_OUT]
