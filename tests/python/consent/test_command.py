"""`mailhouse consent` on the command line: what is taken, what is refused in one line, and what is shown."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailhouse.cli import main
from mailhouse.consent import Inbox
from tests.python.consent.conftest import World, address_of

GRANT = ("--act", "grant", "--purpose", "marketing_email")


def run(workdir: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--workdir", str(workdir), "consent", *words], env={"COLUMNS": "400"})


def acts(workdir: Path) -> list[tuple[str, str, str, bool]]:
    taken = Inbox(workdir / "inbox.db").acts()
    return [(one.act.act, one.act.purpose, one.act.reason, one.act.occurred_at is not None) for one in taken]


def test_a_withdrawal_needs_nothing_but_an_address(tmp_path: Path) -> None:
    done = run(tmp_path, "record", "ann@mail.example", "--act", "withdraw")
    assert done.exit_code == 0 and "every purpose" in done.output
    assert "ann" not in done.output
    assert acts(tmp_path) == [("withdraw", "*", "withdrawn", True)]


def test_a_grant_counts_from_the_time_that_is_said(tmp_path: Path) -> None:
    dated = run(tmp_path, "record", "a@mail.example", *GRANT, "--proof", "single_opt_in", "--at", "2026-05-01T10:00:00+02:00")
    undated = run(tmp_path, "record", "a@mail.example", *GRANT, "--proof", "double_opt_in")
    assert dated.exit_code == undated.exit_code == 0
    assert "--at" in undated.output and "--at" not in dated.output
    kept = [one.act.occurred_at for one in Inbox(tmp_path / "inbox.db").acts()]
    assert [str(moment) for moment in kept] == ["2026-05-01 08:00:00+00:00", "None"]


def test_an_act_that_is_sent_twice_is_one(tmp_path: Path) -> None:
    for _ in range(2):
        assert run(tmp_path, "record", "a@mail.example", "--act", "block", "--reason", "legal_block", "--id", "7").exit_code == 0
    assert acts(tmp_path) == [("block", "*", "legal_block", True)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (GRANT, "proof"),
        ((*GRANT[:2], "--proof", "double_opt_in"), "one purpose"),
        ((*GRANT[:2], "--proof", "double_opt_in", "--purpose", "marketing"), "known are marketing_email"),
        ((*GRANT, "--proof", "double_opt_in", "--at", "yesterday"), "no moment"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run(tmp_path, "record", "ann@mail.example", *words)
    assert done.exit_code == 1
    assert told in done.output and done.output.count("\n") == 1
    assert "ann@" not in done.output
    assert not (tmp_path / "inbox.db").exists()


def test_show_says_what_is_decided_and_why_with_what_is_not_built_yet(world: World) -> None:
    workdir, address = world.settings.workdir, address_of(4)
    before = run(workdir, "show", address)
    assert before.exit_code == 0
    assert "allow" in before.output and "double_opt_in" in before.output and "landed grant" in before.output
    assert run(workdir, "record", address.upper(), "--act", "withdraw", "--source", "counter").exit_code == 0
    after = run(workdir, "show", address.title())
    assert "deny" in after.output and "withdrawn" in after.output and "counter" in after.output
    assert "landed grant" in after.output


def test_show_of_an_address_that_nobody_knows(world: World) -> None:
    done = run(world.settings.workdir, "show", "nobody@mail.example")
    assert done.exit_code == 0 and "nothing is sent" in done.output


def test_show_without_a_published_copy_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "show", "a@mail.example")
    assert done.exit_code == 1 and "mailhouse run" in done.output and done.output.count("\n") == 1
