"""What holds for the whole test run: every exchange with Klaviyo, SendGrid and Mailchimp is judged, whoever plays Klaviyo."""

import gc
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from mailhouse.sandbox import judging  # noqa: E402
from tests.python.foreign import client_watch  # noqa: E402
from tests.python.foreign.judges import judge  # noqa: E402
from tests.python.foreign.openapi_judge import COMPLAINTS  # noqa: E402

JUDGE = "tests.python.foreign.judges:judge"
CONNECT = duckdb.connect


def connect_with_one_thread(database: Any = ":memory:", read_only: bool = False, config: Any = None) -> duckdb.DuckDBPyConnection:
    """`duckdb.connect`, with one thread unless told otherwise.

    On a few thousand rows more of them only wait for each other, a fifth of the time of a decision on consent, and the core
    they would run on is another worker's.
    """
    return CONNECT(database, read_only=read_only, config={"threads": 1, **(config or {})})


def pytest_configure(config: pytest.Config) -> None:
    """Appoints the judge for sandboxes in this process, and names him to those in processes that tests start."""
    judging.appoint(judge)
    client_watch.watch()
    duckdb.connect = connect_with_one_thread
    if not hasattr(config, "workerinput"):  # the workers of a parallel run inherit all this
        folder = tempfile.mkdtemp(prefix="judged-")
        os.environ[COMPLAINTS] = str(Path(folder) / "complaints.txt")
        os.environ["MAILHOUSE_SANDBOX_JUDGE"] = JUDGE
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def pytest_collection_finish() -> None:
    """Lets Python look for garbage less often.

    dbt's manifest is a million objects that live as long as their world, and each full look goes through all of them; a
    fifth of the time of a build went there. What was imported until now is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def complaints() -> list[str]:
    """What the judge has objected to so far."""
    path = Path(os.environ[COMPLAINTS])
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run with complaints is a failed run, even if every test in it passed."""
    if not hasattr(session.config, "workerinput") and complaints():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = complaints()
    if found:
        terminalreporter.section("exchanges with vendors against their own descriptions")
        for complaint in sorted(set(found)):
            terminalreporter.line(f"{found.count(complaint)} times {complaint}")
