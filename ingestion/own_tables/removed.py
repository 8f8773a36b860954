"""Rows that a table which is read as a whole no longer has."""

from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.source import Landing
from ingestion.vanished import plausible


def removed(landing: Landing, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for the keys that are no longer there; takes back what is there again.

    Raises TooManyGone, and then takes no row for gone.
    """
    rows = []
    for (table, origin), ids in landing.whole.items():
        there = pa.array(ids, pa.string())
        known.forget_removal(table, there, origin)
        gone = plausible(landing, known, table, known.missing(table, there, "origin", origin), "origin", origin)
        at = landing.now().isoformat()
        rows += [{"resource": table, "parent_id": origin, "id": one, "noticed_at": at} for one in gone]
    return rows
