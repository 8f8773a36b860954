"""Records that a vendor no longer has, where nobody tells: believed only while they are few enough."""

from ingestion.known import Known
from ingestion.source import Landing
from mailhouse.errors import MailhouseError

STOP_IF_REMOVED, REMOVED_FLOOR = 0.2, 50  # more gone at once than this share, and this many: another account, or half an export


class TooManyGone(MailhouseError):
    """So many records have vanished at once that this is rather another account, or not the whole."""


def plausible(
    landing: Landing, known: Known, table: str, gone: list[str], parent_column: str | None = None, parent: str = ""
) -> list[str]:
    """The ids that are gone (under one parent); raises TooManyGone when `stop_if_removed` (a share) says they are too many."""
    share = float(landing.connection.settings.get("stop_if_removed", STOP_IF_REMOVED))
    known_before = known.present(table, parent_column, parent)
    if len(gone) > REMOVED_FLOOR and len(gone) > share * known_before:
        raise TooManyGone(
            f"connection {landing.connection.id}: {len(gone):,} of {known_before:,} {parent or table} are gone at once; none was"
            " taken for gone, see whether it is the same account and all of it, or say `stop_if_removed` in its settings"
        )
    return gone
