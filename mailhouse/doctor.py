"""Examines configuration, credentials and versions, and says in words what is well and what to do about the rest."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version

from mailhouse.build import Project
from mailhouse.errors import MailhouseError
from mailhouse.platforms import platform_of
from mailhouse.report import Finding
from mailhouse.settings import Connection, Settings
from mailhouse.sync.audiences import read_audiences

LIBRARIES = ("dbt-core", "dbt-duckdb", "dbt-snowflake", "dlt", "duckdb", "prefect", "pyarrow")
Probe = Callable[[Connection], None]


def examine(settings: Settings, probe: Probe) -> Iterator[Finding]:
    """Look at everything, one after the other; `probe` makes one harmless authenticated call to a connection."""
    yield Finding("python", True, ".".join(map(str, sys.version_info[:3])))
    yield Finding("libraries", True, ", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    yield Finding("work directory", True, str(settings.workdir))
    yield _tried("platform", lambda: platform_of(settings).examine())
    yield Finding("sandbox", True, f"serves at {settings.sandbox_url}" if settings.sandbox_url else "not running")
    for connection in settings.connections.values():
        good = f"{connection.vendor} answers at {connection.url}"
        yield _tried(f"connection {connection.id}", partial(probe, connection), good)
    yield _tried("dbt project", lambda: Project(settings).parse(), "parses")
    yield _tried("audiences", partial(read_audiences, settings.manifest, settings.connections), "every meta is understood")
    published = settings.published_path
    state = f"published at {published}" if published.exists() else "nothing published yet; run `mailhouse run`"
    yield Finding("warehouse", True, state)


def _tried(subject: str, attempt: Callable[[], object], good: str = "") -> Finding:
    try:
        says = attempt()
    except MailhouseError as error:
        return Finding(subject, False, str(error))
    return Finding(subject, True, good or str(says))
