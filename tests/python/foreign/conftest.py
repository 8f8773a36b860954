"""The sandbox with a small company, for clients and judges that we did not write."""

import pytest

from tests.python.sandbox.conftest import company, sandbox_factory, sandbox_server  # noqa: F401


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients would otherwise ask the environment's proxy for the loopback."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
