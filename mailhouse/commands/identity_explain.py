"""`mailhouse identity explain`: the path of evidence between two records, or why there is none."""

from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import settings_of, workdir_option
from mailhouse.report import Table


@click.command()
@workdir_option
@click.argument("one")
@click.argument("other")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.pass_context
def explain(context: click.Context, workdir: Path | None, one: str, other: str, as_json: bool) -> None:
    """Say by what evidence ONE and OTHER (record keys or addresses) are one customer, or why they are two."""
    from mailhouse.identity.explain import explain_published

    found = explain_published(settings_of(context, workdir), one, other)
    if as_json:
        click.echo(found.as_json())
        return
    if found.is_one:
        terminal.line(f"One customer, {found.customers[0]}.")
    else:
        terminal.line(f"Two customers, {found.customers[0]} and {found.customers[1]}.")
    for reason in found.reasons:
        terminal.line(f"Because: {reason}.")
    if found.path:
        columns = ["record", "other record", "reason", "weight", "in common", "stays"]
        rows = [
            [
                hop.record_key,
                hop.other_record_key,
                hop.reason,
                "" if hop.weight is None else f"{hop.weight:.1f}",
                ", ".join(hop.values),
                "yes" if hop.is_kept else f"no: {hop.why_not}",
            ]
            for hop in found.path
        ]
        terminal.show(Table("Path of evidence", columns, rows))
