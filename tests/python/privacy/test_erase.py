"""A canary is erased: no file holds them, every vendor has forgotten them, and nothing brings them back."""

import json

import pytest

from mailhouse.audit import verify
from mailhouse.backup.create import create
from mailhouse.backup.restore import restore
from mailhouse.errors import BackupRefused
from mailhouse.privacy import replay
from mailhouse.privacy.closure import people, resolve
from mailhouse.privacy.export import export, write_export
from mailhouse.privacy.held import held
from mailhouse.sandbox.mailchimp_words import hash_of
from tests.python.privacy.conftest import House

MONEY = "select count(*), sum(total_amount), sum(total_refunded_amount) from raw_shopify.orders"
ELSEWHERE = "select count(*) from raw_{} where {} like '%bystander%'"


@pytest.fixture(scope="module")
def erased(house: House) -> House:
    """What was there is looked at first; the order of these tests is that of the story."""
    house.before = {
        "money": house.rows(MONEY),
        "lines": house.rows("select sum(unit_price * quantity), sum(discount_amount) from raw_shopify.order_lines"),
        "files": house.files_with(*house.canary.texts),
        "export": export(house.settings, house.canary.address, house.clock.now()),
        "touched": touched(house),
    }
    house.backup = create(house.settings)
    house.receipt = house.erase()
    return house


def touched(house: House) -> dict[str, int]:
    """How many rows of which table an erasure would touch."""
    with house.warehouse.write() as db:
        closure = resolve(db, house.settings.manifest, house.canary.address)
        with people(db, closure):
            counts = {
                one.relation: db.execute(f"select count(*) from {one.relation} as held where {one.where}").fetchall()[0][0]
                for one in held(db)
            }
    return {table: count for table, count in counts.items() if count}


def test_the_canary_was_everywhere(erased):
    made = erased.before["export"]
    assert made.closure.mailboxes == {erased.canary.address, erased.canary.old_address}
    vendors = {part.source for part in made.parts}
    ours = {"inbox", "contact_points", "mailhouse"}
    assert vendors - ours == {"hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce"}
    assert ours <= vendors
    left_at = {"warehouse.duckdb", "published.duckdb", "inbox.db", "logs/dbt.log", "target/run_results.json"}
    assert left_at <= set(erased.before["files"])


def test_an_export_shows_what_an_erasure_touches(erased):
    shown = {part.relation: len(part.rows) for part in erased.before["export"].parts if part.relation != "inbox.db"}
    assert shown == erased.before["touched"] == erased.receipt.rows
    assert sum(len(part.rows) for part in erased.before["export"].parts if part.relation == "inbox.db") == erased.receipt.acts


def test_every_vendor_gives_a_receipt(erased):
    assert {one.connection_id: one.status for one in erased.receipt.vendors} == dict.fromkeys(
        ("hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce"), "deleted"
    )
    assert erased.receipt.ok


def test_no_file_holds_the_canary(erased):
    assert erased.files_with(*erased.canary.texts) == []
    assert erased.files_with("bystander") != []


def test_the_vendors_have_forgotten_them(erased):
    store, canary = erased.vendors.store, erased.canary
    erased.vendors.runtime.settle()
    assert store.get("hubspot.contact", "1") is None
    assert store.count("hubspot.blocked") == 2
    assert canary.token not in json.dumps(store.get("shopify.customer", "5001").body)
    for list_id in ("list1", "list2"):
        assert store.get("mailchimp.member", hash_of(canary.address), list_id) is None
        assert store.get("mailchimp.forgotten", hash_of(canary.address), list_id) is not None
    assert store.get("klaviyo.profile", canary.profile_id) is None
    assert [store.count(f"salesforce.{kind}", deleted=None) for kind in ("Contact", "Lead", "CampaignMember")] == [1, 1, 1]


