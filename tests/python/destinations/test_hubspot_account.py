"""HubSpot as a destination against the sandbox: batches, refused rows, memberships, and what is read back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import orjson
import pytest

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.hubspot.account import Account, connect
from mailhouse.destinations.keys import key_of, normal
from mailhouse.errors import ConfigurationError, CredentialsRejected, VendorUnreachable
from mailhouse.http import OutcomeUnknown
from mailhouse.sandbox import hubspot_members
from mailhouse.sandbox.hubspot_lists import list_row
from mailhouse.sandbox.store import Row, stamp
from mailhouse.settings import Connection
from tests.python.destinations.conftest import NOW, Vendor

UPSERT = "POST /crm/objects/{version}/contacts/batch/upsert"
MOVE = "PUT /crm/lists/{version}/{list_id}/memberships/add-and-remove"
FIELDS = {"greeting": "text", "orders": "number", "born_on": "date", "is_vip": "boolean"}


class Portal:
    """The sandbox's HubSpot, asked by the shipped adapter and looked at from behind."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor, self.store, self.runtime = vendor, vendor.store, vendor.runtime

    def connection(self, **settings: Any) -> Connection:
        secrets = {"token": self.runtime.secrets["hubspot"]["token"]}
        said = {"limits": {"timeout": 10.0, **settings.pop("limits", {})}, **settings}
        return Connection("hubspot", "hubspot", f"{self.vendor.url}/hubspot", said, {"token": "TEST_HUBSPOT_TOKEN"}, secrets)

    def ask(self, asked: Callable[[Account], Awaitable[Any]], **settings: Any) -> Any:
        async def run() -> Any:
            async with connect(self.connection(**settings), self.vendor.clock) as account:
                return await asked(account)

        return asyncio.run(run())

    def send(self, call: Call, **settings: Any) -> dict[str, Outcome]:
        """Send a call as the sync does: what is unknown is settled. Outcomes by the name before the @."""

        async def ask(account: Account) -> list[Outcome]:
            try:
                return await account.send(call, [].append)
            except OutcomeUnknown:
                return await account.settle(call)

        names = {change.key: change.address.partition("@")[0] for change in call.changes}
        outcomes = self.ask(ask, **settings)
        assert sorted(outcome.key for outcome in outcomes) == sorted(names)
        return {names[outcome.key]: outcome for outcome in outcomes}

    def faults(self, *described: dict[str, Any]) -> None:
        self.runtime.faults.replace([{"vendor": "hubspot", **one} for one in described])

    def writes(self) -> dict[str, int]:
        return self.vendor.writes()

    def contact(self, name: str) -> Row:
        (row,) = self.store.by_email("hubspot.contact", f"{name}@example.test")
        return row

    def put(self, identifier: str, **properties: str) -> None:
        body = {"createdAt": stamp(NOW), "updatedAt": stamp(NOW), "properties": properties}
        self.store.put("hubspot.contact", Row(identifier, body, NOW, email=properties.get("email", "").lower()))

    def members(self, name: str) -> set[str]:
        (row,) = self.store.search("hubspot.list", "json_extract(body, '$.name') = ?", [name], ordering="num", limit=1)
        found = self.store.get_many("hubspot.contact", [one for one, _ in hubspot_members.page(self.store, row.id, "0", 1000)])
        return {contact.email.partition("@")[0] for contact in found.values()}


@pytest.fixture
def portal(vendor: Vendor) -> Iterator[Portal]:
    """A portal with the lists VIP and News and four properties of ours."""
    made = Portal(vendor)
    made.ask(lambda account: account.prepare("", ["VIP", "News"], FIELDS))
    made.writes()
    yield made


