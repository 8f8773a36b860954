"""What is done to raw tables in Snowflake before a build: the same as is done to those in the work directory."""

from datetime import UTC, datetime

import duckdb
import pytest

from mailhouse.clock import FixedClock
from mailhouse.consent.acts import ConsentAct
from mailhouse.consent.inbox import Inbox
from mailhouse.privacy.tombstones import EMAIL, Tombstones
from tests.python.parsed import parsed_project
from tests.python.snowflake.conftest import Account, Machine

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
ANN, BOB = "Ann.Example@Mail.example", "bob@mail.example"


@pytest.fixture
def house(machine, account) -> Machine:
    """A machine whose raw tables were made, with two contacts in them."""
    made = machine("house")
    made.begin()
    made.warehouse.prepare_raw(manifest_of(made))
    account.run(
        "insert into raw_hubspot.contacts (connection_id, id, email, phone, hs_additional_emails, country) values"
        f" ('hubspot', '1', '{ANN}', null, 'other@mail.example;  third@mail.example', null),"
        f" ('hubspot', '2', '{BOB}', '044 668 18 00', null, 'CH')"
    )
    return made


def manifest_of(machine: Machine) -> dict:
    return dict(parsed_project(machine.settings).read_manifest())


def test_every_table_that_dbt_reads_is_there_before_anything_landed(machine, account: Account):
    made = machine("house")
    made.begin()
    manifest = manifest_of(made)
    made.warehouse.prepare_raw(manifest)
    tables = {f"{source['schema']}.{source['identifier']}" for source in manifest["sources"].values()}
    counted = " union all ".join(f"select '{name}' as name, count(*) as records from {name}" for name in sorted(tables))
    assert dict(account.rows(counted)) == dict.fromkeys(tables, 0)


def test_each_value_is_given_its_normal_form_once(house: Machine, account: Account):
    manifest = manifest_of(house)
    assert house.warehouse.prepare_raw(manifest).normalised > 0
    assert house.warehouse.prepare_raw(manifest).normalised == 0
    forms = dict(account.rows("select raw_value, wide from raw_contact_points.normalised where kind = 'email'"))
    assert forms[ANN] == ANN.lower() and forms[BOB] == BOB
    assert {value.strip() for value in forms} == {ANN, BOB, "other@mail.example", "third@mail.example"}


def test_the_inbox_lands_once(house: Machine, account: Account):
    Inbox(house.settings.inbox_path).record([ConsentAct("withdraw", BOB, "phone", occurred_at=NOW)], FixedClock(NOW))
    for _ in range(2):
        house.warehouse.prepare_raw(manifest_of(house))
    assert account.rows("select address, act, occurred_at from raw_inbox.consent_acts") == [(BOB, "withdraw", NOW)]


def test_whoever_was_erased_is_marked_and_their_data_is_not_kept_here(house: Machine, account: Account):
    Tombstones(house.settings).write([(EMAIL, ANN.lower())], "e1", "erased-abc", NOW)
    for _ in range(2):
        house.warehouse.prepare_raw(manifest_of(house))
        assert account.rows("select kind, value, surrogate from raw_privacy.erased_values") == [(EMAIL, ANN, "erased-abc")]
    with duckdb.connect(str(house.settings.warehouse_path), read_only=True) as connection:
        schemas = {name for (name,) in connection.execute("select schema_name from information_schema.schemata").fetchall()}
    assert not {name for name in schemas if name.startswith("raw_")}
