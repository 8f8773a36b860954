"""What every command takes, and the settings it works with."""

import math
from pathlib import Path

import click

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection, Settings, load_settings, prepare_environment

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


def named_connection(settings: Settings, name: str) -> Connection:
    """The connection of that id, or the only one of that vendor. Raises ConfigurationError."""
    if name in settings.connections:
        return settings.connections[name]
    found = [one for one in settings.connections.values() if one.vendor == name]
    if len(found) != 1:
        known = ", ".join(sorted(settings.connections)) or "none"
        raise ConfigurationError(f"{name!r} is no connection, nor a vendor with one of its own; connections are {known}")
    return found[0]
