"""All vendors on the loopback with two people in all of them, and a work directory in which they have landed."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.landing import land
from mailhouse.audit import Trail
from mailhouse.consent import land_inbox
from mailhouse.consent.acts import ConsentAct
from mailhouse.consent.inbox import Inbox
from mailhouse.contact_points import normalise
from mailhouse.leases import WAREHOUSE, Leases
from mailhouse.privacy import replay
from mailhouse.privacy.erase import ErasureReceipt, erase
from mailhouse.raw_schemas import create_empty
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse
from tests.python.parsed import parsed_project
from tests.python.privacy.canary import Canary
from tests.python.withdrawals.conftest import ROOT, Vendors

# as a build, a sync and a run with dbt leave them: a few of each kind, made by hand
LEFT_BEHIND = """
create schema if not exists marts;
create or replace table marts.customers as
    select 'cust-' || id as customer_id, lower(email) as email, firstname as first_name from raw_hubspot.contacts;
create or replace table marts.orders as
    select connection_id || '-' || id as order_id, 'cust-' || (customer_id::int - 5000) as customer_id,
        'shopify/customer/' || customer_id as record_key, name as order_name, total_amount as net_amount
    from raw_shopify.orders where customer_id not like 'erased%';
create or replace table marts.customer_sets as
    select [lower(email), 'cust-' || id] as names, json_object('who', lower(email)) as document from raw_hubspot.contacts
"""


class House:
    """A work directory beside all vendors; `token` is in everything of the canary, `other` is somebody else."""

    def __init__(self, folder: Path, vendors: Vendors) -> None:
        self.vendors, self.clock = vendors, vendors.empty()
        self.settings = Settings(ROOT, folder, vendors.connections())
        self.canary, self.other = Canary("kanarie7f3a", 1), Canary("bystander", 2)
        for person in (self.canary, self.other):
            person.put(vendors.store)
        parsed_project(self.settings)
        self.inbox = Inbox(self.settings.inbox_path)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings)

    def land(self, *, sweep: bool = True) -> None:
        """What a run does up to the build."""
        self.clock.sleep(60)
        self.vendors.store.set_now(self.clock.now())
        landed = land(self.settings, self.clock)
        assert [one.error for one in landed] == [None] * len(landed)
        with self.warehouse.write() as db:
            create_empty(db, ROOT / "ingestion" / "schemas")
            land_inbox(db, self.settings)
            (replay.sweep if sweep else replay.mark)(db, self.settings)
            normalise(db, json.loads(self.settings.manifest.read_text()))

    def leave_things_behind(self) -> None:
        """Models, a published copy, logs and files, all with the canary in them."""
        self.inbox.record(
            [
                ConsentAct("withdraw", person.address, self.canary.token if person is self.canary else "form")
                for person in self.people
            ],
            self.clock,
        )
        with self.warehouse.write() as db:
            land_inbox(db, self.settings)
            db.execute(LEFT_BEHIND)
        self.warehouse.publish()
        for path in ("logs/dbt.log", "target/run_results.json", "pipelines/hubspot/load/new/1/rows.txt", "inspect/mailchimp.csv"):
            file = self.settings.workdir / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.canary.address)

    @property
    def people(self) -> list[Canary]:
        return [self.canary, self.other]

    def erase(self, address: str | None = None) -> ErasureReceipt:
        with Leases(self.settings.leases_path, self.clock).hold(WAREHOUSE, doing="a test") as lease:
            return erase(self.settings, address or self.canary.address, self.clock, lease, actor="a test")

    def files_with(self, *texts: str) -> list[str]:
        """Every file under the work directory that holds one of these, by its raw bytes."""
        needles = [text.encode() for text in texts]
        found = []
        for path in sorted(self.settings.workdir.rglob("*")):
            if path.is_file() and any(needle in path.read_bytes().lower() for needle in needles):
                found.append(str(path.relative_to(self.settings.workdir)))
        return found

    def rows(self, query: str) -> list[tuple]:
        with self.warehouse.write() as db:
            return db.execute(query).fetchall()

    @property
    def trail(self) -> Trail:
        return Trail(self.settings)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    made = Vendors(tmp_path_factory.mktemp("privacy") / "sandbox")
    yield made
    made.close()


def moved(house: House, folder: Path) -> House:
    """The same house in another folder, and the people at the vendors again."""
    shutil.copytree(house.settings.workdir, folder)
    copy = object.__new__(House)
    copy.__dict__ = {**house.__dict__, "settings": replace(house.settings, workdir=folder)}
    copy.inbox = type(house.inbox)(copy.settings.inbox_path)
    for person in copy.people:
        person.put(copy.vendors.store)
    return copy


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory, served: Vendors) -> House:
    """The canary and the bystander have landed, and things of them lie about; to be copied, never changed."""
    made = House(tmp_path_factory.mktemp("landed") / "work", served)
    made.land()
    made.leave_things_behind()
    return made


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, landed: House) -> House:
    """One for the tests of a file, which may change it."""
    return moved(landed, tmp_path_factory.mktemp("house") / "work")
