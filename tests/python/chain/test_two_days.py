"""The demo's own company: what the first run does, what a run with nothing changed leaves alone, what a day later moves."""

import hashlib
from math import ceil

import duckdb
from click.testing import CliRunner

from flows.chain import Run
from flows.takeover import inspect_account
from mailhouse.audit import Trail, verify
from mailhouse.audit.trail import hash_of
from mailhouse.cli import main
from mailhouse.explain import explain_published
from mailhouse.identity.train import SEED
from mailhouse.identity.weights import MOST_BITS, read_weights
from mailhouse.sandbox.runtime import TRUTH
from mailhouse.warehouse import Warehouse
from tests.python.chain.conftest import TwoDays

BATCH = 500
# a Mailchimp member has a record in each list; the truth knows the member
PAIRS = """
with truth as (
    from kept_aside.truth union all from kept_aside.klaviyo_truth
),
answered as (
    select identities.customer_id, truth.person_id
    from warehouse.intermediate.int_identities_resolved as identities
    inner join truth
        on truth.source = identities.source and truth.record_id = split_part(identities.record_id, ':', -1)
    where list_contains(?, identities.source)
),
both_same as (select count(*) as records from answered group by customer_id, person_id),
found as (select count(*) as records from answered group by customer_id),
true_groups as (select count(*) as records from answered group by person_id)
select
    (select sum(records * (records - 1) // 2) from both_same),
    (select sum(records * (records - 1) // 2) from found),
    (select sum(records * (records - 1) // 2) from true_groups)
"""


def bound(run: Run) -> int:
    """The least number of Mailchimp's write calls, from the plan's own changes: people to write, and leavers tag by tag."""
    changes = run.plan.changes["mailchimp"]
    people = {(change.container, change.key) for change in changes if change.write}
    leavers: dict[tuple[str, str], int] = {}
    for change in changes:
        for tag in change.remove:
            leavers[change.container, tag] = leavers.get((change.container, tag), 0) + 1
    return ceil(len(people) / BATCH) + sum(ceil(count / BATCH) for count in leavers.values())


def told(run: Run) -> int:
    """The least number of Mailchimp batches in which the run told who said no."""
    rounds = (one.told for result in run.withdrawals for one in result.systems if one.connection_id == "mailchimp")
    return sum(ceil(count / BATCH) for count in rounds)


def writes(counted) -> int:
    """Batch writes as the vendor counted them, without the one-time set-up of tags and merge fields."""
    return sum(
        entry["calls"]
        for entry in counted["calls"]
        if entry["writes"]
        and entry["vendor"] == "mailchimp"
        and entry["path"].rstrip("/").split("/")[-1] in {"{list_id}", "{segment_id}"}
    )


def rows_read(counted, *vendors: str) -> int:
    return sum(entry["rows"] for entry in counted["calls"] if not entry["writes"] and entry["vendor"] in vendors)


def test_every_run_is_good(two_days: TwoDays):
    for run in (two_days.first, two_days.again, two_days.later):
        assert run.problems == []
        assert run.held_back == {}
        assert all(receipt.ok for receipt in run.receipts)


def test_calls_are_the_least_possible(two_days: TwoDays):
    for run, counted in ((two_days.first, two_days.calls_first), (two_days.later, two_days.calls_later)):
        assert len(run.plan.calls["mailchimp"]) == bound(run) == writes(counted) - told(run) > 0


def test_nothing_changed_makes_no_write_call(two_days: TwoDays):
    assert two_days.again.plan.is_empty
    assert two_days.calls_again["writes"] == 0


def test_a_later_run_asks_only_for_what_changed(two_days: TwoDays):
    first = rows_read(two_days.calls_first, "hubspot", "shopify")
    later = rows_read(two_days.calls_later, "hubspot", "shopify")
    assert first > 5_000
    assert later < first / 10


def test_the_plan_shows_every_kind_of_change(two_days: TwoDays):
    first, later = two_days.first.plan, two_days.later.plan
    assert sum(one.adds for one in first.audiences) > 0
    assert sum(one.updates for one in later.audiences) > 0
    assert sum(one.removals for one in later.audiences) > 0
    assert len(first.refused()) >= 4


def test_each_segment_has_members(two_days: TwoDays):
    manifest = two_days.first.project.read_manifest()
    names = sorted(node["name"] for node in manifest["nodes"].values() if (node["config"].get("meta") or {}).get("reverse_sync"))
    assert len(names) >= 6
    with two_days.first.warehouse.read() as connection:
        sizes = {name: connection.execute(f"select count(*) from segments.{name}").fetchall()[0][0] for name in names}
    assert {name: size for name, size in sizes.items() if size < 20} == {}


