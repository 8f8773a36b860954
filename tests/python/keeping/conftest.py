"""A work directory as runs leave it, in small: a warehouse, a published copy, acts of consent, a pause, dlt's cursors."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dbt.adapters.snowflake import SnowflakeAdapter
from dbt.cli.main import dbtRunner

from mailhouse import controls, gate
from mailhouse.clock import FixedClock
from mailhouse.consent.acts import ConsentAct
from mailhouse.consent.inbox import Inbox
from mailhouse.settings import Settings, load_settings
from mailhouse.sync.state import migrate
from mailhouse.warehouse import Warehouse
from tests.python.keeping.world import World, lived

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
SETUP = """
{{ masking_statements() | tojson }}
---
{{ mark_personal_columns(graph.nodes['model.mailhouse.customers'], ref('customers')) }}
---
{{ mark_personal_columns(graph.nodes['model.mailhouse.stg_hubspot__contacts'], ref('stg_hubspot__contacts')) }}
---
{{ personal_kinds() | tojson }}
---
{{ role_statements() | tojson }}
---
{{ node_query_tag() }}
"""


@dataclass
class Keeping:
    """One work directory; `generation` is a number that stands in every part of its state."""

    settings: Settings

    @property
    def workdir(self) -> Path:
        return self.settings.workdir

    def live(self, generation: int) -> None:
        """Bring the whole state to a generation, as a run that ended well would."""
        with Warehouse(self.settings).write() as connection:
            migrate(connection)
            connection.execute("create schema if not exists marts")
            connection.execute(f"create or replace table marts.customers as select {generation} as generation from range(500)")
            gate.record(connection, ["seg_champions"], {}, NOW)
        self.settings.target.mkdir(exist_ok=True)
        self.settings.manifest.write_text(f'{{"generation": {generation}}}')
        Warehouse(self.settings).publish()
        self.settings.pipelines.mkdir(exist_ok=True)
        (self.settings.pipelines / "cursor").write_text(str(generation))

    def withdraw(self, address: str) -> None:
        act = ConsentAct(act="withdraw", address=address, source="by hand", recorded_by="a test", occurred_at=NOW)
        Inbox(self.settings.inbox_path).record([act], FixedClock(NOW))

    def said_no(self) -> set[str]:
        return {one.act.address for one in Inbox(self.settings.inbox_path).acts()}

    def generations(self) -> set[int]:
        """The generations that a reader, a writer and the manifests show; one number when they agree."""
        found = {int(text.read_text().split(":")[1].strip(" }")) for text in self.manifests if text.exists()}
        with Warehouse(self.settings).read() as connection:
            found |= set(connection.execute("select distinct generation from marts.customers").fetchall()[0])
        with Warehouse(self.settings).write() as connection:
            return found | set(connection.execute("select distinct generation from marts.customers").fetchall()[0])

    @property
    def manifests(self) -> tuple[Path, Path]:
        return self.settings.manifest, self.settings.published_target / "manifest.json"

    def gate_is_closed(self) -> bool:
        with Warehouse(self.settings).read() as connection:
            return "seg_champions" in gate.recorded(connection, ["seg_champions"])

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One call of the command line in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "mailhouse", "--workdir", str(self.workdir), *words],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def keeping(tmp_path: Path) -> Callable[[str], Keeping]:
    """Makes a work directory by its name, which has nothing in it yet."""
    return lambda name: Keeping(load_settings(tmp_path / name, project=ROOT))


@pytest.fixture
def here(keeping: Callable[[str], Keeping]) -> Keeping:
    """A work directory in its first generation, where one person has said no and one segment is paused."""
    made = keeping("here")
    made.live(1)
    made.withdraw("first@mail.example")
    controls.pause(made.settings, "seg_champions", "a test", NOW)
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One company for a whole file: what a test does to it must leave it as useful as it was.

    Not for the session: its key must not be in the environment of other files' tests.
    """
    with lived(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def said_on_snowflake(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What SETUP comes to on Snowflake, part by part; no account is asked."""
    workdir = tmp_path_factory.mktemp("snowflake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILHOUSE_WORKDIR", str(workdir))
        patch.setenv("DBT_LOG_PATH", str(workdir / "logs"))
        patch.setattr(SnowflakeAdapter, "list_relations_without_caching", lambda *_: [])
        command = ["compile", "--target", "snowflake", "--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--quiet"]
        done = dbtRunner().invoke([*command, "--inline", SETUP])
    assert done.success, done.exception
    return [part.strip() for part in done.result.results[0].node.compiled_code.split("---")]
