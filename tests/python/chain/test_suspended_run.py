"""A served deployment, as in life: the run is suspended by the breaker, no process waits, and an answer lets it through."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from flows.demo import serving
from mailhouse import sandbox
from mailhouse.settings import Settings
from tests.python.chain.conftest import ROOT, settings_in

pytestmark = pytest.mark.torture
SERVE = "import sys; from flows.daily import daily; daily.serve(name='every morning', parameters={'workdir': sys.argv[1]})"
LONGEST_WAIT = 300


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    settings = settings_in(tmp_path_factory.mktemp("served"))
    sandbox.create(settings.sandbox_dir, seed=5, customers=200)
    with prefect_test_harness(server_startup_timeout=120), serving(settings) as live:
        environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}
        command = [sys.executable, "-c", SERVE, str(live.workdir)]
        runner = subprocess.Popen(command, cwd=ROOT, env=environment)
        yield live
        runner.terminate()
        runner.wait(timeout=60)


def waited(client: Any, run_id: Any, *states: str) -> str:
    """The run's state once it is one of these."""
    end = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < end:
        state = client.read_flow_run(run_id).state.name
        if state in states:
            return state
        time.sleep(0.5)
    raise AssertionError(f"the run is {state}, not one of {states}")


def test_a_run_that_the_breaker_stops_is_suspended_and_an_answer_lets_it_through(served: Settings):
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.flow_runs import resume_flow_run

    with get_client(sync_client=True) as client:
        for _ in range(120):
            try:
                deployment = client.read_deployment_by_name("daily/every morning")
                break
            except ObjectNotFound:
                time.sleep(0.5)
        run = client.create_flow_run_from_deployment(deployment.id)
        assert waited(client, run.id, "Suspended", "Completed", "Failed", "Crashed") == "Suspended"
        resume_flow_run(run.id, run_input={"reason": "the first fill", "who": "ann"})
        assert waited(client, run.id, "Completed", "Failed", "Crashed", "Suspended") == "Completed"
    with duckdb.connect(str(served.published_path), read_only=True) as connection:
        assert connection.execute("select distinct approved_by, reason from reverse_sync.approvals").fetchall() == [
            ("ann", "the first fill")
        ]
