"""The command line. Each command reads as one sentence, answers in words, and leaves the process non-zero when it failed."""

import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import duckdb

from mailhouse import __version__, report, terminal
from mailhouse.clock import SystemClock
from mailhouse.commands.audit import audit
from mailhouse.commands.backup import backup, restore
from mailhouse.commands.bench import bench
from mailhouse.commands.connect import connect
from mailhouse.commands.consent import consent
from mailhouse.commands.erase import erase
from mailhouse.commands.explain import explain
from mailhouse.commands.export import export
from mailhouse.commands.identity import identity
from mailhouse.commands.new import new
from mailhouse.commands.options import named_connection, settings_of, wait_option, workdir_option
from mailhouse.commands.retain import retain
from mailhouse.commands.takeover import adopt, inspect, revert
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.redaction import in_one_line
from mailhouse.settings import operator

DAY = click.DateTime(formats=["%Y-%m-%d"])
approve_option = click.option(
    "--approve", metavar="REASON", help="Let through what the breaker has stopped, and say why; kept with your name."
)
as_of_option = click.option("--as-of", type=DAY, help="The day orders and engagement are seen from [the latest order day].")


class Mailhouse(click.Group):
    """Turns every expected error into one line, and leaves the traceback to `--debug`."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # whoever read has seen enough
            raise
        except (MailhouseError, duckdb.Error, OSError) as error:
            if context.params.get("debug"):
                raise
            terminal.refuse(in_one_line(error))
            sys.exit(1)


@click.group(cls=Mailhouse, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailhouse")
@workdir_option
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def main(context: click.Context, workdir: Path | None, debug: bool) -> None:
    """The customer warehouse behind an e-mail programme: land, decide, and keep the ESP in step."""
    # Every problem is told in a line of its own at the end; the log repeats it only for those who debug.
    handler = logging.StreamHandler()
    handler.setLevel(logging.DEBUG if debug else logging.CRITICAL)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(levelname)s %(name)s: %(message)s")
    context.obj = {"workdir": workdir, "debug": debug}


def approval_of(reason: str | None) -> Any:
    """The word of whoever is at the keyboard that what was stopped is meant; None without `--approve`."""
    from mailhouse.sync import Approval

    if reason is not None and not reason.strip():
        raise ConfigurationError("--approve: say the reason; it is kept with your name")
    return Approval(reason.strip(), operator()) if reason else None


@main.command()
@workdir_option
@click.option("--orders", type=click.Path(path_type=Path), help="Real purchases (csv or parquet) in place of made-up ones.")
@click.option("--customers", type=click.IntRange(1), default=5_000, show_default=True, help="How many people the company knows.")
@click.option("--days", type=click.IntRange(0), default=1, show_default=True, help="How many days pass, with a run after each.")
@as_of_option
@click.option("--seed", type=int, default=7, show_default=True, help="The made-up company is a function of this number.")
@click.option("--ui", is_flag=True, help="Run under a Prefect server and leave it running, with three days to look at.")
@wait_option
@click.pass_context
def demo(
    context: click.Context,
    workdir: Path | None,
    orders: Path | None,
    customers: int,
    days: int,
    as_of: datetime | None,
    seed: int,
    ui: bool,
    wait: float | None,
) -> None:
    """Run the whole chain on a made-up company, let a day pass, and run it again."""
    from flows.demo import run_demo

    settings = settings_of(context, workdir)
    good = run_demo(
        settings,
        orders=orders,
        customers=customers,
        days=max(days, 2) if ui else days,
        as_of=as_of.date() if as_of else None,
        seed=seed,
        ui=ui,
        wait=wait,
    )
    sys.exit(0 if good else 1)


@main.command()
@workdir_option
@as_of_option
@click.option("--full-refresh", is_flag=True, help="Build the incremental models from the beginning.")
@click.option("--no-sync", is_flag=True, help="Stop before anything is written to an ESP.")
@approve_option
@wait_option
@click.pass_context
def run(
    context: click.Context,
    workdir: Path | None,
    as_of: datetime | None,
    full_refresh: bool,
    no_sync: bool,
    approve: str | None,
    wait: float | None,
) -> None:
    """Land, build, plan, apply and compare, once."""
    from flows.chain import open_run
    from flows.walk import walk

    options = {"as_of": as_of.date() if as_of else None, "full_refresh": full_refresh, "approval": approval_of(approve)}
    with open_run(settings_of(context, workdir), wait=wait, say=terminal.line, **options) as opened:
        good = walk(opened, with_sync=not no_sync)
    sys.exit(0 if good else 1)


@main.command()
@workdir_option
@click.argument("segments", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON: counts, calls and keys, no addresses.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Seal the plan into a file for `sync --plan`.")
@click.pass_context
def plan(context: click.Context, workdir: Path | None, segments: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Show what the next sync would add, update, remove and refuse, and how many calls it would make."""
    from flows.chain import plan_only

    made, sealed = plan_only(settings_of(context, workdir), segments, out)
    if as_json:
        click.echo(json.dumps(made.as_dict(), indent=2))
    else:
        for table in report.plan_tables(made):
            terminal.show(table)
        if sealed:
            terminal.show(report.sealed_table(sealed))
            terminal.line(f"  sealed into {out}; `mailhouse sync --plan {out}` applies just that")
    sys.exit(0 if made.ok else 1)


