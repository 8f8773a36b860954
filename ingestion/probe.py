"""One small question to a connection, to see whether it answers and accepts us."""

from ingestion.vendors import VENDORS
from mailhouse.clock import SystemClock
from mailhouse.settings import Connection


def probe(connection: Connection) -> None:
    """Raises what landing would raise: CredentialsMissing, CredentialsRejected, VendorUnreachable, MalformedAnswer."""
    VENDORS[connection.vendor].probe(connection, SystemClock())
