"""Which purposes of mail a system serves, so that a withdrawal of one purpose is told where that purpose is mailed from."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.context import Context

# what a system serves that nobody has said anything of
USUAL = frozenset({"marketing_email"})
# a CRM goes on sending its own mail, whatever the segments that feed it are for
OF_THEIR_OWN = frozenset({"hubspot"})


@dataclass(frozen=True)
class Served:
    """Purposes by connection, and by container; with `trouble` (what could not be read) everything is taken as served."""

    said: Mapping[str, frozenset[str]]
    fed: Mapping[tuple[str, str], frozenset[str]]
    trouble: tuple[str, ...] = ()

    def by(self, connection_id: str, container: str | None) -> frozenset[str] | None:
        """The purposes of the mail that goes out from a container (by its name; None: from any); None is every purpose."""
        if self.trouble:
            return None
        if connection_id in self.said:
            return self.said[connection_id]
        if container is None:
            fed = [purposes for (fed_by, _), purposes in self.fed.items() if fed_by == connection_id]
            return USUAL.union(*fed)
        return self.fed.get((connection_id, container), USUAL)


def served_purposes(context: Context) -> Served:
    """What connections.yml says (`settings.purposes`), then what the segments' meta sends where, then marketing mail."""
    said: dict[str, frozenset[str]] = {}
    trouble = []
    for connection in context.settings.connections.values():
        try:
            if purposes := _said_of(connection):
                said[connection.id] = purposes
        except ConfigurationError as error:
            trouble.append(str(error))
    fed: dict[tuple[str, str], set[str]] = {}
    try:
        # before anything was ever parsed there is no segment, and nothing that could be owed
        audiences = read_audiences(context.manifest, context.settings.connections).audiences if context.manifest.exists() else ()
    except ConfigurationError as error:
        trouble.append(str(error))
        audiences = ()
    for audience in audiences:
        served = fed.setdefault((audience.destination, audience.container), set())
        served.add(audience.purpose)
        if context.settings.connections[audience.destination].vendor in OF_THEIR_OWN:
            served |= USUAL
    return Served(said, {place: frozenset(purposes) for place, purposes in fed.items()}, tuple(trouble))


def _said_of(connection: Connection) -> frozenset[str]:
    said = connection.settings.get("purposes")
    if said is None:
        return frozenset()
    if not isinstance(said, list) or not said or not all(isinstance(purpose, str) for purpose in said):
        raise ConfigurationError(
            f"connection {connection.id}: settings.purposes must be a list of purposes; see docs/withdrawals.md"
        )
    return frozenset(said)
