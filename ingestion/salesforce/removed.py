"""Records that the org has no more: most lie in the recycle bin and are found there, some were deleted past it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa

from ingestion.known import Known
from ingestion.salesforce import settings
from ingestion.salesforce.org import Org
from ingestion.salesforce.settings import RESOURCES, Resource
from ingestion.source import Landing
from mailhouse.errors import MailhouseError


class TooManyGone(MailhouseError):
    """So many records have vanished at once that the credentials are rather of another org."""


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
        for gone in _plausible(landing, resource, known, known.missing(resource.table, there)):
            rows.append({"resource": resource.table, "parent_id": "", "id": gone, "noticed_at": at})
    known.removals_were_searched(landing.now())
    return rows


def _plausible(landing: Landing, resource: Resource, known: Known, gone: list[str]) -> list[str]:
    share = float(landing.connection.settings.get("stop_if_removed", settings.STOP_IF_REMOVED))
    known_before = known.present(resource.table)
    if len(gone) > settings.REMOVED_FLOOR and len(gone) > share * known_before:
        raise TooManyGone(
            f"connection {landing.connection.id}: {len(gone):,} of {known_before:,} {resource.table} are gone at once; none was"
            " taken for gone, check that the credentials are of the same org, or say `stop_if_removed` in its settings"
        )
    return gone


def _ids(pages: Iterator[list[dict[str, Any]]]) -> pa.Array:
    chunks = [pa.array([record.get("Id") for record in page], pa.string()) for page in pages]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