def test_what_was_paid_stays_under_another_name(erased):
    assert erased.rows(MONEY) == erased.before["money"]
    assert (
        erased.rows("select sum(unit_price * quantity), sum(discount_amount) from raw_shopify.order_lines")
        == erased.before["lines"]
    )
    ((customer, email, name),) = erased.rows("select customer_id, email, name from raw_shopify.orders where id = '6001'")
    assert customer.startswith("erased-") and (email, name) == (None, None)
    assert erased.rows("select customer_id, order_name from marts.orders where order_id = 'shopify-6001'") == [(customer, None)]


def test_nobody_else_is_touched(erased):
    for table, column in (("hubspot.contacts", "email"), ("mailchimp.sent_to", "email_address"), ("klaviyo.events", "recipient")):
        assert erased.rows(ELSEWHERE.format(table, column)) == [(1,)]
    assert erased.rows("select order_name from marts.orders where order_id = 'shopify-6002'") == [("#-bystander",)]
    assert [one.act.address for one in erased.inbox.acts()] == [erased.other.address]


def test_the_trail_tells_of_it_and_of_nobody(erased):
    (entry,) = erased.trail.entries()
    assert (entry.action, entry.actor, entry.reference) == ("erasure", "a test", erased.receipt.erasure_id)
    assert verify(erased.trail).ok


def test_nothing_of_them_is_left_to_export(erased):
    assert export(erased.settings, erased.canary.address, erased.clock.now()).is_empty


def test_a_landing_of_all_sources_brings_nothing_back(erased):
    erased.land()
    assert erased.files_with(*erased.canary.texts) == []
    assert erased.rows(MONEY) == erased.before["money"]


def test_vendors_that_kept_them_bring_nothing_back(erased):
    """A vendor that said yes and did nothing, events that come late, an order that is still under way."""
    erased.canary.put(erased.vendors.store, erased.clock.now())
    erased.land()
    assert erased.files_with(*erased.canary.texts) == []
    assert erased.rows(MONEY) == erased.before["money"]
    assert erased.rows("select count(*) from raw_mailchimp.members where email_address like 'bystander%'") == [(2,)]


def test_what_came_another_way_is_taken_out_again(erased):
    """Rows that no landing of ours brought: staging leaves them out, and the next run takes them out."""
    with erased.warehouse.write() as db:
        db.execute(
            "insert into raw_hubspot.contacts by name select * replace (? as email, '99' as id) from raw_hubspot.contacts",
            [erased.canary.address.upper()],
        )
    erased.land()
    erased.warehouse.rewrite()
    assert erased.files_with(*erased.canary.texts) == []


def test_erasing_again_reaches_what_vendors_have_got_since(erased):
    again = erased.erase()
    assert again.ok and again.erasure_id != erased.receipt.erasure_id
    # the shop has them under another address, and nothing tells any more that it was theirs
    known = ("hubspot", "mailchimp", "klaviyo", "sendgrid", "salesforce")
    expected = {**dict.fromkeys(known, "deleted"), "shopify": "not_there"}
    assert {one.connection_id: one.status for one in again.vendors} == expected
    assert {one.status for one in erased.erase().vendors} == {"not_there"}


def test_a_backup_from_before_brings_nobody_back(erased):
    """The whole old state comes back but for them; and the backup itself is opened by nothing else."""
    assert erased.rows(ELSEWHERE.format("hubspot.contacts", "email")) == [(1,)]
    erased.rows("delete from raw_hubspot.contacts")
    restore(erased.settings, erased.backup, replay=replay.restored)
    assert [one for one in erased.files_with(*erased.canary.texts) if not one.startswith("backups/")] == []
    assert erased.rows(ELSEWHERE.format("hubspot.contacts", "email")) == [(1,)]
    assert erased.rows(MONEY) == erased.before["money"]
    erased.land()
    assert [one for one in erased.files_with(*erased.canary.texts) if not one.startswith("backups/")] == []
    with pytest.raises(BackupRefused, match="people were erased"):
        restore(erased.settings, erased.backup)


def test_an_export_is_written_for_its_owner_alone(house, tmp_path):
    made = export(house.settings, house.other.address, house.clock.now())
    written = write_export(made, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "export.json").read_text())
    assert set(document["addresses"]) == {house.other.address, house.other.old_address}
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert len(written) == len(made.parts) + 1
