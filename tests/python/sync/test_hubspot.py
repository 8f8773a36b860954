"""HubSpot in step with a segment: the least calls, nothing to do is no call, and what a CRM knows of a person stays."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from mailhouse.sandbox.store import Row
from tests.python.sync.both import Both
from tests.python.sync.conftest import NOW, Esp

UPSERT = "POST /crm/objects/{version}/contacts/batch/upsert"
MOVE = "PUT /crm/lists/{version}/{list_id}/memberships/add-and-remove"
ROWS = 1_000  # of a membership call, as shipped


@pytest.fixture
def house(tmp_path: Path, esp: Esp) -> Iterator[Both]:
    made = Both(tmp_path / "work", esp)
    yield made
    made.close()


def writes(house: Both) -> dict[str, int]:
    """Write calls to HubSpot since the last look, one-time set-up left out."""
    calls = house.esp.control("GET", "/calls")["calls"]
    house.esp.control("DELETE", "/calls")
    found = {f"{one['method']} {one['path']}": one["calls"] for one in calls if one["writes"] and one["vendor"] == "hubspot"}
    return {name: count for name, count in found.items() if name in (UPSERT, MOVE)}


def only_hubspot(house: Both, name: str, people: range, **meta: object) -> None:
    house.segment(name, people, klaviyo=False, mailchimp=False, hubspot=True, **meta)


def contact(house: Both, number: int) -> Row:
    (row,) = house.esp.store.by_email("hubspot.contact", f"person{number}@example.test")
    return row


def test_five_thousand_known_people_who_changed_are_fifty_batches_and_five_membership_calls(house):
    house.people(range(5000))
    only_hubspot(house, "vip", range(5000))
    result = house.sync()
    assert result.ok
    assert writes(house) == {UPSERT: 50, MOVE: ceil(5000 / ROWS)}
    house.in_step(result, with_fields=True)
    house.warehouse.execute("update profiles.mailchimp_profiles set orders = orders + 1")
    writes(house)
    assert house.sync().ok
    assert writes(house) == {UPSERT: 50}
    assert house.plan().is_empty
    assert house.sync().ok
    assert writes(house) == {}
    assert len(house.hubspot_listed("Vip")) == 5000


def test_who_leaves_and_who_joins_are_moved_in_calls_of_the_configured_size(house):
    house.people(range(30))
    only_hubspot(house, "vip", range(20))
    house.sync()
    writes(house)
    house.hubspot_settings["membership_rows"] = 4
    house.members("vip", range(15, 30))
    assert house.sync().ok
    assert writes(house) == {UPSERT: 1, MOVE: ceil(15 / 4) + ceil(10 / 4)}
    assert house.hubspot_listed("Vip") == {f"person{number}@example.test" for number in range(15, 30)}


def test_what_the_crm_knows_of_a_person_is_never_written(house):
    properties = {"email": "person1@example.test", "firstname": "Typed", "lastname": "Byhand", "phone": "+4930123456"}
    body = {"createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z", "properties": properties}
    house.esp.store.put("hubspot.contact", Row("77", dict(body), NOW, email="person1@example.test"))
    house.people(range(3))
    only_hubspot(house, "vip", range(3))
    assert house.sync().ok
    kept = contact(house, 1)
    assert kept.id == "77"
    assert {name: kept.body["properties"][name] for name in properties} == properties
    assert kept.body["properties"]["orders"] == "1"
    assert contact(house, 2).body["properties"].keys() <= {"email", "greeting", "orders", "last_order_date", "lastmodifieddate"}


def test_somebody_who_opted_out_is_taken_off_the_list_and_a_later_write_passes_them_by(house):
    house.people(range(5))
    only_hubspot(house, "vip", range(5))
    house.sync()
    house.decide(3, "deny", "withdrawn")
    before = contact(house, 3).body["updatedAt"]
    house.warehouse.execute("update profiles.mailchimp_profiles set orders = 9")
    house.later(hours=1)
    assert house.sync().ok
    assert "person3@example.test" not in house.hubspot_listed("Vip")
    assert contact(house, 3).body["updatedAt"] == before
    assert contact(house, 2).body["properties"]["orders"] == "9"


def test_the_second_lock_refuses_who_opted_out_in_hubspot_itself(house):
    house.people(range(4))
    locked = "case customer_id when 'c000002' then 'unsubscribed' when 'c000003' then 'another_address' end"
    house.warehouse.execute("create table profiles.everybody as select * from profiles.mailchimp_profiles")
    for name in ("hubspot", "klaviyo"):
        house.warehouse.execute(f"drop view profiles.{name}_profiles")
    house.warehouse.execute("drop table profiles.mailchimp_profiles")
    for name, status in (("hubspot", locked), ("klaviyo", "null"), ("mailchimp", "null")):
        house.warehouse.execute(
            f"create view profiles.{name}_profiles as select *, cast({status} as varchar) as esp_status from profiles.everybody"
        )
    house.profile_columns.append("esp_status")
    only_hubspot(house, "vip", range(4))
    result = house.sync()
    assert result.ok
    assert house.hubspot_listed("Vip") == {"person0@example.test", "person1@example.test"}
    (audience,) = [one for one in result.plan.audiences if one.destination == "hubspot"]
    assert dict(audience.refused) == {"esp_unsubscribed": 1, "esp_another_address": 1}
