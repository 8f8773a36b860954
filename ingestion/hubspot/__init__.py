"""Everything we take from one HubSpot portal: its records, archived ones included, what people chose, what its mails set off."""

from collections.abc import Iterator
from functools import partial

import dlt
from dlt.extract import DltResource

from ingestion.auth import Authorization
from ingestion.client import VendorClient, VendorSession, address
from ingestion.fields import Fields
from ingestion.hubspot import settings
from ingestion.hubspot.events import email_events
from ingestion.hubspot.preferences import preferences
from ingestion.hubspot.records import records
from ingestion.hubspot.session import slow_down
from ingestion.source import Landing
from mailhouse.clock import Clock
from mailhouse.destinations.hubspot.reading import paths_of
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection


def client(connection: Connection, clock: Clock) -> VendorClient:
    """A client on the portal; makes no call yet. Raises CredentialsMissing."""
    url = address(connection)
    session = VendorSession(connection, clock, rate=settings.RATE, secret="token", slow_down=partial(slow_down, connection.id))
    return VendorClient(session, base_url=url, auth=Authorization(connection, "token"))


def probe(connection: Connection, clock: Clock) -> None:
    """Ask for one contact, to see that the portal answers and lets us read."""
    client(connection, clock).read(paths_of(connection).contacts, params={"limit": 1})


def contact_fields(custom: dict[str, str]) -> Fields:
    """The columns of `contacts`, configured custom properties included."""
    return settings.CONTACTS.with_custom(custom, lambda name: f"properties.{name}")


def tables(custom: dict[str, str]) -> list[Fields]:
    """Every table that a portal may land."""
    return [contact_fields(custom), *settings.RECORDS, settings.SUBSCRIPTION_STATUSES, settings.EMAIL_EVENTS]


@dlt.source(name="hubspot")
def hubspot(landing: Landing, client: VendorClient, custom: dict[str, str]) -> Iterator[DltResource]:
    """The tables of one portal; `custom` are the listed custom properties of contacts, `{name: type}`.

    What the token may not read is left out by `settings: {leave_out: [tickets]}`; contacts always land.
    """
    paths = paths_of(landing.connection)
    left_out = _left_out(landing.connection)
    yield records(landing, client, contact_fields(custom), paths)
    for of in settings.RECORDS:
        if of.table not in left_out:
            yield records(landing, client, of, paths)
    if settings.SUBSCRIPTION_STATUSES.table not in left_out:
        yield preferences(landing, client, paths)
    if settings.EMAIL_EVENTS.table not in left_out:
        yield email_events(landing, client)


def _left_out(connection: Connection) -> set[str]:
    known = {one.table for one in tables({})} - {settings.CONTACTS.table}
    said = connection.settings.get("leave_out") or []
    if not isinstance(said, list) or set(said) - known:
        raise ConfigurationError(f"connection {connection.id}: settings.leave_out: a list of some of {', '.join(sorted(known))}")
    return set(said)
