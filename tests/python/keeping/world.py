"""A small company with a warehouse that is encrypted, so that nothing at all on the disk may show a person or a secret."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from mailhouse.build import Project
from mailhouse.cli import main
from mailhouse.settings import WAREHOUSE_KEY, Settings, sandbox_server
from mailhouse.warehouse import Warehouse
from tests.python.chain.conftest import run_chain, settings_in
from tests.python.keeping.leaks import Canaries, leaks
from tests.python.parsed import parse_once

KEY = "warehouse-key-canary-4c1f"
PERSON = "only.here.canary@mail.example"
# the sandbox is the vendors' world, the inbox is where acts of consent are kept until the person is erased; the warehouse is
# looked into by itself
APART = ("sandbox", "inbox.db", "warehouse.duckdb", "warehouse.duckdb.wal", "published.duckdb")
EVERYBODY = "select distinct lower(raw_value) from raw_contact_points.normalised where kind = 'email'"


@dataclass
class World:
    """The company while its vendors are served, and its first run."""

    settings: Settings
    first: Run
    clean: set[tuple[str, int, int]] = field(default_factory=set)

    def command(self, *words: str) -> Result:
        """One command in this process, with everything it says."""
        return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["--workdir", str(self.settings.workdir), *words])

    @cached_property
    def canaries(self) -> Canaries:
        """Everybody the company knows, and every secret."""
        with Warehouse(self.settings).read() as connection:
            people = {address.strip() for (address,) in connection.execute(EVERYBODY).fetchall()}
        server = sandbox_server(self.settings.workdir)
        secrets = {secret for vendor in server["secrets"].values() for secret in vendor.values() if len(secret) > 7}
        return Canaries(
            frozenset(address.encode() for address in people | {PERSON}),
            frozenset(secret.encode() for secret in secrets | {KEY}),
        )

    def leaks(self) -> dict[str, int]:
        return leaks(self.settings.workdir, self.canaries, apart=APART, clean=self.clean)

    def one(self, query: str) -> object:
        with Warehouse(self.settings).read() as connection:
            return connection.execute(query).fetchall()[0][0]


@contextmanager
def lived(workdir: Path) -> Iterator[World]:
    """The company after its first run, its vendors still served."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "parse", parse_once)
        patch.setenv(WAREHOUSE_KEY, KEY)
        settings = settings_in(workdir)
        sandbox.create(settings.sandbox_dir, seed=7, customers=120)
        with serving(settings) as live:
            world = World(live, None)  # type: ignore[arg-type]
            said = world.command("consent", "record", PERSON, "--act", "withdraw")
            assert said.exit_code == 0, json.dumps(said.output)
            world.first = run_chain(live)
            yield world
