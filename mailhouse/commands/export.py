"""`mailhouse export`: everything that is held of one person."""

from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.clock import clock_of
from mailhouse.commands.options import settings_of, workdir_option
from mailhouse.settings import operator


@click.command()
@workdir_option
@click.argument("email")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write export.json and a CSV for each table into this folder; without it the JSON is printed.",
)
@click.pass_context
def export(context: click.Context, workdir: Path | None, email: str, out: Path | None) -> None:
    """Show everything that is held of the person who has EMAIL, with where it comes from."""
    from mailhouse import audit
    from mailhouse.privacy.closure import mailbox_of
    from mailhouse.privacy.export import export as export_of
    from mailhouse.privacy.export import write_export

    settings = settings_of(context, workdir)
    clock = clock_of(settings)
    made = export_of(settings, email, clock.now())
    subject = audit.subject_of(settings, mailbox_of(email))
    rows = sum(len(part.rows) for part in made.parts)
    audit.Trail(settings).append(
        "export", clock, actor=operator(), subject=subject, params={"tables": len(made.parts), "rows": rows}
    )
    if out is None:
        click.echo(made.as_json())
        return
    for path in write_export(made, out):
        terminal.line(f"wrote {path}")
    terminal.line(f"{rows:,} rows of {len(made.parts)} tables. Hand the files over, then delete them: no erasure reaches them.")
