"""A source that cannot be read on the very first day: the others land and build, its segments are held back by name."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from tests.python.chain.conftest import calls, run_chain, settings_in


@dataclass
class Days:
    broken: Run
    mended: Run
    writes_while_broken: int


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    settings = settings_in(tmp_path_factory.mktemp("broken"))
    sandbox.create(settings.sandbox_dir, seed=5, customers=300)
    with serving(settings) as live:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SHOPIFY_CLIENT_SECRET", "not-the-secret")
            broken = run_chain(live)
            writes = calls(live)["writes"]
        yield Days(broken, run_chain(live), writes)


def test_the_others_land_and_build(days: Days):
    landed = {one.connection_id: one.error is None for one in days.broken.landed}
    assert landed == {"hubspot": True, "shopify": False, "mailchimp": True}
    assert days.broken.has_built("customers")
    with days.broken.warehouse.read() as connection:
        assert connection.execute("select count(*) from marts.customers").fetchall()[0][0] > 100


def test_its_segments_are_held_back_by_name(days: Days):
    manifest = days.broken.project.read_manifest()
    segments = {node["name"] for node in manifest["nodes"].values() if (node["config"].get("meta") or {}).get("reverse_sync")}
    assert days.broken.held_back.keys() == segments
    assert all("shopify" in reason for reason in days.broken.held_back.values())
    assert days.writes_while_broken == 0
    assert "not-the-secret" not in " ".join(days.broken.problems)


def test_once_mended_everything_is_there(days: Days):
    assert days.mended.problems == []
    assert days.mended.plan.call_count > 0
    assert all(receipt.equal for receipt in days.mended.receipts)
