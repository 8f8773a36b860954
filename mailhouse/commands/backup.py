"""`mailhouse backup` and `mailhouse restore`: keep the state of a work directory, and go back to it."""

from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, wait_option, workdir_option


@click.command()
@workdir_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder for the archive [WORKDIR/backups].")
@wait_option
@click.pass_context
def backup(context: click.Context, workdir: Path | None, out: Path | None, wait: float | None) -> None:
    """Write one archive of the work directory's state: warehouse, acts of consent, pauses; no secrets.

    Readers and `mailhouse consent record` go on meanwhile; a run does not.
    """
    from mailhouse.backup.create import create

    path = create(settings_of(context, workdir), out, wait=wait, say=terminal.line)
    terminal.line(
        f"wrote {path} ({path.stat().st_size / 1e6:,.1f} MB); it holds people's data, keep it as you keep the warehouse"
    )


@click.command()
@workdir_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do it without asking.")
@wait_option
@click.pass_context
def restore(context: click.Context, workdir: Path | None, file: Path, yes: bool, wait: float | None) -> None:
    """Put the state of the backup FILE in the place of this one; whoever said no or was erased since stays so.

    Checked before anything is touched, and taken whole or not at all.
    """
    from mailhouse.backup.restore import restore as put_back
    from mailhouse.privacy import replay

    settings = settings_of(context, workdir)
    if not yes:
        click.confirm(f"Replace the state of {settings.workdir} by that of {file}?", abort=True)
    done = put_back(settings, file, replay=replay.restored, wait=wait, say=terminal.line)
    terminal.line(f"Restored the state of {done.made_at}; {done.acts:,} acts of consent came back that were not here.")
    terminal.line("Nothing goes out before `mailhouse run` has landed what was said since.")
