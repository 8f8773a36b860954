"""Rows that a table which is read as a whole no longer has."""

from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.source import Landing
from mailhouse.errors import MailhouseError

STOP_IF_REMOVED, REMOVED_FLOOR = 0.2, 50  # more rows gone at once than this share, and this many: half an export


class TooMuchGone(MailhouseError):
    """So many rows have vanished at once that the table is rather not whole."""


def removed(landing: Landing, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for the keys that are no longer there; takes back what is there again.

    Raises TooMuchGone, and then takes no row for gone.
    """
    share = float(landing.connection.settings.get("stop_if_removed", STOP_IF_REMOVED))
    rows = []
    for (table, origin), ids in landing.whole.items():
        there = pa.array(ids, pa.string())
        known.forget_removal(table, there, origin)
        before = known.present(table, "origin", origin)
        gone = known.missing(table, there, "origin", origin)
        if len(gone) > REMOVED_FLOOR and len(gone) > share * before:
            raise TooMuchGone(
                f"connection {landing.connection.id}: {len(gone):,} of {before:,} rows of {origin} are gone at once; none was"
                " taken for gone, see whether the table is whole, or say `stop_if_removed` in the connection's settings"
            )
        at = landing.now().isoformat()
        rows += [{"resource": table, "parent_id": origin, "id": one, "noticed_at": at} for one in gone]
    return rows
