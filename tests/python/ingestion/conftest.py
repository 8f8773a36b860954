"""Fakes of our own for what a vendor must not do, the real sandbox for all it does."""

from datetime import UTC, datetime

import duckdb
import pytest

from ingestion.landing import land
from mailhouse.clock import FixedClock
from mailhouse.settings import Connection, Settings
from tests.python.ingestion.fake_hubspot import FakeHubSpot

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Place:
    """A work directory with one project file, the connections put into it, and a look into its warehouse."""

    def __init__(self, path):
        self.path = path
        self.connections = {}
        self.clock = FixedClock(NOW)
        self.list_custom()

    def list_custom(self, hubspot="{}", shopify="{}"):
        said = f"vars: {{custom_properties: {{hubspot_contacts: {hubspot}, shopify_customers: {shopify}}}}}"
        (self.path / "dbt_project.yml").write_text(said)

    def connect(self, vendor, url, identifier=None, secrets=None, **settings):
        identifier = identifier or vendor
        names = {name: f"{identifier}_{name}".upper() for name in secrets}
        self.connections[identifier] = Connection(identifier, vendor, url, settings, names, secrets)

    @property
    def settings(self):
        return Settings(self.path, self.path / "work", dict(self.connections))

    def land(self, **more):
        return {one.connection_id: one for one in land(self.settings, self.clock, **more)}

    def rows(self, sql):
        with duckdb.connect(str(self.settings.warehouse_path)) as db:
            db.execute("set TimeZone = 'UTC'")
            return db.execute(sql).fetchall()

    def one(self, sql):
        return self.rows(sql)[0][0]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def hubspot():
    fake = FakeHubSpot()
    yield fake
    fake.close()


@pytest.fixture
def portal(place, hubspot):
    """The place, connected to the fake HubSpot."""
    place.connect("hubspot", hubspot.url, secrets={"token": "right"})
    return place
