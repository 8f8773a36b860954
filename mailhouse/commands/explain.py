"""`mailhouse explain`: why one person is, or is not, where they are."""

from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, workdir_option


@click.command()
@workdir_option
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, ids in full.")
@click.pass_context
def explain(context: click.Context, workdir: Path | None, email: str, as_json: bool) -> None:
    """Say who has EMAIL, in which segments they are, why they are written to or not, and what was delivered when."""
    from mailhouse.explain import explain_published, tables

    found = explain_published(settings_of(context, workdir), email)
    if as_json:
        click.echo(found.as_json())
        return
    if not found.is_known:
        terminal.line("Nothing is known of this address, so nothing is sent to it.")
    for table in tables(found):
        terminal.show(table)
