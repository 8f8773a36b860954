"""Asks on the dashboard whether what the breaker has stopped is meant. The run is suspended: no process waits for the answer.

When somebody resumes it the flow starts again from its beginning, finds the answer, and only plans and sends.
"""

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput, read_flow_run_input
from prefect.input.run_input import keyset_from_base_key

from mailhouse import report
from mailhouse.sync import Plan

KEY = "approval"


class Answer(RunInput):
    """What the dashboard asks for: a reason, and the name to keep with it."""

    reason: str
    who: str


def is_answered() -> bool:
    """Whether somebody has answered what an earlier life of this run asked; a run that is merely tried again has no answer."""
    return read_flow_run_input(keyset_from_base_key(f"suspended-{KEY}")["response"]) is not None


def answer() -> Answer:
    """What was answered. Raises RuntimeError when the run was resumed without an answer."""
    return suspend_flow_run(wait_for_input=Answer, key=KEY)


def ask(plan: Plan) -> None:
    """Show what is stopped beside the plan, and suspend the run; one that no deployment has started cannot be suspended."""
    create_markdown_artifact(question(plan), key="waiting-for-approval", description="What the breaker has stopped")
    if runtime.deployment.id:
        suspend_flow_run(wait_for_input=Answer, key=KEY)


def question(plan: Plan) -> str:
    """The stops and the plan, as Markdown."""
    lines = [f"- **{stop.segment}** ({stop.kind}): {stop.says}" for stop in plan.stops]
    how = "Resume the run with a reason and your name to let this through once; do nothing, and the next run asks anew."
    tables = "\n\n".join(f"### {table.title}\n\n{table.as_markdown()}" for table in report.plan_tables(plan))
    return "\n".join(["The breaker has stopped:", "", *lines, "", how, "", tables])
