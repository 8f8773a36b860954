"""The suppression group that a connection names: refusals go into it, and mails go out under it."""

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection


def group_of(connection: Connection) -> str | None:
    """The group (`settings.suppression_group`), None for everywhere. Raises ConfigurationError."""
    said = connection.settings.get("suppression_group")
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | str) or not str(said).isdigit():
        raise ConfigurationError(f"connection {connection.id}: settings.suppression_group must be the number of a group")
    return str(said)
