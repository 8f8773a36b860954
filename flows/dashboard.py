"""A Prefect server on 127.0.0.1 for the dashboard: started when asked for, left running, told how to end."""

import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass

from mailhouse.clock import SystemClock
from mailhouse.errors import VendorUnreachable
from mailhouse.settings import Settings, child_environment, use_prefect_server

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Dashboard:
    """A running Prefect server."""

    url: str
    pid: int


def start(settings: Settings) -> Dashboard:
    """Start a server of this work directory and point this process at it. Raises VendorUnreachable when it does not come up."""
    port = free_port()
    use_prefect_server(settings, port)
    log = settings.workdir / "prefect" / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=out,
            env=child_environment(),
            start_new_session=True,
        )
    clock = SystemClock()
    for _ in range(PATIENCE_SECONDS * 2):
        if process.poll() is not None:
            break
        if _is_healthy(f"http://127.0.0.1:{port}/api/health"):
            return Dashboard(f"http://127.0.0.1:{port}", process.pid)
        clock.sleep(0.5)
    process.kill()
    raise VendorUnreachable(f"the Prefect server did not start within {PATIENCE_SECONDS} s; its words are in {log}")


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
