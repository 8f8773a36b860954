"""The daily chain as a Prefect flow: order, retries and what the dashboard shows. All work is in `flows.chain`."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed, State

from flows import approval, artifacts, chain
from flows.chain import Run
from mailhouse import report
from mailhouse.build import Layer, Node
from mailhouse.errors import BuildFailed, LeaseHeld, MailhouseError, VendorUnreachable
from mailhouse.redaction import in_one_line
from mailhouse.settings import Settings, load_settings, operator
from mailhouse.sync import Approval

TELL = "Tell every system who said no"
LAND_AGAIN = 2  # a vendor that was away for a minute is no reason to lose the day
LAND_AGAIN_AFTER_SECONDS = [30, 120]


@flow(
    name="daily",
    description="Land, normalise, build, plan, apply, compare: the whole road once.",
    flow_run_name="Keep the ESP in step, as of {as_of}",
    persist_result=False,
    validate_parameters=True,
)
def daily(
    workdir: str | None = None,
    as_of: str = "the latest order",
    full_refresh: bool = False,
    wait_seconds: int = 0,
    approve: str = "",
) -> State:
    """Walk the road once, after up to `wait_seconds` if another run has the warehouse.

    approve: the reason why what the breaker stops is meant, kept with the name of whoever runs this. Parameters are paths,
    dates, numbers and that reason only: they are shown to everyone who sees the dashboard.
    """
    settings = load_settings(Path(workdir) if workdir else None)
    day = date.fromisoformat(as_of) if as_of[:1].isdigit() else None
    options = {"as_of": day, "full_refresh": full_refresh, "say": get_run_logger().debug}
    options["approval"] = Approval(approve, operator()) if approve else None
    try:
        if approval.is_answered():
            return approved(settings, wait_seconds)
        with chain.open_run(settings, "the daily flow", wait=wait_seconds, **options) as run:
            state = walk(run)
    except LeaseHeld as error:
        return Failed(message=str(error))
    # the warehouse is free while somebody thinks it over, and the next run need not wait for them
    if run.plan is not None and run.plan.stops and run.approval is None:
        approval.ask(run.plan)
    return state


def approved(settings: Settings, wait_seconds: int) -> State:
    """What is left to do when somebody has answered: plan anew, and send what they let through."""
    answer = approval.answer()
    word = Approval(answer.reason, answer.who)
    run = chain.sync_only(settings, (), wait=wait_seconds, approval=word, say=get_run_logger().debug)
    artifacts.show(report.receipt_table(run.receipts))
    return Failed(message=run.problems[0]) if run.problems else Completed(message=f"Sent as approved: {answer.reason}")


def walk(run: Run) -> State:
    """Every stage as a task, in the order of the road."""
    failed: list[str] = []

    def step(name: str, work: Callable[[], object], **options: object) -> bool:
        good = stage(name, work, **options)
        failed.extend([] if good else [name])
        return good

    names = ", ".join(run.settings.connections)
    step(f"Land {names}", lambda: land(run), retries=LAND_AGAIN, retry_delay_seconds=LAND_AGAIN_AFTER_SECONDS)
    step(TELL, lambda: tell(run, is_built=False))
    if not run.nothing_landed and step("Normalise addresses and phone numbers", lambda: chain.normalise_contact_points(run)):
        step("Build and test the models", lambda: build(run))
        for layer in run.layers:
            step(f"{layer.name.capitalize()}: {layer.says}", lambda layer=layer: show_layer(layer))
        step("Decide which segments may go out", lambda: chain.decide_gate(run))
        step(TELL, lambda: tell(run))
        if step("Plan what the ESP should know", lambda: plan(run)):
            step("Apply the plan", lambda: apply(run))
        if run.result is not None:
            step("Compare desired, delivered and actual", lambda: compare(run))
        step("Publish the copy for readers", lambda: publish(run))
    artifacts.show(report.stages(run.stages))
    if run.problems:
        told = "\n".join(f"- {problem}" for problem in run.problems)
        create_markdown_artifact(told, key="problems", description=f"{len(run.problems)} problems of the latest run that had any")
        return Failed(message=f"{len(run.problems)} problems: {run.problems[0]}")
    if failed:  # on something that is not one of the run's own problems
        return Failed(message=f"{failed[0]} failed; its task says why")
    return Completed(message="Everything is in step")


def stage(name: str, work: Callable[[], object], **options: object) -> bool:
    """Run one stage as a task whose name is a sentence; False when it failed, which does not end the flow by itself."""
    runner = task(name=name, task_run_name=name, persist_result=False, cache_policy=NO_CACHE, **options)(quiet(work))
    return runner(return_state=True).is_completed()


def quiet(work: Callable[[], object]) -> Callable[[], object]:
    """The work, with an error of the engine told without values of rows: Prefect keeps what it is told."""

    def told() -> object:
        try:
            return work()
        except duckdb.Error as error:
            raise MailhouseError(in_one_line(error)) from None

    return told


def land(run: Run) -> None:
    """Land; on a retry only what is still missing. Raises VendorUnreachable naming the sources that did not."""
    broken = [landed.connection_id for landed in chain.land_sources(run) if landed.error]
    if broken:
        raise VendorUnreachable(f"{', '.join(broken)} did not land; the segments that rest on it are held back")


def tell(run: Run, *, is_built: bool = True) -> None:
    """Tell who said no. Raises MailhouseError saying who could not be told; the flow goes on."""
    result = chain.tell_withdrawals(run, is_built=is_built)
    artifacts.show(report.withdrawal_table(run.withdrawals))
    if not result.ok:
        raise MailhouseError(result.problems[0])


def build(run: Run) -> None:
    """Build everything, with a bar of how far it is. Raises BuildFailed saying how much of it failed."""
    run.say = artifacts.bar("build", run.project.size)
    chain.build_models(run)
    run.say = get_run_logger().debug
    failed = [node for layer in run.layers for node in layer.failed]
    if failed:
        raise BuildFailed(f"{len(failed)} models and tests failed, the first is {failed[0].name}: {failed[0].message}")


def show_layer(layer: Layer) -> None:
    """A layer as the dashboard shows it, with every failed node as a task of its own."""
    for node in layer.failed:
        stage(f"{'Test' if node.is_test else 'Model'} {node.name} failed", lambda node=node: fail(node))
    if layer.failed:
        raise BuildFailed(layer.says)


def fail(node: Node) -> None:
    raise BuildFailed(node.message)


def plan(run: Run) -> None:
    chain.plan_sync(run)
    for table in report.plan_tables(run.plan):
        artifacts.show(table)


def apply(run: Run) -> None:
    result = chain.apply_plan(run)
    if not result.ok:
        raise MailhouseError("the ESP did not take everything; the next run sends what is still owed")


def compare(run: Run) -> None:
    artifacts.show(report.receipt_table(chain.compare(run)))


def publish(run: Run) -> None:
    chain.publish(run)
    if not run.has_built("customer_rfm"):
        return
    with run.warehouse.read() as connection:
        text = "\n\n".join(table.as_markdown() for table in report.rfm_tables(connection))
    create_markdown_artifact(text, key="rfm-grid", description="Customers by recency, frequency and what they spent")


if __name__ == "__main__":
    daily.serve(name="every morning", cron="0 5 * * *")
