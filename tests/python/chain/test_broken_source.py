"""A source that cannot be read on the very first day: the others land and build, its segments are held back by name.

Whoever said no is told of all the same, and once everything is mended before anything else is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from tests.python.chain.conftest import calls, control, forget_calls, run_chain, settings_in


@dataclass
class Days:
    broken: Run
    mended: Run
    writes_while_broken: list[dict[str, Any]]
    effects_while_broken: list[dict[str, Any]]
    requests_when_mended: list[dict[str, Any]]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    settings = settings_in(tmp_path_factory.mktemp("broken"))
    sandbox.create(settings.sandbox_dir, seed=5, customers=300)
    with serving(settings) as live:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SHOPIFY_CLIENT_SECRET", "not-the-secret")
            broken = run_chain(live)
            writes = [call for call in calls(live)["calls"] if call["writes"]]
            effects = control(live, "GET", "effects")["effects"]
            forget_calls(live)
        mended = run_chain(live, with_data_tests=False)
        yield Days(broken, mended, writes, effects, control(live, "GET", "requests")["requests"])


def test_the_others_land_and_build(days: Days):
    landed = {one.connection_id: one.error is None for one in days.broken.landed}
    others = ("hubspot", "mailchimp", "klaviyo", "sendgrid", "salesforce", "website")
    assert landed == {"shopify": False, **dict.fromkeys(others, True)}
    assert days.broken.has_built("customers")
    with days.broken.warehouse.read() as connection:
        assert connection.execute("select count(*) from marts.customers").fetchall()[0][0] > 100


def test_its_segments_are_held_back_by_name(days: Days):
    manifest = days.broken.project.read_manifest()
    segments = {node["name"] for node in manifest["nodes"].values() if (node["config"].get("meta") or {}).get("reverse_sync")}
    assert days.broken.held_back.keys() == segments
    assert all("shopify" in reason for reason in days.broken.held_back.values())
    assert "not-the-secret" not in " ".join(days.broken.problems)


def test_once_mended_everything_is_there(days: Days):
    assert days.mended.problems == []
    assert days.mended.plan.call_count > 0
    assert all(receipt.equal for receipt in days.mended.receipts)


def test_a_closed_gate_holds_back_no_withdrawal(days: Days):
    told = {one.connection_id: one.accepted for one in days.broken.withdrawals[-1].systems}
    assert told["hubspot"] > 0 and told["mailchimp"] > 0
    # and lets nothing else through: what was written is who has opted out, is unsubscribed or suppressed
    assert {(call["vendor"], call["path"].rpartition("/")[2]) for call in days.writes_while_broken} == {
        ("hubspot", "unsubscribe-all"),
        ("klaviyo", "profile-suppression-bulk-create-jobs"),
        ("mailchimp", "{list_id}"),
        ("salesforce", "sobjects"),
        ("sendgrid", "global"),
    }
    kinds = {(effect["effect"], effect["kind"]) for effect in days.effects_while_broken}
    assert kinds == {
        ("consent", "mailchimp.member"),
        ("changed", "hubspot.contact"),
        ("created", "hubspot.preference"),
        ("suppressed", "klaviyo.profile"),
        ("changed", "salesforce.Contact"),
        ("changed", "salesforce.Lead"),
        ("created", "salesforce.ContactHistory"),
        ("created", "salesforce.LeadHistory"),
        ("created", "sendgrid.suppression"),
    }
    assert {effect["after"] for effect in days.effects_while_broken if effect["effect"] == "consent"} == {"unsubscribed"}


def test_whoever_said_no_is_told_before_anything_else_is_sent(days: Days):
    told = {one.connection_id: one.accepted for one in days.mended.withdrawals[-1].systems}
    assert told["shopify"] > 0
    paths = [f"{request['vendor']} {request['method']} {request['path']}" for request in days.requests_when_mended]
    last_told = max(at for at, path in enumerate(paths) if path.startswith("hubspot POST") and "unsubscribe-all" in path)
    # Mailchimp itself is told beside HubSpot; the sync begins with making the tags
    first_set_up = min(at for at, path in enumerate(paths) if path.startswith("mailchimp POST") and path.endswith("/segments"))
    assert last_told < first_set_up