def test_only_changed_people_are_planned(two_days: TwoDays):
    changed = {change.key for changes in two_days.later.plan.changes.values() for change in changes}
    everyone = {change.key for changes in two_days.first.plan.changes.values() for change in changes}
    assert 0 < len(changed) < len(everyone) / 4


def test_after_the_sync_inspect_finds_nothing_that_is_ours(two_days: TwoDays):
    for destination in ("mailchimp", "klaviyo"):
        inspection, files = inspect_account(two_days.settings, destination)
        found = {one.kind: one for one in inspection.found}
        assert {"said_no", "missing", "should_leave", "differs"} & found.keys() == set()
        assert all(path.stat().st_size for path in files)


def test_people_are_explained_by_the_log_and_the_ledger(two_days: TwoDays):
    with Warehouse(two_days.settings).read() as connection:
        addresses = connection.execute(
            "select address from reverse_sync.delivered where destination = 'mailchimp' order by document_key limit 10"
        ).fetchall()
    for (address,) in addresses:
        found = explain_published(two_days.settings, address)
        entries = {row["event_id"] for row in found.ledger}
        written_to = [row for row in found.audiences if row["is_allowed"] and row["is_this_address"]]
        assert written_to
        assert all(row["is_delivered"] and row["ledger_event_id"] in entries for row in written_to)
        assert {entry for row in found.deliveries for entry in row["permitted_by"]} <= entries
        assert any(row["joined"] for row in found.deliveries)


def test_who_said_no_is_told_once_and_what_comes_back_is_told_on_to_nobody(two_days: TwoDays):
    first, again, later = (run.withdrawals for run in (two_days.first, two_days.again, two_days.later))
    accepted = {one.connection_id: one.accepted for result in first for one in result.systems}
    assert all(accepted[name] > 0 for name in ("hubspot", "shopify", "mailchimp"))
    assert sum(one.told for result in again for one in result.systems) == 0
    # a day later it is those who said no on that day, and no more
    assert 0 < sum(one.told for result in later for one in result.systems) < sum(accepted.values()) / 4
    with two_days.later.warehouse.read() as connection:
        assert connection.execute("select count(*) from marts.withdrawals_owed").fetchall()[0][0] <= sum(
            one.told for result in later for one in result.systems
        )


def test_the_companys_people_are_found(two_days: TwoDays):
    """By the truth that the chain never reads: pairs of records, after closure, of all four systems and without Klaviyo."""
    with duckdb.connect() as connection:
        for path, name in (
            (two_days.settings.published_path, "warehouse"),
            (two_days.settings.sandbox_dir / TRUTH, "kept_aside"),
        ):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for systems in (("hubspot", "shopify", "mailchimp"), ("hubspot", "shopify", "mailchimp", "klaviyo")):
            both, found, true = connection.execute(PAIRS, [list(systems)]).fetchall()[0]
            precision, recall = both / found, both / true
            assert 2 * precision * recall / (precision + recall) >= 0.97, (systems, precision, recall)


def test_weights_are_fitted_on_what_was_built(two_days: TwoDays, tmp_path):
    seed = tmp_path / "identity_weights.csv"
    command = ["--workdir", str(two_days.settings.workdir), "identity", "train", "--out", str(seed)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    fitted, shipped = read_weights(seed), read_weights(two_days.settings.project / SEED)
    assert {(row.comparison, row.level) for row in fitted.rows} == {(row.comparison, row.level) for row in shipped.rows}
    assert all(abs(row.weight) <= MOST_BITS and abs(row.household_weight) <= MOST_BITS for row in fitted.rows)
    equal = {
        row.comparison: row.weight
        for row in fitted.rows
        if row.level == max(other.level for other in fitted.rows if other.comparison == row.comparison)
    }
    assert all(weight > 0 for name, weight in equal.items() if name != "prior")


def test_the_trail_knows_what_the_ledger_held(two_days: TwoDays):
    trail = Trail(two_days.settings)
    told = [entry for entry in trail.entries() if entry.action == "consent changed"]
    assert len(told) >= 2 and verify(trail).ok
    with Warehouse(two_days.settings).read() as connection:
        ids = [event_id for (event_id,) in connection.execute("select event_id from marts.consent_events").fetchall()]
    digest = 0
    for event_id in ids:
        digest ^= int.from_bytes(hashlib.md5(event_id.encode()).digest(), "little")
    assert told[-1].params_hash == hash_of({"acts": len(ids), "digest": str(digest)})
