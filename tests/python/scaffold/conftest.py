"""A copy of the project to make things in, and a page of the docs followed in it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".mailhouse", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache", "docs"
)
PROGRAMS = {"mailhouse": ("-m", "mailhouse"), "python": (), "dbt": ("-m", "dbt.cli.main")}
BLOCK = re.compile(r"^```(bash|python|sql|yaml)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PLACED = re.compile(r"(?:#|--) (\S+/\S+)\n")


class Copy:
    """A copy of the project; `run` calls its own commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(ROOT, self.folder, ignore=LEFT_OUT)
        self._environment = {**os.environ, "PYTHONPATH": str(self.folder), "MAILHOUSE_WORKDIR": str(folder / "work")}
        self._environment |= {"MAILHOUSE_PROJECT": str(self.folder), "PYTEST_ADDOPTS": "-p no:cacheprovider"}

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """One line of a page, as somebody types it."""
        program, *words = [word.strip("\"'") for word in re.findall(r"\"[^\"]*\"|'[^']*'|\S+", command)]
        return subprocess.run(
            [sys.executable, *PROGRAMS[program], *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def follow(self, page: str) -> list[str]:
        """Do what a page of the docs says, block by block; the commands that were run."""
        ran = []
        for kind, text in BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
            if kind == "bash":
                for line in text.splitlines():
                    done = self.run(line.partition("  #")[0].strip())
                    assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
                    ran.append(line)
            elif placed := PLACED.match(text):
                path = self.folder / placed[1]
                assert path.exists(), f"{page} speaks of {placed[1]}, which is not there"
                path.write_text(text[placed.end() :], encoding="utf-8")
        return ran


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def copy_factory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Copy]:
    return lambda name: Copy(tmp_path_factory.mktemp(name))
