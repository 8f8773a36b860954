"""The vendors we can read: for each how its source is made and how records it no longer has are found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlt.extract import DltSource

from ingestion import hubspot
from ingestion.fields import Fields
from ingestion.known import Known
from ingestion.source import Landing
from mailhouse.settings import Settings

Removed = list[dict[str, Any]]


@dataclass(frozen=True)
class Vendor:
    """One vendor: `source` reads it, `tables` is what it lands, `gone` lists records it no longer has (as rows of `removed`)."""

    source: Callable[[Landing, Settings], DltSource]
    tables: Callable[[Settings], list[Fields]]
    gone: Callable[[Landing, Settings, Known], Removed] | None = None


def _custom(settings: Settings, name: str) -> dict[str, str]:
    return dict(settings.custom_properties.get(name) or {})


def _hubspot(landing: Landing, settings: Settings) -> DltSource:
    client = hubspot.client(landing.connection, landing.clock)
    return hubspot.hubspot(landing, client, _custom(settings, "hubspot_contacts"))


VENDORS: dict[str, Vendor] = {
    "hubspot": Vendor(
        source=_hubspot,
        tables=lambda settings: [hubspot.contact_fields(_custom(settings, "hubspot_contacts"))],
    ),
}
