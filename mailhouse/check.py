"""The inner loop of somebody who edits the project: everything that can be said in under a minute."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mailhouse.build import Project
from mailhouse.clock import stopwatch
from mailhouse.consent.purposes import check_purpose
from mailhouse.errors import BuildFailed, MailhouseError
from mailhouse.raw_schemas import create_empty
from mailhouse.report import Finding
from mailhouse.settings import Settings, child_environment, load_settings
from mailhouse.sync.audiences import read_audiences
from mailhouse.warehouse import Warehouse


def run_checks(settings: Settings) -> Iterator[Finding]:
    """Parse, every `meta`, the style of Python and of changed SQL, and dbt's unit tests on a warehouse of its own."""
    own = load_settings(settings.workdir / "check", project=settings.project)
    shutil.rmtree(own.workdir, ignore_errors=True)
    own.workdir.mkdir(parents=True)
    project = Project(own)
    yield _timed("dbt parse", project.parse)
    yield _timed("meta of segments and profiles", lambda: check_meta(own))
    yield _timed("ruff", lambda: _command(settings, "ruff", "check", "--quiet", "."))
    changed = changed_sql(settings.project)
    if changed:
        yield _timed(f"sqlfluff on {len(changed)} changed", lambda: _command(settings, "sqlfluff", "lint", "--quiet", *changed))
    yield _timed("dbt unit tests", lambda: unit_tests(project))


def check_meta(settings: Settings) -> None:
    """Every key of the models' `meta`, and that each purpose named there is one. Raises ConfigurationError."""
    targets = read_audiences(settings.manifest, settings.connections)
    for audience in targets.audiences:
        check_purpose(settings.project, audience.purpose, f"{audience.segment}: purpose")
    for profile in targets.profiles.values():
        for field in profile.fields:
            if field.purpose is not None:
                check_purpose(settings.project, field.purpose, f"{profile.model}: column {field.column}: purpose")


def changed_sql(project: Path) -> list[str]:
    """The SQL files that differ from the last commit, or are not in git yet."""
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all", "--", "models", "tests/data"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    names = [line[3:].split(" -> ")[-1] for line in listed.stdout.splitlines() if not line.startswith((" D", "D "))]
    return sorted(name for name in names if name.endswith(".sql"))


def unit_tests(project: Project) -> None:
    """Build every relation empty, then run the unit tests on them. Raises BuildFailed naming those that failed."""
    with Warehouse(project.settings).write() as connection:
        create_empty(connection, project.settings.project / "ingestion" / "schemas")
    for arguments in (["seed"], ["run", "--empty"], ["test", "--select", "test_type:unit"]):
        result = project.run(arguments)
        if not result.success:
            results = getattr(result.result, "results", [])
            bad = [run.node.name for run in results if str(run.status) in {"error", "fail", "runtime error"}]
            named = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "") or str(result.exception)
            raise BuildFailed(f"dbt {arguments[0]}: {named} failed; see {project.settings.logs / 'dbt.log'}")


def _command(settings: Settings, *words: str) -> None:
    tool = Path(sys.executable).parent / words[0]
    done = subprocess.run(
        [str(tool), *words[1:]], cwd=settings.project, capture_output=True, text=True, check=False, env=child_environment()
    )
    if done.returncode:
        raise MailhouseError(f"{words[0]} found something:\n{done.stdout.strip() or done.stderr.strip()}")


def _timed(subject: str, attempt: Callable[[], object]) -> Finding:
    begun = stopwatch()
    try:
        attempt()
    except MailhouseError as error:
        return Finding(subject, False, str(error))
    return Finding(subject, True, f"{stopwatch() - begun:.1f} s")