def change(name: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Change:
    address = name if "@" in name else f"{name}@example.test"
    text = orjson.dumps(dict(fields or {"orders": 1}), option=orjson.OPT_SORT_KEYS).decode()
    return Change("hubspot", "", key_of(address), f"c-{name}", address, normal(address), text, "h", **{"write": True, **more})


def write(*changes: Change) -> Call:
    return Call("write", "", "", changes)


def people(count: int) -> list[Change]:
    return [change(f"person{number}") for number in range(count)]


def test_all_kinds_of_values_travel_as_text_and_read_back_as_the_same(portal):
    fields = {"greeting": "Hello", "orders": 12.5, "born_on": "1990-05-04", "is_vip": True}
    outcome = portal.send(write(change("Ann", fields)))["Ann"]
    kept = portal.contact("ann")
    assert (outcome.status, outcome.vendor_id) == ("accepted", kept.id)
    properties = kept.body["properties"]
    assert {name: properties[name] for name in fields} == {
        "greeting": "Hello",
        "orders": "12.5",
        "born_on": "1990-05-04",
        "is_vip": "true",
    }
    (record,) = portal.ask(lambda account: account.records("", ["VIP"], list(fields)))
    assert (record.key, record.status) == (key_of("ann@example.test"), "subscribed")
    assert all(wire.keeps(value, orjson.loads(record.fields)[name]) for name, value in fields.items())
    portal.send(write(change("ann", {"greeting": None, "is_vip": False})))
    properties = portal.contact("ann").body["properties"]
    assert (properties["greeting"], properties["is_vip"], properties["orders"]) == (None, "false", "12.5")


def test_a_refused_row_keeps_its_reason_and_the_others_land_with_the_same_call(portal):
    outcomes = portal.send(write(*people(5), change("not-an@address")))
    assert {name: one.status for name, one in outcomes.items()} == {
        **{f"person{number}": "accepted" for number in range(5)},
        "not-an": "rejected",
    }
    refused = outcomes["not-an"]
    assert refused.code == "validation_error"
    assert "@" not in refused.reason
    assert portal.writes() == {UPSERT: 1}


def test_rows_refused_by_order_are_told_apart_in_a_207(portal):
    portal.faults({"path_contains": "batch/upsert", "do": "partial", "rows": ["person3@example.test"]})
    outcomes = portal.send(write(*people(10)))
    assert [name for name, one in outcomes.items() if one.status == "rejected"] == ["person3"]


def test_a_batch_refused_as_a_whole_is_halved_until_the_row_at_fault_stands_alone(portal):
    portal.faults({"path_contains": "batch/upsert", "do": "400", "times": None, "rows": ["person13@example.test"]})
    outcomes = portal.send(write(*people(64)))
    assert [name for name, one in outcomes.items() if one.status == "rejected"] == ["person13"]
    assert portal.writes()[UPSERT] <= 1 + 2 * 6


@pytest.mark.parametrize("do", ["timeout_before", "timeout_after_apply", "truncated", "html200", "reset"])
def test_a_lost_answer_is_read_back_and_nothing_is_sent_twice(portal, do):
    portal.faults({"path_contains": "batch/upsert", "do": do, "seconds": 0.3})
    outcomes = portal.send(write(*people(3)), limits={"timeout": 0.2})
    taken = do in ("timeout_after_apply", "truncated")
    assert {one.status for one in outcomes.values()} == ({"accepted"} if taken else {"try_again"})
    assert portal.writes() == {UPSERT: 1}


def test_a_throttled_call_comes_again_and_lands(portal):
    portal.faults({"path_contains": "batch/upsert", "do": "429", "times": 3})
    before = portal.vendor.clock.now()
    assert {one.status for one in portal.send(write(*people(3))).values()} == {"accepted"}
    assert portal.writes() == {UPSERT: 4}
    assert portal.vendor.clock.now() > before


def test_the_portals_own_limits_refuse_nothing_that_the_adapter_sends(portal):
    portal.runtime.limits.use("vendor")
    # what earlier tests asked in the same simulated seconds is no longer counted
    portal.vendor.clock.sleep(60)

    async def many(account: Account) -> list[list[Outcome]]:
        calls = [write(change(f"person{number}")) for number in range(250)]
        return await asyncio.gather(*(account.send(call, [].append) for call in calls))

    assert all(one[0].status == "accepted" for one in portal.ask(many))
    statuses = [one["statuses"] for one in portal.runtime.calls.as_json()["calls"] if one["path"].endswith("upsert")]
    assert statuses == [{"200": 250}]


def test_a_rejected_token_stops_at_once(portal):
    portal.faults({"path_contains": "batch/upsert", "do": "401", "times": None})
    with pytest.raises(CredentialsRejected):
        portal.send(write(*people(2)))
    assert portal.writes() == {UPSERT: 1}


def test_a_portal_that_is_down_is_owed_to_the_next_run(portal):
    portal.faults({"path_contains": "batch/upsert", "do": "429", "times": None, "retry_after": 900})
    with pytest.raises(VendorUnreachable):
        portal.send(write(*people(2)))


def test_a_contact_whose_first_address_is_another_one_is_refused(portal):
    portal.put("5", email="first@example.test", hs_additional_emails="second@example.test")
    outcome = portal.send(write(change("second")))["second"]
    assert (outcome.status, outcome.code) == ("rejected", "another_address")


# -- memberships ------------------------------------------------------------------------------------------------------------
def test_people_join_and_leave_a_list_by_their_ids(portal):
    written = portal.send(write(*people(6)))
    with_ids = [change(name, vendor_id=one.vendor_id) for name, one in written.items()]
    portal.writes()
    assert {one.status for one in portal.send(Call("join", "", "VIP", tuple(with_ids))).values()} == {"accepted"}
    assert portal.members("VIP") == set(written)
    assert {one.status for one in portal.send(Call("leave", "", "VIP", tuple(with_ids[:2]))).values()} == {"accepted"}
    assert portal.writes() == {MOVE: 2}
    settled = portal.ask(lambda account: account.actual("", "VIP"))
    assert (settled.keys, settled.reported, settled.settled) == ({one.key for one in with_ids[2:]}, 4, True)


def test_an_id_that_is_missing_or_no_longer_hubspots_is_looked_up_by_the_address(portal):
    portal.send(write(*people(3)))
    portal.writes()
    given = (change("person0"), change("person1", vendor_id="123456"), change("nobody"))
    outcomes = portal.send(Call("join", "", "VIP", given))
    assert {name: one.status for name, one in outcomes.items()} == {
        "person0": "accepted",
        "person1": "accepted",
        "nobody": "rejected",
    }
    assert outcomes["nobody"].code == "no_contact"
    assert portal.members("VIP") == {"person0", "person1"}
    outcomes = portal.send(Call("leave", "", "VIP", given))
    assert {one.status for one in outcomes.values()} == {"accepted"}
    assert portal.members("VIP") == set()


@pytest.mark.parametrize("do", ["timeout_before", "timeout_after_apply"])
def test_a_lost_answer_to_a_joining_is_read_back(portal, do):
    portal.send(write(*people(3)))
    portal.faults({"path_contains": "add-and-remove", "do": do, "seconds": 0.3})
    outcomes = portal.send(Call("join", "", "VIP", tuple(people(3))), limits={"timeout": 0.2})
    assert {one.status for one in outcomes.values()} == {"accepted" if do == "timeout_after_apply" else "try_again"}


def test_who_leaves_a_list_that_is_gone_has_left(portal):
    portal.send(write(*people(2)))
    portal.send(Call("join", "", "VIP", tuple(people(2))))
    (row,) = portal.store.search("hubspot.list", "json_extract(body, '$.name') = 'VIP'", [], ordering="num", limit=1)
    row.deleted = True
    portal.store.put("hubspot.list", row)
    assert {one.status for one in portal.send(Call("leave", "", "VIP", tuple(people(2)))).values()} == {"accepted"}
    with pytest.raises(ConfigurationError, match="no list called 'VIP'"):
        portal.send(Call("join", "", "VIP", tuple(people(2))))


# -- set-up -----------------------------------------------------------------------------------------------------------------
def test_what_is_missing_is_made_once(portal):
    portal.ask(lambda account: account.prepare("", ["VIP", "New: 1/2 ä"], {**FIELDS, "tier": "text"}))
    assert portal.writes() == {"POST /crm/lists/{version}": 1, "POST /crm/properties/{version}/contacts": 1}
    portal.ask(lambda account: account.prepare("", ["VIP"], {**FIELDS, "tier": "text"}))
    assert portal.writes() == {}
    kinds = {name: portal.store.get("hubspot.property", name).body["type"] for name in FIELDS}
    assert kinds == {"greeting": "string", "orders": "number", "born_on": "date", "is_vip": "bool"}


@pytest.mark.parametrize(
    ("lists", "fields", "words"),
    [
        (["Filtered"], {}, "kept by a filter"),
        ([], {"orders": "text"}, "the property orders is a number there and text"),
        ([], {"numberofemployees": "number"}, "numberofemployees is HubSpot's own"),
    ],
)
def test_what_cannot_be_meant_stops_before_anything_is_sent(portal, lists, fields, words):
    portal.store.put("hubspot.list", list_row("99", "Filtered", stamp(NOW), "DYNAMIC"))
    portal.store.put("hubspot.property", Row("numberofemployees", {"name": "numberofemployees", "type": "number"}, NOW))
    with pytest.raises(ConfigurationError, match=words):
        portal.ask(lambda account: account.prepare("", lists, fields))
    assert portal.writes() == {}


@pytest.mark.parametrize("name", ["email", "firstname", "phone", "hs_email_optout", "hs_language", "Upper", "with space", ""])
def test_names_that_say_who_somebody_is_or_what_they_agreed_to_are_no_fields(name):
    assert wire.field_trouble(name)


def test_v3_paths_do_the_same(portal):
    outcomes = portal.send(write(*people(2)), api_version="v3")
    assert {one.status for one in outcomes.values()} == {"accepted"}
    portal.send(Call("join", "", "VIP", tuple(people(2))), api_version="v3")
    assert portal.members("VIP") == {"person0", "person1"}
    assert set(portal.writes()) == {
        "POST /crm/{version}/objects/contacts/batch/upsert",
        "PUT /crm/{version}/lists/{list_id}/memberships/add-and-remove",
    }
