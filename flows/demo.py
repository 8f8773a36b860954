"""The demonstration: a made-up company, the whole chain, a day that passes, and the chain again."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from flows import dashboard
from flows.chain import open_run
from flows.dashboard import Dashboard
from flows.walk import walk
from mailhouse import report, sandbox, terminal
from mailhouse.build import Project
from mailhouse.clock import SystemClock, stopwatch
from mailhouse.errors import MailhouseError, VendorUnreachable
from mailhouse.processes import is_running
from mailhouse.settings import Settings, child_environment, load_settings, sandbox_server
from mailhouse.sync import Approval

DEMO = "mailhouse demo"
PATIENCE_SECONDS = 60
# nobody reads the plan of a demonstration, and its company is made up
APPROVAL = Approval("a demonstration on a made-up company", "mailhouse demo")
# What a run leaves; a demonstration starts from nothing, and touches no file that is not of this kind.
# The leases stay: their numbers must never begin anew.
LEFT_BY_RUNS = ("warehouse.duckdb", "warehouse.duckdb.wal", "published.duckdb", "dev.duckdb")
LEFT_BY_OPERATORS = ("controls.db", "controls.db-journal")
FOLDERS_LEFT_BY_RUNS = ("pipelines", "target", "published_target", "logs", "restoring", "restored")


def run_demo(
    settings: Settings,
    *,
    orders: Path | None,
    customers: int,
    days: int,
    as_of: date | None,
    seed: int,
    ui: bool,
    wait: float | None = None,
) -> bool:
    """Seed, run, let `days` days pass with a run after each, and say where everything is; True when all was well."""
    begun = stopwatch()
    terminal.headline("A company to work on")
    with open_run(settings, DEMO, wait=wait, say=terminal.line):
        start_afresh(settings)
        with terminal.progress("Make up the people, their purchases and what they said"):
            made = sandbox.create(settings.sandbox_dir, seed=seed, customers=customers, orders_file=orders, as_of=as_of)
    terminal.line(f"  {report.company(made)}", style="dim")
    board = open_dashboard(settings) if ui else None
    with serving(settings) as live:
        good = True
        for day in range(days + 1):
            if day:
                terminal.headline(f"Day {day + 1}: one day later")
                with terminal.progress("Let a day pass"):
                    passed = sandbox.advance(live.sandbox_dir, 1)
                terminal.line(f"  It is {passed['clock'][:10]} · {report.company(passed['counts'])}", style="dim")
            else:
                terminal.headline("Day 1: everything for the first time")
            good = (run_on_dashboard(live, as_of) if board else run_here(live, as_of)) and good
            if not good:
                break
        if good:
            write_dbt_docs(live)
    tell_where(settings, stopwatch() - begun)
    if board:
        terminal.line(f"  dashboard   {board.url}   runs until `kill {board.pid}`")
    return good


def run_here(settings: Settings, as_of: date | None) -> bool:
    """One run, told in the terminal."""
    with open_run(settings, DEMO, as_of=as_of, approval=APPROVAL) as run:
        return walk(run)


def open_dashboard(settings: Settings) -> Dashboard:
    """Start a Prefect server for the runs to come."""
    with terminal.progress("Start a Prefect server (half a minute)"):
        board = dashboard.start(settings)
    terminal.line(f"  dashboard at {board.url}", style="dim")
    return board


def run_on_dashboard(settings: Settings, as_of: date | None) -> bool:
    """One run as a flow; its stages, artifacts and problems are on the dashboard."""
    from flows.daily import daily  # Prefect takes seconds to import, and only this needs it

    words = {"as_of": as_of.isoformat()} if as_of else {}
    state = daily(workdir=str(settings.workdir), approve=APPROVAL.reason, **words, return_state=True)
    terminal.line(f"  {state.name}: {state.message}", style="" if state.is_completed() else "bold red")
    return state.is_completed()


def start_afresh(settings: Settings) -> None:
    """Remove what earlier runs left in this work directory; refuses a directory that a sandbox is serving."""
    import shutil

    server = sandbox_server(settings.workdir)
    if server and is_running(server["pid"]):
        raise MailhouseError(f"{settings.workdir}: a sandbox is serving it (process {server['pid']}); stop it, or say --workdir")
    for name in (*LEFT_BY_RUNS, *LEFT_BY_OPERATORS):
        (settings.workdir / name).unlink(missing_ok=True)
    for name in FOLDERS_LEFT_BY_RUNS:
        shutil.rmtree(settings.workdir / name, ignore_errors=True)


@contextmanager
def serving(settings: Settings) -> Iterator[Settings]:
    """Serve the sandbox from a process of its own; gives back settings that know its address."""
    log = settings.workdir / "sandbox" / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mailhouse", "--workdir", str(settings.workdir), "sandbox", "serve"],
            stdout=out,
            stderr=out,
            cwd=settings.project,
            env=child_environment(),
        )
    try:
        clock = SystemClock()
        for _ in range(PATIENCE_SECONDS * 10):
            server = sandbox_server(settings.workdir)
            if server and server["pid"] == process.pid:
                break
            if process.poll() is not None:
                raise VendorUnreachable(f"the sandbox stopped at its start; its words are in {log}")
            clock.sleep(0.1)
        else:
            raise VendorUnreachable(f"the sandbox did not start within {PATIENCE_SECONDS} s; its words are in {log}")
        yield load_settings(settings.workdir, project=settings.project)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def write_dbt_docs(settings: Settings) -> None:
    """dbt's own documentation, as one file that opens in a browser."""
    with terminal.progress("Write the dbt docs"):
        Project(settings).run(["docs", "generate", "--static", "--no-compile"])


def tell_where(settings: Settings, seconds: float) -> None:
    """Where the warehouse, the docs and the next commands are."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    terminal.headline("Where to look")
    docs = settings.target / "static_index.html"
    terminal.line(f'  warehouse   {settings.published_path}   mailhouse sql "select * from marts.customers limit 5"')
    if docs.exists():
        terminal.line(f"  dbt docs    {docs}")
    terminal.line("  next        mailhouse status · mailhouse plan · mailhouse segment preview seg_champions")
    terminal.line(f"  {seconds:.0f} seconds, {own:,.0f} MB at the most", style="dim")
