"""`mailhouse inspect`, `adopt` and `revert`: take over an account that somebody else filled, and go back."""

import json
import sys
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, wait_option, workdir_option

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


@click.command()
@workdir_option
@click.argument("destination")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON; no addresses.")
@click.pass_context
def inspect(context: click.Context, workdir: Path | None, destination: str, as_json: bool) -> None:
    """Show what is wrong with an account, and what dead profiles cost; reads only.

    Who is mailable there and said no elsewhere, who should have left, who is missing, whom nobody knows, which fields differ
    and which automations would start. Each finding stands in a file of the work directory.
    """
    from flows.takeover import inspect_account
    from mailhouse.takeover.tables import inspection_tables

    found, files = inspect_account(settings_of(context, workdir), destination)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
        return
    for table in inspection_tables(found):
        terminal.show(table)
    for path in files:
        terminal.line(f"wrote {path}")


@click.command()
@workdir_option
@click.argument("audience", metavar="AUDIENCE|SEGMENT")
@click.option("--all", "everybody", is_flag=True, help="Also those who are there and not wanted; a mirror then removes them.")
@yes_option
@wait_option
@click.pass_context
def adopt(context: click.Context, workdir: Path | None, audience: str, everybody: bool, yes: bool, wait: float | None) -> None:
    """Record who is in an audience as delivered, after showing it; nothing is sent.

    AUDIENCE is called as in `mailhouse plan`, for instance "mailchimp: Customers / Champions".
    """
    from flows import takeover
    from mailhouse.takeover.tables import adoption_table

    settings = settings_of(context, workdir)
    adoption = takeover.look_at(settings, audience, everybody)
    terminal.show(adoption_table(adoption))
    if not adoption.records:
        terminal.line("Nobody is there who could be adopted; `mailhouse plan` shows who would be added.")
        return
    if not yes:
        click.confirm(f"Record {len(adoption.records):,} records as delivered?", abort=True)
    run_id, count = takeover.adopt(settings, adoption, wait=wait, say=terminal.line)
    terminal.line(f"{count:,} records are ours now, by run {run_id}; `mailhouse plan` shows what is left to do.")


@click.command()
@workdir_option
@click.argument("run_id", metavar="RUN")
@yes_option
@wait_option
@click.pass_context
def revert(context: click.Context, workdir: Path | None, run_id: str, yes: bool, wait: float | None) -> None:
    """Plan back to the state before RUN, and with --yes apply it.

    What the run added leaves, what it took away returns, but nobody who may not be written to now. The segments concerned are
    paused, so that the next sync does not do it again.
    """
    from flows import takeover
    from mailhouse.takeover.tables import revert_tables

    settings = settings_of(context, workdir)
    if not yes:
        planned = takeover.plan_revert(settings, run_id)
        for table in revert_tables(planned):
            terminal.show(table)
        terminal.line(_about(len(planned.forgotten), planned.segments, planned.is_empty))
        sys.exit(0 if planned.plan.ok else 1)
    done = takeover.revert(settings, run_id, wait=wait, say=terminal.line)
    for table in revert_tables(done.revert):
        terminal.show(table)
    if done.revert.is_empty:
        terminal.line(_about(0, (), is_empty=True))
    if done.revert.forgotten:
        terminal.line(f"{len(done.revert.forgotten):,} records are no longer ours; nothing was sent.")
    for segment in done.revert.segments if done.result else ():
        terminal.line(f"{segment} is paused; mend what went wrong, then `mailhouse resume {segment}`")
    for problem in done.problems:
        terminal.refuse(problem)
    sys.exit(1 if done.problems else 0)


def _about(forgotten: int, segments: tuple[str, ...], is_empty: bool) -> str:
    if is_empty:
        return "Nothing of that run is left to take back."
    if forgotten:
        return f"--yes forgets {forgotten:,} records that were adopted; nothing is sent."
    return f"--yes applies it and pauses {', '.join(segments) or 'no segment'}."