@main.command()
@workdir_option
@click.argument("segments", nargs=-1)
@click.option(
    "--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path), help="Apply this sealed plan, or nothing at all."
)
@approve_option
@wait_option
@click.pass_context
def sync(
    context: click.Context,
    workdir: Path | None,
    segments: tuple[str, ...],
    plan_file: Path | None,
    approve: str | None,
    wait: float | None,
) -> None:
    """Bring the ESP in step with the segments, then compare what it reports."""
    from flows.walk import sync_now

    settings = settings_of(context, workdir)
    good = sync_now(settings, segments, wait=wait, approval=approval_of(approve), plan_file=plan_file)
    sys.exit(0 if good else 1)


@main.command()
@workdir_option
@wait_option
@click.pass_context
def reconcile(context: click.Context, workdir: Path | None, wait: float | None) -> None:
    """Read back everything the ESPs have, fields included, and say who changed what; sends nothing."""
    from flows.walk import reconcile_now

    sys.exit(0 if reconcile_now(settings_of(context, workdir), wait) else 1)


@main.command()
@workdir_option
@click.option("--live", metavar="VENDOR", help="Look at one account alone: its scopes, and a harmless round trip of each kind.")
@click.pass_context
def doctor(context: click.Context, workdir: Path | None, live: str | None) -> None:
    """Check configuration, credentials and versions, in words."""
    from ingestion.probe import probe
    from mailhouse.doctor import examine
    from mailhouse.live import examine_live

    settings = settings_of(context, workdir)
    found = examine_live(named_connection(settings, live), probe, SystemClock()) if live else examine(settings, probe)
    sys.exit(0 if terminal.findings(found) else 1)


@main.command()
@workdir_option
@click.pass_context
def status(context: click.Context, workdir: Path | None) -> None:
    """Say when each source landed, which segments may go out, and what the last sync did."""
    from mailhouse.status import tables

    for table in tables(settings_of(context, workdir)):
        terminal.show(table)


@main.command()
@workdir_option
@click.argument("name", metavar="all|DESTINATION|SEGMENT")
@click.option("--reason", default="", help="Why, for whoever reads `mailhouse status`.")
@click.pass_context
def pause(context: click.Context, workdir: Path | None, name: str, reason: str) -> None:
    """Stop sending, from the next batch on; withdrawals still go out."""
    from mailhouse import controls

    terminal.line(str(controls.pause(settings_of(context, workdir), name, reason, SystemClock().now())))


@main.command()
@workdir_option
@click.argument("name", metavar="all|DESTINATION|SEGMENT")
@click.pass_context
def resume(context: click.Context, workdir: Path | None, name: str) -> None:
    """End a pause; the next sync sends what is still owed."""
    from mailhouse import controls

    settings = settings_of(context, workdir)
    ended = controls.resume(settings, name, SystemClock().now())
    terminal.line(f"{name} is no longer paused" if ended else f"{name} was not paused")
    for other in controls.in_force(settings):
        terminal.line(f"still: {other}")


