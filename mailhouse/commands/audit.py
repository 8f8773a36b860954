"""`mailhouse audit`: whether the trail of what was done is as it was written."""

import sys
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, workdir_option
from mailhouse.report import Table


@click.group()
def audit() -> None:
    """Look at the audit trail: consent changed, syncs approved, exports, erasures."""


@audit.command()
@workdir_option
@click.pass_context
def verify(context: click.Context, workdir: Path | None) -> None:
    """Check every entry against the one before it, and the end against the head that is kept apart."""
    from mailhouse.audit import Trail
    from mailhouse.audit import verify as verify_trail

    verdict = verify_trail(Trail(settings_of(context, workdir)))
    for problem in verdict.problems:
        terminal.refuse(problem)
    if verdict.ok:
        terminal.line(f"{verdict.entries:,} entries, each as it was written")
    sys.exit(0 if verdict.ok else 1)


@audit.command("show")
@workdir_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--email", help="Only what was done about this address, while its person is known.")
@click.pass_context
def show_entries(context: click.Context, workdir: Path | None, limit: int, email: str | None) -> None:
    """Show the newest entries: who did what, and when."""
    from mailhouse.audit import Trail, subject_of
    from mailhouse.privacy.closure import mailbox_of

    settings = settings_of(context, workdir)
    subject = subject_of(settings, mailbox_of(email)) if email else None
    entries = [one for one in Trail(settings).entries() if subject in (None, one.subject)]
    rows = [[str(one.seq), one.at[:19], one.actor, one.action, one.subject[:12], one.reference[:12]] for one in entries]
    columns = ["entry", "at", "by", "what", "about", "reference"]
    terminal.show(Table(f"The last {min(limit, len(rows))} of {len(rows)} entries", columns, rows[-limit:]))
