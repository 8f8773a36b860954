"""The daily flow under a Prefect server: what the dashboard shows when all is well and when a source is broken."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from flows.demo import serving
from mailhouse import sandbox
from mailhouse.settings import Settings
from tests.python.chain.conftest import settings_in


@dataclass
class Shown:
    """What the server knows of one flow run, as its API tells it."""

    state: Any
    tasks: dict[str, str]
    artifacts: dict[str, str]
    everything: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    from prefect.testing.utilities import prefect_test_harness

    settings = settings_in(tmp_path_factory.mktemp("daily"))
    sandbox.create(settings.sandbox_dir, seed=3, customers=400)
    with prefect_test_harness(server_startup_timeout=120), serving(settings) as live:
        yield live


def run_flow(settings: Settings) -> Shown:
    from prefect.client.orchestration import get_client

    from flows import daily as module

    # Waiting before a second try is the flow's business in life, not in a test.
    module.LAND_AGAIN, module.LAND_AGAIN_AFTER_SECONDS[:] = 1, [0]
    state = module.daily(workdir=str(settings.workdir), return_state=True)
    with get_client(sync_client=True) as client:
        run_id = state.state_details.flow_run_id
        tasks = [task for task in client.read_task_runs() if task.flow_run_id == run_id]
        artifacts = [artifact for artifact in client.read_artifacts() if artifact.flow_run_id == run_id]
        flow_run = client.read_flow_run(run_id)
        logs = [log for log in client.read_logs() if log.flow_run_id == run_id]
    told = [item.model_dump(mode="json") for item in [flow_run, *tasks, *artifacts, *logs]]
    return Shown(
        state,
        {task.name: task.state_name for task in tasks},
        {artifact.key: str(artifact.data) for artifact in artifacts},
        json.dumps(told),
    )


@pytest.fixture(scope="module")
def first(world: Settings) -> Shown:
    """The first run: every audience would be filled for the first time, and nobody has said that this is meant."""
    return run_flow(world)


@pytest.fixture(scope="module")
def good(first: Shown, world: Settings) -> Shown:
    """The same run once somebody has answered on the dashboard."""
    from flows import approval

    with pytest.MonkeyPatch.context() as patch:
        # a run of a deployment is suspended and begins again; here is its second life
        patch.setattr(approval, "is_answered", lambda: True)
        patch.setattr(approval, "answer", lambda: approval.Answer(reason="the first fill", who="ann"))
        return run_flow(world)


def test_what_the_breaker_stops_waits_on_the_dashboard(first: Shown):
    assert first.state.is_failed()
    question = first.artifacts["waiting-for-approval"]
    assert question.count("first_fill") >= 9
    assert "Resume the run" in question
    assert "0 write calls" in question


def test_an_answer_lets_it_through_and_is_kept(good: Shown, world: Settings):
    assert good.state.is_completed(), good.state.message
    assert "the first fill" in good.state.message
    with duckdb.connect(str(world.published_path), read_only=True) as connection:
        kept = connection.execute("select distinct approved_by, reason from reverse_sync.approvals").fetchall()
        (delivered,) = connection.execute("select count(*) from reverse_sync.delivered").fetchall()[0]
    assert kept == [("ann", "the first fill")]
    assert delivered > 100


def test_each_stage_and_layer_is_a_task(first: Shown):
    sentences = [
        "Land hubspot, shopify, mailchimp, klaviyo, sendgrid, salesforce, website",
        "Normalise addresses and phone numbers",
        "Build and test the models",
        "Decide which segments may go out",
        "Plan what the ESP should know",
        "Apply the plan",
        "Compare desired, delivered and actual",
        "Publish the copy for readers",
    ]
    stopped = {"Apply the plan"}
    assert {name for name in sentences if first.tasks.get(name) != "Completed"} == stopped
    layers = [name.split(":")[0] for name in first.tasks if ":" in name]
    assert sorted(layers) == ["Intermediate", "Marts", "Profiles", "Seeds", "Segments", "Staging"]


def test_rfm_grid_plan_and_receipt_are_artifacts(first: Shown, good: Shown):
    assert {"stages", "plan", "refused", "rfm-grid", "withdrawals", "waiting-for-approval", "problems"} <= first.artifacts.keys()
    assert "champions" in first.artifacts["rfm-grid"]
    assert "seg_champions" in first.artifacts["plan"]
    assert "desired" in good.artifacts["receipt"]


def test_the_bar_of_the_build_goes_to_its_end(first: Shown):
    assert float(first.artifacts["build"]) == 100.0
    assert re.search(r'"description": "(\d+) of \1: \w+"', first.everything)


def test_no_person_is_shown(first: Shown, good: Shown, world: Settings):
    everything = first.everything + good.everything
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w+", everything)
    with duckdb.connect(str(world.published_path), read_only=True) as connection:
        names = connection.execute("select distinct last_name from marts.customers where length(last_name) > 6").fetchall()
    assert len(names) > 20
    assert [name for (name,) in names if name in everything] == []


@pytest.mark.torture
def test_a_broken_source_is_not_green(good: Shown, world: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOPIFY_CLIENT_SECRET", "not-the-secret")
    shown = run_flow(world)
    assert shown.state.is_failed()
    assert shown.tasks["Land hubspot, shopify, mailchimp, klaviyo, sendgrid, salesforce, website"] == "Failed"
    assert shown.tasks["Publish the copy for readers"] == "Completed"
    held = [line for line in shown.artifacts["problems"].splitlines() if "is held back" in line]
    assert len(held) >= 6
    assert all("shopify" in line for line in held)
    assert "not-the-secret" not in shown.everything
