"""Records that a vendor no longer has, where nobody tells: believed only while they are few enough."""

from ingestion.known import Known
from ingestion.source import Landing
from mailhouse.errors import MailhouseError

STOP_IF_REMOVED, REMOVED_FLOOR = 0.2, 50  # more gone at once than this share, and this many: rather another account


class TooManyGone(MailhouseError):
    """So many records have vanished at once that the key is rather of another account."""


def plausible(landing: Landing, known: Known, table: str, gone: list[str]) -> list[str]:
    """The ids that are gone; raises TooManyGone when a connection's `stop_if_removed` (a share) says they are too many."""
    share = float(landing.connection.settings.get("stop_if_removed", STOP_IF_REMOVED))
    known_before = known.present(table)
    if len(gone) > REMOVED_FLOOR and len(gone) > share * known_before:
        raise TooManyGone(
            f"connection {landing.connection.id}: {len(gone):,} of {known_before:,} {table} are gone at once; none was taken for"
            " gone, check that the key is of the same account, or say `stop_if_removed` in the connection's settings"
        )
    return gone
