"""A company between two syncs, on any one ESP, and the forge that kills."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.python.kill.cases import FAULTS, WRITES
from tests.python.sync.both import SECRETS, Both
from tests.python.sync.conftest import Esp

ROOT = Path(__file__).resolve().parents[3]


class Forge:
    """The process that forks, spoken to line by line."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.python.kill.forge"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, **said: Any) -> dict[str, int]:
        """One child; gives back {signal, code}."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.close()


class Town(Both):
    """All ESPs, of which one case uses one; syncs run in children of the forge."""

    def prepare(self, vendor: str) -> None:
        """Ninety people were delivered; since then some changed, some left, some joined another audience."""
        feeds = {one: one == vendor for one in WRITES}
        self.people(range(110))
        self.segment("newsletter", range(90), **feeds)
        self.segment("vip", range(10), **feeds)
        assert self.sync().ok
        self.warehouse.execute(
            "update profiles.mailchimp_profiles set first_name = 'New ' || customer_id where customer_id < 'c000050'"
        )
        self.members("newsletter", range(25, 110))
        self.members("vip", range(5, 45))
        self.decide(30, "deny", "withdrawn")
        self.esp.control("DELETE", "/effects")

    def strike(self, vendor: str, fault: str) -> None:
        method, path = WRITES[vendor]
        said = FAULTS[fault]
        if said is None:
            return
        rows = {"rows": ["person26@example.test"]} if said["do"] == "partial" else {}
        self.esp.control("POST", "/faults", [{"vendor": vendor, "method": method, "path_contains": path, **said, **rows}])

    def child(self, forge: Forge, vendor: str, log: Path, crash_at: str = "") -> dict[str, int]:
        """One sync in a child; the warehouse is the child's while it runs."""
        self.manifest()
        keys = {vendor: self.esp.runtime.secrets[vendor][SECRETS.get(vendor, "api_key")]}
        self.close()
        try:
            return forge.run(
                folder=str(self.folder),
                url=self.esp.url,
                keys=keys,
                now=self.clock.now().isoformat(),
                crash_at=crash_at,
                log=str(log),
            )
        finally:
            self.open()

    @property
    def settings(self) -> Any:
        settings = super().settings
        used = {entry["destination"] for entries in self.segments.values() for entry in entries}
        connections = {name: one for name, one in settings.connections.items() if not used or name in used}
        return type(settings)(settings.project, settings.workdir, connections)

    def models(self) -> list[dict[str, Any]]:
        used = {entry["destination"] for entries in self.segments.values() for entry in entries}
        kept = lambda one: (one["config"]["meta"].get("profile_of") or {}).get("destination") in (None, *used)  # noqa: E731
        return [one for one in super().models() if kept(one)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    esp = Esp(tmp_path / "sandbox")
    made = Town(tmp_path / "work", esp)
    yield made
    made.close()
    esp.close()
