"""What holds for the whole test run: every exchange with Klaviyo, SendGrid and Mailchimp is judged, whoever plays Klaviyo."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from mailhouse.sandbox import judging  # noqa: E402
from tests.python.foreign import client_watch  # noqa: E402
from tests.python.foreign.judges import judge  # noqa: E402
from tests.python.foreign.openapi_judge import COMPLAINTS  # noqa: E402

JUDGE = "tests.python.foreign.judges:judge"


def pytest_configure(config: pytest.Config) -> None:
    """Appoints the judge for sandboxes in this process, and names him to those in processes that tests start."""
    judging.appoint(judge)
    client_watch.watch()
    if not hasattr(config, "workerinput"):  # the workers of a parallel run inherit all this
        folder = tempfile.mkdtemp(prefix="judged-")
        os.environ[COMPLAINTS] = str(Path(folder) / "complaints.txt")
        os.environ["MAILHOUSE_SANDBOX_JUDGE"] = JUDGE
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


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
