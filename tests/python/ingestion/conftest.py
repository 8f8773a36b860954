"""Fakes of our own for what a vendor must not do, the real sandbox for all it does."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.landing import land
from mailhouse.clock import FixedClock
from mailhouse.settings import Connection, Settings
from tests.python.ingestion.fake_hubspot import CONTACTS_ALONE, FakeHubSpot
from tests.python.sandbox.conftest import sandbox_factory  # noqa: F401  the real sandbox, served for one test

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROFILES = Path(__file__).parents[3] / "profiles.yml"


class Place:
    """A work directory with one project file, the connections put into it, and a look into its warehouse."""

    def __init__(self, path):
        self.path = path
        self.connections = {}
        self.clock = FixedClock(NOW)
        self.list_custom()
        shutil.copy(PROFILES, path)

    def list_custom(self, hubspot="{}", shopify="{}", klaviyo="{}", sendgrid="{}", salesforce="{}"):
        listed = f"hubspot_contacts: {hubspot}, shopify_customers: {shopify}, klaviyo_profiles: {klaviyo}"
        listed = f"{{{listed}, sendgrid_contacts: {sendgrid}, salesforce_contacts: {salesforce}}}"
        (self.path / "dbt_project.yml").write_text(f"vars: {{custom_properties: {listed}}}")

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
    place.connect("hubspot", hubspot.url, secrets={"token": "right"}, **CONTACTS_ALONE)
    return place


class Vendors:
    """The real sandbox, served in this process with a small company, and what it was asked."""

    def __init__(self, served):
        self.served = served
        self.store = served.store

    def asked(self, vendor):
        """Rows answered since the last look, by path and operation."""
        counted = self.served.calls()
        found = {}
        for one in counted["calls"] if isinstance(counted, dict) else counted:
            if one["vendor"] == vendor:
                found[f"{one['path']} {one['operation']}".strip()] = one["rows"]
        self.served.call("DELETE", "/_sandbox/calls")
        return found


@pytest.fixture
def vendors(place, sandbox_factory):  # noqa: F811
    """The place, connected to the real sandbox."""
    served = sandbox_factory()
    connect_all(place, served)
    return Vendors(served)


def connect_all(place, served):
    """Connect every vendor of a served sandbox."""
    for vendor, secrets in served.runtime.secrets.items():
        place.connect(vendor, f"{served.url}/{vendor}", secrets=secrets)
    place.clock = FixedClock(served.store.now())


def connect_files(place):
    """Connect what is no vendor's server: an empty folder for each kind of file, an empty database."""
    for vendor in ("segment", "files"):
        folder = place.path / vendor
        folder.mkdir()
        place.connect(vendor, str(folder), secrets={})
    place.connect("database", f"sqlite:///{place.path}/own.db", secrets={})
