"""The audit trail: whoever changes, removes or swaps an entry is found out."""

import random
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailhouse.audit import Trail, forget, subject_of, verify
from mailhouse.audit.trail import COLUMNS
from mailhouse.cli import main
from mailhouse.clock import FixedClock
from mailhouse.errors import StateUnreadable
from mailhouse.settings import Settings

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
ENTRIES = 1_000
TAMPERINGS = 1_000


def settings_in(folder: Path) -> Settings:
    return Settings(folder, folder, {})


def fill(settings: Settings, count: int) -> Trail:
    trail, clock = Trail(settings), FixedClock(NOW)
    for number in range(count):
        trail.append("consent", clock, actor="somebody", subject=f"{number:064x}", params={"act": number}, reference=f"r{number}")
    return trail


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    """A thousand entries as they were written, in a table without guards: who tampers has the file."""
    settings = settings_in(tmp_path_factory.mktemp("trail"))
    long = fill(settings, 3)
    assert [entry.seq for entry in long.entries()] == [1, 2, 3]
    clock, rows = FixedClock(NOW), []
    trail = Trail(settings)
    with trail._opened() as file:
        file.execute("pragma synchronous = off")
        for number in range(3, ENTRIES):
            entry = trail._next(file, clock, "somebody", "consent", f"{number:064x}", "0" * 64, f"r{number}")
            values = [getattr(entry, name) for name in COLUMNS]
            file.execute(f"insert into entries values ({', '.join('?' * len(COLUMNS))})", values)
        rows = file.execute("select * from entries order by seq").fetchall()
    trail.append("export", clock, actor="somebody")
    assert verify(trail).ok and verify(trail).entries == ENTRIES + 1
    return [*rows, tuple(getattr(list(trail.entries())[-1], name) for name in COLUMNS)]


class Rows(Trail):
    """A trail whose file somebody else has written."""

    def __init__(self, rows: list[tuple], head: tuple[int, str] | None) -> None:
        self._rows, self._head, self.head_path = rows, head, Path("audit.head")

    def entries(self):
        from mailhouse.audit import Entry

        return (Entry(*row) for row in self._rows)

    def head(self):
        return self._head


def tampered(rows: list[tuple], chance: random.Random) -> list[tuple]:
    """One random change of one value, one row missing, or two rows in each other's place."""
    changed, at = list(rows), chance.randrange(len(rows))
    kind = chance.choice(["change", "delete", "swap"])
    if kind == "delete":
        del changed[at]
    elif kind == "swap":
        other = chance.choice([index for index in range(len(rows)) if index != at])
        one, two = list(changed[at]), list(changed[other])
        if chance.random() < 0.5:  # the numbers stay in their places, the rest changes sides
            one[0], two[0] = two[0], one[0]
        changed[at], changed[other] = tuple(two), tuple(one)
    else:
        row, column = list(changed[at]), chance.randrange(len(COLUMNS))
        row[column] = row[column] + 1 if column == 0 else f"{row[column]}x" if chance.random() < 0.5 else row[column][1:] + "y"
        changed[at] = tuple(row)
    return changed


def test_each_of_a_thousand_random_changes_deletions_and_swaps_is_found(written):
    chance, head = random.Random(7), (written[-1][0], written[-1][-1])
    # the trail is cut to lengths between 2 and all of it, so that every place in it is near an end at some time
    for number in range(TAMPERINGS):
        length = len(written) if number % 50 == 0 else chance.randrange(2, 40)
        rows = written[:length]
        assert verify(Rows(rows, (rows[-1][0], rows[-1][-1]) if length < len(written) else head)).ok
        changed = tampered(rows, chance)
        assert not verify(Rows(changed, (rows[-1][0], rows[-1][-1]))).ok, (number, length)


