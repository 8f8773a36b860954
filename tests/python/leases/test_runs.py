"""Every command that writes holds the warehouse for its whole length, and says who has it when it cannot."""

import math

import pytest
from click.testing import CliRunner

from flows import chain
from mailhouse.cli import main
from mailhouse.clock import SystemClock
from mailhouse.errors import LeaseLost
from mailhouse.leases import TIME_TO_LIVE, WAREHOUSE, Leases
from mailhouse.settings import Settings, load_settings
from tests.python.leases.test_processes import ROOT


@pytest.fixture
def settings(tmp_path) -> Settings:
    return load_settings(tmp_path, project=ROOT)


@pytest.mark.parametrize("words", [("run",), ("sync",), ("sync", "seg_champions"), ("demo", "--days", "0")], ids=" ".join)
@pytest.mark.parametrize("wait", [(), ("--wait", "0.01"), ("--wait=0",)], ids=["at once", "waits", "waits 0 s"])
def test_a_command_says_who_has_the_warehouse(settings, words, wait):
    with chain.open_run(settings, "mailhouse run"):
        done = CliRunner().invoke(main, ["--workdir", str(settings.workdir), *words, *wait])
    assert done.exit_code == 1
    refusal = done.stderr.strip().replace("\n", " ")
    assert refusal.startswith("error warehouse: held by mailhouse run (process ") and "--wait" in refusal
    # whoever was refused has left no trace
    assert {path.name for path in settings.workdir.iterdir()} == {"leases.db"}


def test_wait_without_a_number_has_no_end(settings, monkeypatch):
    asked = []
    monkeypatch.setattr("flows.walk.sync_now", lambda _settings, segments, wait, **_: asked.append((segments, wait)) or True)
    for words in (["sync"], ["sync", "--wait"], ["sync", "seg_champions", "--wait"], ["sync", "--wait", "90", "seg_champions"]):
        assert CliRunner().invoke(main, ["--workdir", str(settings.workdir), *words]).exit_code == 0
    assert asked == [((), None), ((), math.inf), (("seg_champions",), math.inf), (("seg_champions",), 90.0)]


def test_a_run_that_was_overtaken_opens_the_warehouse_no_more(settings):
    with chain.open_run(settings, "mailhouse run") as run:
        with run.warehouse.write() as connection:
            connection.execute("create table mine (a integer)")
        late = Leases(settings.leases_path, LaterClock())
        with late.hold(WAREHOUSE, "mailhouse sync"):
            with pytest.raises(LeaseLost, match="mailhouse sync"), run.warehouse.write():
                pass
            for stage in (chain.land_sources, chain.build_models, chain.publish):
                with pytest.raises(LeaseLost):
                    stage(run)


class LaterClock(SystemClock):
    """Two minutes ahead: to it, what nobody renewed since is over."""

    def now(self):
        return super().now() + 2 * TIME_TO_LIVE
