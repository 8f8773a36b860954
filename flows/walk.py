"""The chain told in a terminal: each stage with a bar while it works and a line when it is done."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flows import chain
from flows.chain import Run
from mailhouse import report, terminal
from mailhouse.errors import MailhouseError
from mailhouse.settings import Settings

TELL = "Tell every system who said no"


def walk(run: Run, *, with_sync: bool = True) -> bool:
    """Walk the whole road and print what the dashboard would show; True when nothing went wrong."""
    told = 0
    for title, step in _steps(run, with_sync):
        with terminal.progress(title) as steps:
            run.say = steps
            try:
                step()
            except MailhouseError as error:
                run.problems.append(str(error))
                break
        for stage in run.stages[told:]:
            terminal.stage(stage)
            for layer in run.layers if stage.name == "build" else ():
                terminal.line(f"      {layer.name:<30} {layer.says}", style="dim")
        told = len(run.stages)
    show(run)
    return run.is_good


def _steps(run: Run, with_sync: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "Land what the vendors have", lambda: chain.land_sources(run)
    if with_sync:
        yield TELL, lambda: chain.tell_withdrawals(run, is_built=False)
    if run.nothing_landed:
        return
    yield "Normalise addresses and phone numbers", lambda: chain.normalise_contact_points(run)
    yield "Build and test the models", lambda: chain.build_models(run)
    yield "Decide which segments may go out", lambda: chain.decide_gate(run)
    if with_sync:
        yield TELL, lambda: chain.tell_withdrawals(run)
        yield "Plan what the ESP should know", lambda: chain.plan_sync(run)
        yield "Apply the plan", lambda: chain.apply_plan(run)
        yield "Compare desired, delivered and actual", lambda: chain.compare(run)
    yield "Publish the copy for readers", lambda: chain.publish(run)


def sync_now(settings: Settings, segments: Sequence[str], **options: Any) -> bool:
    """Plan, apply and compare without landing or building; prints plan, receipt and stages. Options are `chain.sync_only`'s."""
    with terminal.progress("Bring the ESP in step") as steps:
        run = chain.sync_only(settings, segments, say=steps, **options)
    show(run)
    return run.is_good


def reconcile_now(settings: Settings, wait: float | None) -> bool:
    """Compare what is there with what should be, and print the receipt; sends nothing."""
    with terminal.progress("Read back what the ESP has") as steps:
        run = chain.reconcile(settings, wait=wait, say=steps)
    show(run)
    return run.is_good


def show(run: Run) -> None:
    """The tables of a run: RFM, plan, receipt, stages, and in the end every problem in one line each."""
    terminal.blank()
    if run.has_built("customer_rfm") and any(stage.name == "publish" for stage in run.stages):
        with run.warehouse.read() as connection:
            for table in report.rfm_tables(connection):
                terminal.show(table)
    if run.plan is not None:
        for table in report.plan_tables(run.plan):
            terminal.show(table)
    if run.receipts:
        terminal.show(report.receipt_table(run.receipts))
    if run.withdrawals:
        terminal.show(report.withdrawal_table(run.withdrawals))
    terminal.show(report.stages(run.stages))
    for note in run.notes:
        terminal.line(f"note  {note}", style="yellow")
    for problem in run.problems:
        terminal.refuse(problem)