@main.command()
@workdir_option
@click.argument("query")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated, for other programs.")
@click.pass_context
def sql(context: click.Context, workdir: Path | None, query: str, as_csv: bool) -> None:
    """Ask the published copy of the warehouse, for instance "select * from marts.customers limit 5"."""
    from mailhouse.query import ask, write_csv

    table = ask(settings_of(context, workdir), query)
    if as_csv:
        write_csv(table, sys.stdout)
    else:
        terminal.show(table)


for command in (
    connect,
    new,
    inspect,
    adopt,
    revert,
    explain,
    identity,
    consent,
    export,
    erase,
    audit,
    backup,
    restore,
    retain,
    bench,
):
    main.add_command(command)


@main.group()
def segment() -> None:
    """Look at segments."""


@segment.command()
@workdir_option
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@click.pass_context
def preview(context: click.Context, workdir: Path | None, name: str, limit: int) -> None:
    """Show who is in a segment: how many, where it goes, and the first few customers."""
    from mailhouse.query import preview_segment

    for table in preview_segment(settings_of(context, workdir), name, limit):
        terminal.show(table)


@main.command()
@workdir_option
@click.pass_context
def check(context: click.Context, workdir: Path | None) -> None:
    """The inner loop: parse, every `meta`, style, dbt unit tests."""
    from mailhouse.check import run_checks

    sys.exit(0 if terminal.findings(run_checks(settings_of(context, workdir))) else 1)


@main.command()
@click.pass_context
def schemas(context: click.Context) -> None:
    """Write the raw tables' schemas anew into ingestion/schemas, to be reviewed as a diff."""
    from ingestion.schemas import export

    for path in export(settings_of(context)):
        terminal.line(f"wrote {path}")


@main.group()
def sandbox() -> None:
    """Made-up vendors on this machine, HubSpot to Salesforce."""


@sandbox.command("seed")
@workdir_option
@click.option("--orders", type=click.Path(path_type=Path), help="Real purchases (csv or parquet) in place of made-up ones.")
@click.option("--customers", type=click.IntRange(1), default=5_000, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@as_of_option
@click.pass_context
def sandbox_seed(
    context: click.Context, workdir: Path | None, orders: Path | None, customers: int, seed: int, as_of: datetime | None
) -> None:
    """Make the company anew; what the sandbox held before is gone."""
    from mailhouse import sandbox as world

    settings = settings_of(context, workdir)
    made = world.create(
        settings.sandbox_dir, seed=seed, customers=customers, orders_file=orders, as_of=as_of.date() if as_of else None
    )
    terminal.line(report.company(made))


@sandbox.command("serve")
@workdir_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--limits", type=click.Choice(["generous", "vendor", "small"]), default="generous", show_default=True)
@click.pass_context
def sandbox_serve(context: click.Context, workdir: Path | None, port: int, limits: str) -> None:
    """Serve the company on 127.0.0.1 until interrupted."""
    from mailhouse import sandbox as world

    settings = settings_of(context, workdir)
    world.serve(settings.sandbox_dir, port=port, limits=limits, judge=settings.sandbox_judge)


@sandbox.command("advance")
@workdir_option
@click.option("--days", type=click.IntRange(1), default=1, show_default=True)
@click.pass_context
def sandbox_advance(context: click.Context, workdir: Path | None, days: int) -> None:
    """Let days pass: new people, orders, refunds, merges, unsubscribes."""
    from mailhouse import sandbox as world

    passed = world.advance(settings_of(context, workdir).sandbox_dir, days)
    terminal.line(f"It is {passed['clock'][:10]} · {report.company(passed['counts'])}")


@sandbox.command("status")
@workdir_option
@click.pass_context
def sandbox_status(context: click.Context, workdir: Path | None) -> None:
    """The sandbox's clock, address and how much it holds."""
    from mailhouse import sandbox as world

    click.echo(json.dumps(world.status(settings_of(context, workdir).sandbox_dir), indent=2, default=str))
