"""Days pass: a little happens, nothing goes back in time, and how many days pass at once makes no difference."""

import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Seeded, make
from test_history import KINDS, everything

from mailhouse.errors import ConfigurationError
from mailhouse.sandbox import company
from mailhouse.sandbox.company.state import CompanyMissing
from mailhouse.sandbox.store import Store


def copied(seeded: Seeded, directory: Path) -> Seeded:
    """The same company in another directory, free to be changed."""
    directory.mkdir(parents=True, exist_ok=True)
    seeded.store.close()  # the file is then whole on its own
    shutil.copy(seeded.store.path, directory / "state.db")
    shutil.copy(seeded.truth_path, directory / "truth.duckdb")
    return Seeded(Store(directory / "state.db"), directory / "truth.duckdb", seeded.summary)


def advance(seeded: Seeded, days: int) -> company.Summary:
    return company.advance(seeded.store, seeded.truth_path, days)


def by_key(seeded: Seeded) -> dict:
    return {(kind, row.id, row.parent): row for kind in KINDS for row in seeded.rows(kind)}


def test_five_days_at_once_equal_five_times_one(seeded_1500, tmp_path):
    one, other = copied(seeded_1500, tmp_path / "one"), copied(seeded_1500, tmp_path / "other")
    advance(one, 5)
    for _ in range(5):
        advance(other, 1)
    assert everything(one) == everything(other)
    assert one.truth() == other.truth()
    assert one.store.now() == other.store.now()


def test_a_day_touches_a_few_percent_and_nothing_outside_that_day(seeded_5000, tmp_path):
    seeded = copied(seeded_5000, tmp_path)
    before, start = by_key(seeded), seeded.store.now()
    summary = advance(seeded, 1)
    after = by_key(seeded)
    touched = [key for key, row in after.items() if key not in before or before[key].body != row.body]
    assert (summary.now - start).days == 1 and seeded.store.now() == summary.now
    for key in touched:
        assert start.isoformat()[:19] <= after[key].updated_at <= summary.now.isoformat()[:19], key
    counts = Counter(kind for kind, _, _ in touched)
    for kind in ("hubspot.contact", "shopify.customer", "mailchimp.member"):
        assert 1 <= counts[kind] <= 0.03 * seeded.store.count(kind, deleted=None), kind
    assert counts["shopify.order"] >= 5
    assert counts["mailchimp.delivery"] >= 1
    assert summary.people >= 1


@dataclass
class Later:
    """A company some weeks later, and what it was before."""

    seeded: Seeded
    start: str
    before: dict
    links: list
    happened: company.Summary


@pytest.fixture(scope="module")
def later(seeded_1500, tmp_path_factory) -> Later:
    seeded = copied(seeded_1500, tmp_path_factory.mktemp("later"))
    start, before, links = seeded.store.now().isoformat()[:19], by_key(seeded), seeded.truth()
    return Later(seeded, start, before, links, advance(seeded, 60))


def test_weeks_bring_everything_that_can_happen(later):
    seeded, before, after = later.seeded, later.before, by_key(later.seeded)
    happened = {what for what, times in later.happened.as_dict().items() if times}
    assert happened >= {"people", "contacts", "contacts_changed", "contacts_merged", "contacts_archived", "campaigns"}
    assert happened >= {"shop_customers", "shop_customers_changed", "shop_customers_deleted", "orders", "order_lines", "refunds"}
    assert happened >= {"members", "members_changed", "deliveries"}
    for key, row in after.items():
        assert row.created_at <= row.updated_at
        if key in before:
            assert row.updated_at >= before[key].updated_at
    gone = {key[:2] for key in before.keys() - after.keys()}
    assert {kind for kind, _ in gone} == {"hubspot.contact", "shopify.customer"}
    absorbed = {
        one
        for row in seeded.rows("hubspot.contact")
        for one in (row.body["properties"]["hs_merged_object_ids"] or "").split(";")
        if one
    }
    assert {one for kind, one in gone if kind == "hubspot.contact"} <= absorbed
    sold_to = {row.parent for row in seeded.rows("shopify.order")}
    assert not sold_to & {one for kind, one in gone if kind == "shopify.customer"}
    # what was once true stays: a record that is gone was still that person's
    assert set(later.links) < set(seeded.truth())


def test_new_records_are_known_to_the_truth_and_addresses_stay_unique(later):
    seeded = later.seeded
    known = {(source, record) for source, record, _, _ in seeded.truth()}
    for source, kind in (("hubspot", "hubspot.contact"), ("shopify", "shopify.customer"), ("mailchimp", "mailchimp.member")):
        rows = seeded.rows(kind)
        assert {(source, row.id) for row in rows} <= known
        addresses = [row.email for row in rows if row.email]
        assert len(addresses) == len(set(addresses)), kind


def test_both_yes_and_no_arrive(later):
    seeded, start = later.seeded, later.start
    found = defaultdict(int)
    for row in seeded.rows("shopify.customer"):
        said = row.body["emailMarketingConsent"]
        if (said["consentUpdatedAt"] or "") >= start:
            found[said["marketingState"]] += 1
    for row in seeded.rows("mailchimp.member"):
        if row.body["last_changed"] >= start:
            found[f"member {row.body['status']}"] += 1
    for row in seeded.rows("hubspot.contact"):
        if (row.body["properties"]["newsletter_consent_at"] or "") >= start:
            found["crm yes"] += 1
    for what in ("SUBSCRIBED", "UNSUBSCRIBED", "member subscribed", "member unsubscribed", "crm yes"):
        assert found[what] >= 1, what


def test_nobody_on_the_list_comes_back_by_themselves(later):
    """Once unsubscribed or cleaned, the vendor would refuse it too."""
    out = {
        row.id: row.body["status"]
        for (kind, _, _), row in later.before.items()
        if kind == "mailchimp.member" and row.body["status"] in ("unsubscribed", "cleaned")
    }
    now = {row.id: row.body["status"] for row in later.seeded.rows("mailchimp.member")}
    assert out and {member: now[member] for member in out} == out


def test_what_others_wrote_meanwhile_is_kept(seeded_1500, tmp_path):
    """Fields and members that a client of the API added stay through the days."""
    seeded = copied(seeded_1500, tmp_path)
    members = seeded.rows("mailchimp.member")
    for row in members:
        row.body["merge_fields"]["RFM"] = "Champions"
    stranger = members[0]
    seeded.store.put_many("mailchimp.member", members)
    stranger.id = stranger.body["id"] = "0" * 32
    stranger.email = stranger.body["email_address"] = "nobody@mail.example"
    stranger.body["status"] = "subscribed"
    seeded.store.put("mailchimp.member", stranger)
    kept = {row.id for row in seeded.rows("mailchimp.member")}
    assert advance(seeded, 30).campaigns >= 1
    for row in seeded.rows("mailchimp.member"):
        assert row.id not in kept or row.body["merge_fields"]["RFM"] == "Champions"
    assert seeded.store.get("mailchimp.member", "0" * 32) is not None


@pytest.mark.parametrize("days", [0, -1])
def test_time_passes_forwards_by_whole_days(tmp_path, days):
    seeded = make(tmp_path, customers=20)
    with pytest.raises(ConfigurationError, match="days"):
        advance(seeded, days)


def test_without_a_company_no_time_passes(tmp_path):
    with pytest.raises(CompanyMissing, match="mailhouse sandbox seed"):
        company.advance(Store(tmp_path / "state.db"), tmp_path / "truth.duckdb", 1)
    assert not (tmp_path / "truth.duckdb").exists()
