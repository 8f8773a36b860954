"""`mailhouse retain`: delete events that are older than connections.yml says."""

from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, wait_option, workdir_option


@click.command()
@workdir_option
@wait_option
@click.pass_context
def retain(context: click.Context, workdir: Path | None, wait: float | None) -> None:
    """Delete events older than `retention` in connections.yml allows; without it nothing is deleted."""
    from flows.retention import retain_now

    gone = retain_now(settings_of(context, workdir), wait=wait, say=terminal.line)
    for table, rows in sorted(gone.items()):
        terminal.line(f"{table}: {rows:,} rows deleted")
    if not gone:
        terminal.line("connections.yml sets no retention: everything is kept.")
