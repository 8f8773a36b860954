"""What the command line does with a sandbox's directory: make a company, let time pass, tell how it stands."""

import threading
import time
from datetime import datetime

import pytest

from mailhouse import sandbox
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.server import announced, bound, server_of


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("seeded") / "sandbox"
    sandbox.create(path, seed=3, customers=200)
    return path


def clock(told):
    return datetime.fromisoformat(told["clock"])


def test_a_directory_without_a_company_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="sandbox seed"):
        sandbox.status(tmp_path)


def test_a_seeded_company_has_all_four_vendors_and_only_its_own_files(directory):
    counts = sandbox.status(directory)["counts"]
    kinds = ("hubspot.contact", "shopify.customer", "shopify.order", "mailchimp.member", "klaviyo.profile", "klaviyo.event")
    assert all(counts[kind] > 0 for kind in kinds)
    assert sorted(path.name for path in directory.iterdir()) == ["clock.json", "segment", "state.db", "truth.duckdb"]


def test_days_pass_with_and_without_a_server(directory):
    before = sandbox.status(directory)
    alone = sandbox.advance(directory, 1)
    assert (clock(alone) - clock(before)).days == 1

    runtime = Runtime(directory)
    listener = bound(0)
    server = server_of(runtime, listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while announced(directory) is None:
            assert thread.is_alive()
            time.sleep(0.005)
        served = sandbox.advance(directory, 2)
        assert (clock(served) - clock(alone)).days == 2
        with pytest.raises(ConfigurationError, match="is running"):
            sandbox.create(directory, seed=3, customers=200)
        with pytest.raises(ConfigurationError, match="days"):
            sandbox.advance(directory, 0)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        runtime.close()
    assert sandbox.status(directory)["clock"] == served["clock"]


def test_a_refused_orders_file_leaves_the_old_company_alone(directory, tmp_path):
    before = sandbox.status(directory)
    bad = tmp_path / "orders.csv"
    bad.write_text("order_id,sku\n1,x\n", encoding="utf-8")
    with pytest.raises(MailhouseError):
        sandbox.create(directory, seed=3, customers=200, orders_file=bad)
    assert sandbox.status(directory) == before
    assert not (directory / "seeding").exists()
