"""What every command takes, and the settings it works with."""

import math
from pathlib import Path

import click

from mailhouse.settings import Settings, load_settings, prepare_environment

workdir_option = click.option(
    "--workdir", type=click.Path(file_okay=False, path_type=Path), help="Where everything a run leaves is kept [.mailhouse]."
)
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    is_flag=False,
    flag_value=math.inf,
    metavar="[SECONDS]",
    help="Wait while another run has the warehouse, so many seconds or until it is free; without it, refuse at once.",
)


def settings_of(context: click.Context, workdir: Path | None = None) -> Settings:
    """The settings for this call; a command's own `--workdir` wins over the group's."""
    settings = load_settings(workdir or context.obj["workdir"])
    prepare_environment(settings)
    return settings
