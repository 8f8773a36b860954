"""`mailhouse identity`: who is who, and why."""

import click

from mailhouse.commands.identity_explain import explain


@click.group()
def identity() -> None:
    """Say why two records are one person, or why they are two."""


identity.add_command(explain)
