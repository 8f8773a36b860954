"""`mailhouse new source|destination|segment NAME`: a working skeleton to begin from."""

from pathlib import Path

import click

from mailhouse import scaffold, terminal
from mailhouse.settings import find_project


@click.command()
@click.argument("kind", type=click.Choice(scaffold.KINDS))
@click.argument("name")
@click.option("--project", type=click.Path(file_okay=False, path_type=Path), help="The project's folder [the nearest above].")
def new(kind: str, name: str, project: Path | None) -> None:
    """Write the skeleton of a source, a destination or a segment, with its tests and its stub in the sandbox."""
    folder = project or find_project()
    for path in scaffold.make(folder, kind, name):
        terminal.line(f"  {path}")
    terminal.line(f"made {kind} {name}; docs/add-a-{kind}.md goes on from here")
