"""Which target of profiles.yml dbt builds, read as dbt reads it: the engine that Mailhouse works with follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateError

from mailhouse.errors import ConfigurationError
from mailhouse.settings import WAREHOUSE_KEY, Settings, variables

CHOSEN = "DBT_TARGET"  # dbt's own variable


@dataclass(frozen=True)
class BuildTarget:
    """One target: its name, and what profiles.yml says of it, not yet rendered."""

    name: str
    said: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """`duckdb`, `snowflake`."""
        return str(self.said.get("type"))

    def rendered(self) -> dict[str, Any]:
        """What is said of it, with the environment's variables in their places; what is empty is left out.

        Raises ConfigurationError for a variable that is not set and has no default.
        """
        given = {key: _rendered(value) if isinstance(value, str) else value for key, value in self.said.items()}
        return {key: value for key, value in given.items() if value != ""}


def build_target(settings: Settings) -> BuildTarget:
    """What `DBT_TARGET` names, or else the profile's own. Raises ConfigurationError when there is no such target."""
    path = settings.project / "profiles.yml"
    if not path.exists():
        # without a dbt project there is the work directory, and nothing else
        return BuildTarget("prod", {"type": "duckdb"})
    profile = _profile(path, path.stat().st_mtime_ns)
    name = variables().get(CHOSEN) or _rendered(str(profile["target"]))
    if name not in profile["outputs"]:
        raise ConfigurationError(f"{CHOSEN}: {name}: no such target in {path}; there are {', '.join(profile['outputs'])}")
    return BuildTarget(name, profile["outputs"][name])


@cache
def _profile(path: Path, _changed_at: int) -> Mapping[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["mailhouse"]


def local_target() -> str:
    """The target of the file in the work directory, whatever else is built."""
    return "encrypted" if variables().get(WAREHOUSE_KEY) else "prod"


def _rendered(text: str) -> str:
    environment = Environment(autoescape=False)
    environment.filters["as_number"] = str
    try:
        return environment.from_string(text).render(env_var=_variable)
    except TemplateError as error:
        raise ConfigurationError(f"profiles.yml: {text}: {error}") from error


def _variable(name: str, default: str | None = None) -> str:
    value = variables().get(name, default)
    if value is None:
        raise ConfigurationError(f"profiles.yml: set the environment variable {name}")
    return value
