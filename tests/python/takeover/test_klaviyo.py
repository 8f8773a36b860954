"""A Klaviyo account that somebody else filled: inspect finds what was planted, adopt leaves nothing to do, revert goes back."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from mailhouse.destinations.keys import key_of
from mailhouse.sandbox import klaviyo_members
from mailhouse.sandbox.klaviyo_lists import flow_row, list_row
from mailhouse.sandbox.klaviyo_profiles import PROFILE, new_profile
from mailhouse.sandbox.store import stamp
from mailhouse.takeover import adopt, inspect, revert
from tests.python.sync.conftest import NOW
from tests.python.takeover.conftest import address

ROWS = "select kind, membership, reason, put_there_by, document_key from takeover_findings order by all"
SUBSCRIBED: Mapping[str, Any] = {"consent": "SUBSCRIBED", "consent_timestamp": stamp(NOW)}
SUPPRESSED: Mapping[str, Any] = {"suppression": [{"reason": "HARD_BOUNCE", "timestamp": stamp(NOW)}]}


def key(number: int) -> str:
    return key_of(address(number))


class Klaviyo:
    """The sandbox's Klaviyo, filled by hand and looked at from behind."""

    def __init__(self, project) -> None:
        self.project, self.store = project, project.esp.store
        for name in ("Vip", "News"):
            self.store.put(klaviyo_members.LIST, list_row(f"Lst{name}", name, stamp(NOW)))
        self.store.put("klaviyo.flow", flow_row("FlwOne", "Welcome the best", stamp(NOW), "LstVip"))
        self.store.put("klaviyo.flow", flow_row("FlwTwo", "A draft", stamp(NOW), "LstVip", "draft"))

    def put(self, numbers: Iterable[int], *lists: str, consent: Mapping[str, Any] = SUBSCRIBED, **fields: Any) -> None:
        ours = {
            name: (first, country, orders)
            for name, first, country, orders in self.project.warehouse.execute(
                "select email, first_name, country, orders from profiles.klaviyo_profiles"
            ).fetchall()
        }
        rows = []
        for number in numbers:
            first, country, orders = ours.get(address(number), ("Somebody", None, None))
            attributes = {
                "first_name": first,
                "location": {"country": country},
                "properties": {"Orders": orders, "Theirs": "stays"},
            } | fields
            rows.append(new_profile(address(number), NOW, marketing=dict(consent), **attributes))
        self.store.put_many(PROFILE, rows)
        for name in lists:
            klaviyo_members.join(self.store, f"Lst{name}", [row.id for row in rows], stamp(NOW))

    def account(self) -> dict[str, Any]:
        """Everything that a sync could change: each profile, and each list with its members."""
        profiles = {row.body["email"]: row for row in self.store.page(PROFILE, limit=10_000)}
        shown = ("first_name", "location", "properties", "marketing")
        return {
            "profiles": {email: {name: row.body[name] for name in shown} for email, row in profiles.items()},
            "lists": {name: self.project.listed(name) for name in ("Vip", "News")},
        }


@pytest.fixture
def klaviyo(project):
    return Klaviyo(project)


def people(numbers: Iterable[int]) -> set[str]:
    return {address(number) for number in numbers}


def test_each_planted_finding_is_found_and_no_other(project, klaviyo):
    found = set()

    def plant(kind, numbers, reason, *, membership="", put_there_by=""):
        found.update((kind, membership, reason, put_there_by, key(number)) for number in numbers)

    project.people(range(40))
    project.refused(range(50, 54), "crm_opt_out")
    project.segment("vip", range(20), klaviyo=True, mailchimp=False)
    klaviyo.put(range(8), "Vip")
    klaviyo.put(range(8, 11))
    plant("missing", range(8, 11), "not_in_membership", membership="Vip")
    plant("missing", range(11, 18), "no_record", membership="Vip")
    klaviyo.put(range(18, 20), consent=SUPPRESSED)
    plant("missing", range(18, 20), "esp_suppressed", membership="Vip")
    # never asked there and mailable all the same, which is how Klaviyo sees it
    klaviyo.put(range(50, 52), "Vip", consent={})
    plant("said_no", range(50, 52), "crm_opt_out")
    plant("should_leave", range(50, 52), "crm_opt_out", membership="Vip", put_there_by="others")
    klaviyo.put(range(30, 33), "Vip")
    plant("should_leave", range(30, 33), "not_in_segment", membership="Vip", put_there_by="others")
    klaviyo.put(range(900, 902))
    plant("unknown", range(900, 902), "esp_subscribed")
    klaviyo.put([3], "Vip", properties={"Orders": 77})
    plant("differs", [3], "Orders")
    project.engagement(range(30, 33), sent=5, reactions=0)
    project.engagement(range(18, 20), sent=5, reactions=0)
    plant("dead", range(30, 33), "unengaged")

    before = klaviyo.account()
    inspection = inspect(project.context, "klaviyo")
    assert set(project.warehouse.execute(ROWS).fetchall()) == found
    assert [(one.container, one.records, one.mailable, one.billed) for one in inspection.contents] == [("", 20, 18, 18)]
    assert [(one.membership, one.automation, one.people) for one in inspection.automations] == [("Vip", "Welcome the best", 12)]
    assert klaviyo.account() == before
    assert project.klaviyo_writes() == {}


def test_adopt_then_plan_is_nothing_to_do_and_revert_brings_back_the_state_before(project, klaviyo):
    project.people(range(30))
    project.segment("vip", range(10), klaviyo=True, mailchimp=False)
    project.segment("news", range(5, 20), klaviyo=True, mailchimp=False)
    klaviyo.put(range(5), "Vip")
    klaviyo.put(range(5, 10), "Vip", "News")
    klaviyo.put(range(10, 20), "News")
    for name in ("seg_vip", "klaviyo: News"):
        adopt.record(project.context, adopt.look(project.context, name))
    before = klaviyo.account()
    assert project.plan().is_empty
    project.sync()
    assert project.klaviyo_writes() == {}

    project.members("vip", range(2, 12))
    project.members("news", [*range(7, 20), 25, 26])
    project.rename(3, "New")
    run = project.sync().run_id
    assert klaviyo.account()["lists"] == {"Vip": people(range(2, 12)), "News": people([*range(7, 20), 25, 26])}

    planned = revert.plan_back(project.context, run)
    assert planned.strangers == 2
    assert revert.carry_out(project.context, planned, NOW).ok
    after = klaviyo.account()
    assert after["lists"] == before["lists"]
    assert {email: body for email, body in after["profiles"].items() if email in before["profiles"]} == before["profiles"]
    assert after["profiles"].keys() - before["profiles"].keys() == people([25, 26])


def test_a_segment_that_feeds_both_is_adopted_at_both(project, klaviyo):
    project.people(range(8))
    project.segment("vip", range(8), klaviyo=True)
    project.put(range(8), "VIP")
    klaviyo.put(range(6), "Vip")
    shown = adopt.look(project.context, "seg_vip")
    assert [(one.name, one.wanted_there, one.missing) for one in shown.found] == [
        ("klaviyo: Vip", 6, 2),
        ("mailchimp: Customers / VIP", 8, 0),
    ]
    adopt.record(project.context, shown)
    assert {one.destination: (one.adds, one.unchanged) for one in project.plan().audiences} == {
        "klaviyo": (2, 6),
        "mailchimp": (0, 8),
    }
