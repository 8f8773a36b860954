"""Records that the org has no more: most lie in the recycle bin and are found there, some were deleted past it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.salesforce import settings
from ingestion.salesforce.org import Org
from ingestion.salesforce.settings import RESOURCES
from ingestion.source import Landing
from ingestion.vanished import plausible


def removed(landing: Landing, org: Org, known: Known) -> list[dict[str, Any]]:
    """Rows of `removed` for what has vanished, looked for every so many hours; takes back what is there again.

    The recycle bin is read with every landing. It keeps a record for 15 days and has no room for ever more of them, and a
    record can be deleted past it: so all ids are held against ours as well, more often than the bin is emptied.
    Raises TooManyGone, and then takes no removal over.
    """
    hours = float(landing.connection.settings.get("removals_hours", settings.REMOVALS_HOURS))
    searched_at = known.removals_searched_at()
    if searched_at is not None and landing.now() - searched_at < timedelta(hours=hours):
        return []
    at = landing.now().isoformat()
    rows = []
    for resource in RESOURCES:
        there = _ids(page for page, _ in org.pages(f"SELECT Id FROM {resource.sobject} ORDER BY Id"))
        known.forget_removal(resource.table, there)
        for gone in plausible(landing, known, resource.table, known.missing(resource.table, there)):
            rows.append({"resource": resource.table, "parent_id": "", "id": gone, "noticed_at": at})
    known.removals_were_searched(landing.now())
    return rows


def _ids(pages: Iterator[list[dict[str, Any]]]) -> pa.Array:
    chunks = [pa.array([record.get("Id") for record in page], pa.string()) for page in pages]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
