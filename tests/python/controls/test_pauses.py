"""A pause holds what it names and nothing else, from the moment it is set, in every process."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailhouse import controls
from mailhouse.cli import main
from mailhouse.errors import ConfigurationError, StateUnreadable
from mailhouse.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
SEGMENTS = ("seg_champions", "seg_at_risk")
NAMES = ("all", "mailchimp", *SEGMENTS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, project=ROOT)


def test_nothing_is_paused_before_anybody_paused_it(settings):
    assert controls.paused(settings, "mailchimp", SEGMENTS) is None
    assert not settings.controls_path.exists()


def test_a_pause_says_since_when_and_why(settings):
    controls.pause(settings, "seg_champions", "wrong\n offer", NOW)
    said = controls.paused(settings, "mailchimp", ["seg_at_risk", "seg_champions"])
    assert said == "seg_champions is paused since 2026-05-04 06:00 UTC (wrong offer); `mailhouse resume seg_champions` ends it"
    assert controls.paused(settings, "mailchimp", ["seg_at_risk"]) is None


def test_pausing_twice_keeps_the_first_reason_and_one_resume_ends_it(settings):
    controls.pause(settings, "mailchimp", "first", NOW)
    again = controls.pause(settings, "mailchimp", "second", NOW + timedelta(hours=1))
    assert (again.since, again.reason) == (NOW, "first")
    assert controls.resume(settings, "mailchimp", NOW + timedelta(hours=2))
    assert not controls.resume(settings, "mailchimp", NOW + timedelta(hours=3))
    assert controls.paused(settings, "mailchimp", SEGMENTS) is None


@hypothesis_settings(deadline=None)  # each act waits for the disk
@given(st.lists(st.tuples(st.sampled_from(("pause", "resume")), st.sampled_from(NAMES)), max_size=8))
def test_pauses_are_independent_of_each_other(tmp_path_factory, acts):
    settings = replace(load_settings(project=ROOT), workdir=tmp_path_factory.mktemp("pauses"))
    held: set[str] = set()
    for number, (act, name) in enumerate(acts):
        now = NOW + timedelta(seconds=number)
        if act == "pause":
            controls.pause(settings, name, "", now)
            held.add(name)
        else:
            assert controls.resume(settings, name, now) is (name in held)
            held.discard(name)
        assert {pause.name for pause in controls.in_force(settings)} == held
        for segment in SEGMENTS:
            expected = bool(held & {"all", "mailchimp", segment})
            assert (controls.paused(settings, "mailchimp", [segment]) is not None) is expected


@pytest.mark.parametrize("act", [lambda s: controls.pause(s, "seg_champion", "", NOW), lambda s: controls.resume(s, "x", NOW)])
def test_a_name_that_means_nothing_is_refused(settings, act):
    with pytest.raises(ConfigurationError, match="seg_champions"):
        act(settings)
    assert controls.in_force(settings) == []


def test_a_segment_that_is_gone_can_still_be_resumed(settings, tmp_path):
    elsewhere = replace(settings, project=tmp_path)
    controls.pause(settings, "seg_champions", "", NOW)
    assert controls.resume(elsewhere, "seg_champions", NOW)


def test_a_damaged_file_is_no_permission(settings):
    settings.controls_path.write_bytes(b"no database at all, but long enough to be read as one" * 40)
    with pytest.raises(StateUnreadable, match=r"controls\.db"):
        controls.paused(settings, "mailchimp", SEGMENTS)


def test_another_process_pauses_and_this_one_obeys_at_its_next_look(settings):
    assert controls.paused(settings, "mailchimp", SEGMENTS) is None
    words = ["--workdir", str(settings.workdir), "pause", "all", "--reason", "stop"]
    subprocess.run([sys.executable, "-m", "mailhouse", *words], cwd=ROOT, check=True, capture_output=True)
    assert "(stop)" in controls.paused(settings, "mailchimp", SEGMENTS)


def test_the_commands_answer_in_words(tmp_path):
    def ask(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["--workdir", str(tmp_path), *words])
        return done.exit_code, done.output.replace("\n", " ")

    assert "all is paused since" in ask("pause", "all", "--reason", "lunch")[1]
    shown = ask("status")
    assert shown[0] == 0 and "Paused by hand" in shown[1] and "lunch" in shown[1]
    code, said = ask("resume", "mailchimp")
    assert (code, said.startswith("mailchimp was not paused still: all is paused")) == (0, True)
    assert ask("resume", "all")[1].strip() == "all is no longer paused"
    assert ask("pause", "nobody")[0] == 1