def test_what_was_written_anew_from_some_entry_on_is_found_by_the_head(written):
    """A chain that is forged to its end is whole in itself."""
    import dataclasses

    from mailhouse.audit import Entry

    forged, prev = [], written[4][-1]
    for row in written[5:20]:
        entry = dataclasses.replace(Entry(*row), actor="nobody", prev_hash=prev)
        entry = dataclasses.replace(entry, hash=entry.expected_hash)
        prev = entry.hash
        forged.append(tuple(getattr(entry, name) for name in COLUMNS))
    rows = [*written[:5], *forged]
    assert verify(Rows(rows, (rows[-1][0], rows[-1][-1]))).ok
    assert "not the one that the head tells of" in verify(Rows(rows, (written[19][0], written[19][-1]))).problems[0]


def test_a_tail_that_was_cut_off_is_found(tmp_path):
    settings = settings_in(tmp_path)
    trail = fill(settings, 5)
    with sqlite3.connect(settings.audit_path) as file:
        file.execute("drop trigger entries_stay")
        file.execute("delete from entries where seq > 3")
    assert "its end was cut off" in verify(trail).problems[0]


def test_a_head_that_is_behind_is_no_tampering(tmp_path):
    """The process died between the entry and the head."""
    settings = settings_in(tmp_path)
    trail = fill(settings, 2)
    shutil.copyfile(settings.audit_head_path, tmp_path / "kept")
    trail.append("export", FixedClock(NOW), actor="somebody")
    shutil.copyfile(tmp_path / "kept", settings.audit_head_path)
    assert verify(trail).ok


@pytest.mark.parametrize("damage", ["nonsense", None])
def test_without_a_readable_head_nobody_can_tell(tmp_path, damage):
    settings = settings_in(tmp_path)
    trail = fill(settings, 2)
    settings.audit_head_path.write_text(damage) if damage else settings.audit_head_path.unlink()
    assert not verify(trail).ok


def test_entries_are_never_changed_by_this_program(tmp_path):
    settings = settings_in(tmp_path)
    fill(settings, 2)
    with sqlite3.connect(settings.audit_path) as file:
        for statement in ("update entries set actor = 'x'", "delete from entries"):
            with pytest.raises(sqlite3.IntegrityError):
                file.execute(statement)


def test_the_same_deed_told_twice_is_one_entry(tmp_path):
    trail = fill(settings_in(tmp_path), 2)
    trail.append("consent", FixedClock(NOW), actor="somebody", reference="r1")
    assert [entry.reference for entry in trail.entries()] == ["r0", "r1"]


def test_a_subject_can_be_found_until_its_salt_is_gone(tmp_path):
    settings = settings_in(tmp_path)
    one = subject_of(settings, "ann@example.org")
    assert one == subject_of(settings, "ann@example.org") != subject_of(settings, "bob@example.org")
    forget(settings, ["ann@example.org"])
    assert subject_of(settings, "ann@example.org") != one
    for path in tmp_path.iterdir():
        assert b"ann@" not in path.read_bytes()


def test_the_pepper_is_its_owners_alone_and_no_other_will_do(tmp_path):
    settings = settings_in(tmp_path)
    subject_of(settings, "ann@example.org")
    assert settings.pepper_path.stat().st_mode & 0o777 == 0o600
    settings.pepper_path.write_text("0" * 64)
    with pytest.raises(StateUnreadable, match="another pepper"):
        subject_of(settings, "ann@example.org")
    settings.pepper_path.unlink()
    with pytest.raises(StateUnreadable, match="put it back"):
        subject_of(settings, "ann@example.org")


def test_the_command_says_whether_the_trail_is_whole(tmp_path):
    fill(settings_in(tmp_path), 3)
    asked = ["audit", "verify", "--workdir", str(tmp_path)]
    whole = CliRunner().invoke(main, asked)
    assert (whole.exit_code, whole.output) == (0, "3 entries, each as it was written\n")
    with sqlite3.connect(tmp_path / "audit.db") as file:
        file.execute("drop trigger entries_stay_as_they_are")
        file.execute("update entries set actor = 'nobody' where seq = 2")
    assert CliRunner().invoke(main, asked).exit_code == 1
