"""Where a secret comes from: a variable of the environment, a file, a command's output, or what a vendor granted."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mailhouse.errors import ConfigurationError, CredentialsMissing

Kind = Literal["env", "file", "command", "oauth"]
VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")
OAUTH = "oauth"
COMMAND_SECONDS = 60


@dataclass(frozen=True)
class Source:
    """One secret's source. Its `place` may be told to anybody; the secret itself never."""

    kind: Kind
    at: str = ""

    @property
    def place(self) -> str:
        """How the reader finds it, in words."""
        words = {"env": f"the environment variable {self.at}", "file": f"the file {self.at}", "oauth": "`mailhouse connect`"}
        return words.get(self.kind) or f"the command `{shlex.split(self.at)[0]}`"


def source_of(said: Any) -> Source | None:
    """What an entry of `secrets:` means: `VARIABLE`, `oauth`, `{env: VARIABLE}`, `{file: path}`, `{command: "pass show x"}`.

    None for anything else, which may be the secret itself and is therefore not repeated.
    """
    if said == OAUTH:
        return Source("oauth")
    if isinstance(said, Mapping) and len(said) == 1:
        ((kind, at),) = said.items()
        if kind in ("env", "file", "command") and isinstance(at, str) and at.strip():
            return None if kind == "env" and not VARIABLE.fullmatch(at) else Source(kind, at.strip())
        return None
    return Source("env", str(said)) if VARIABLE.fullmatch(str(said)) else None


def read_file(path: str, subject: str) -> str:
    """The file's content without the white space around it. Raises CredentialsMissing."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsMissing(f"{subject}: {path} cannot be read; put the secret there") from error


@cache
def output_of(command: str, subject: str) -> str:
    """The first line that a command prints, asked for once a process. Raises CredentialsMissing, ConfigurationError."""
    try:
        words = shlex.split(command)
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except ValueError as error:
        raise ConfigurationError(f"{subject}: its command has a quotation mark too many or too few") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CredentialsMissing(f"{subject}: its command does not run ({type(error).__name__}); try it in a terminal") from error
    if done.returncode:
        # what it prints may be anything, the secret included
        raise CredentialsMissing(f"{subject}: its command ended with {done.returncode}; try it in a terminal")
    return (done.stdout.splitlines() or [""])[0].strip()
