"""`mailhouse erase`: a person is forgotten, here and at every vendor."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, wait_option, workdir_option


@click.command()
@workdir_option
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON; counts and no personal data.")
@wait_option
@click.pass_context
def erase(context: click.Context, workdir: Path | None, email: str, yes: bool, as_json: bool, wait: float | None) -> None:
    """Erase the person who has EMAIL, here and at every vendor, and keep them from coming back.

    What was begun and could not be ended goes on when the same command is given again.
    """
    from flows.erasure import erase_person
    from mailhouse.privacy.receipt import tables

    settings = settings_of(context, workdir)
    if not yes:
        click.confirm(
            "Everything about this person is deleted, here and at every vendor. Nothing brings it back. Go on?", abort=True
        )
    with terminal.progress("Erase the person") as steps:
        receipt = erase_person(settings, email, wait=wait, say=steps)
    if as_json:
        click.echo(json.dumps(asdict(receipt), indent=2))
    else:
        for table in tables(receipt):
            terminal.show(table)
    for problem in receipt.problems:
        terminal.refuse(problem)
    sys.exit(0 if receipt.ok else 1)
