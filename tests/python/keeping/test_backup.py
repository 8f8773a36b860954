"""A backup goes back whole or not at all, and nobody who said no since is forgotten."""

import json
import random
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mailhouse import controls
from mailhouse.backup.contents import MANIFEST, PARTS
from mailhouse.backup.create import create
from mailhouse.backup.restore import restore
from mailhouse.clock import SystemClock
from mailhouse.errors import BackupRefused, LeaseHeld, WarehouseMissing
from mailhouse.leases import WAREHOUSE, Leases
from mailhouse.warehouse import Warehouse
from tests.python.keeping.conftest import NOW, Keeping

POINTS = ("restore.prepared", "restore.merged", "restore.committed", *(f"restore.moved#{nth}" for nth in range(1, 5)))

OFTEN = ("restore.merged", "restore.committed", "restore.moved#3")


def rewritten(path: Path, to: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The archive with each part as `change` leaves it; None leaves it out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return to


def with_manifest(path: Path, to: Path, **said: object) -> Path:
    def change(name: str, data: bytes) -> bytes:
        return json.dumps({**json.loads(data), **said}).encode() if name == MANIFEST else data

    return rewritten(path, to, change)


def test_a_restored_backup_is_the_state_it_was_made_of(here: Keeping) -> None:
    path = create(here.settings)
    here.live(2)
    assert here.generations() == {2}
    restored = restore(here.settings, path)
    assert here.generations() == {1}
    assert restored.acts == 0
    assert not here.settings.pipelines.exists()
    assert {path.name for path in here.workdir.iterdir()} & {"restoring", "restored"} == set()


def test_it_goes_to_another_work_directory(here: Keeping, keeping: Callable[[str], Keeping]) -> None:
    there = keeping("there")
    restored = restore(there.settings, create(here.settings))
    assert there.generations() == {1}
    assert restored.acts == 1 and there.said_no() == {"first@mail.example"}
    assert [pause.name for pause in controls.in_force(there.settings)] == ["seg_champions"]


def test_whoever_said_no_since_has_still_said_no_and_nothing_goes_out_before_a_run(here: Keeping) -> None:
    path = create(here.settings)
    here.withdraw("second@mail.example")
    controls.resume(here.settings, "seg_champions", NOW)
    assert not here.gate_is_closed()
    restore(here.settings, path)
    assert here.said_no() == {"first@mail.example", "second@mail.example"}
    assert controls.in_force(here.settings) == []
    assert here.gate_is_closed()


def test_it_holds_its_parts_and_nothing_else_and_only_its_owner_reads_it(here: Keeping) -> None:
    here.settings.privacy_path.write_text("pepper")
    path = create(here.settings)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {MANIFEST, *PARTS}
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent == here.settings.backups and [one.name for one in path.parent.iterdir()] == [path.name]


def test_without_a_warehouse_there_is_nothing_to_back_up(keeping: Callable[[str], Keeping]) -> None:
    with pytest.raises(WarehouseMissing):
        create(keeping("empty").settings)


def test_neither_works_while_a_run_has_the_warehouse(here: Keeping) -> None:
    path = create(here.settings)
    with Leases(here.settings.leases_path, SystemClock()).hold(WAREHOUSE, "a run"):
        for work in (lambda: create(here.settings), lambda: restore(here.settings, path)):
            with pytest.raises(LeaseHeld, match="a run"):
                work()


def test_a_damaged_foreign_or_newer_one_is_refused_and_nothing_has_changed(here: Keeping, tmp_path: Path) -> None:
    path = create(here.settings)
    here.live(2)
    text = tmp_path / "notes.zip"
    text.write_text("no archive")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path.read_bytes()[:-200])
    refused = {
        tmp_path / "absent.zip": "no such file",
        text: "not a backup",
        cut: "cut off",
        rewritten(path, tmp_path / "1.zip", lambda name, data: None if name == MANIFEST else data): "not a backup",
        rewritten(path, tmp_path / "2.zip", lambda name, data: None if name == "inbox.db" else data): "damaged",
        rewritten(path, tmp_path / "3.zip", lambda name, data: data[:-1] + b"?" if name == "inbox.db" else data): "damaged",
        rewritten(path, tmp_path / "4.zip", lambda name, data: data + b"more" if name == "inbox.db" else data): "longer",
        with_manifest(path, tmp_path / "5.zip", kind="another"): "not a backup",
        with_manifest(path, tmp_path / "6.zip", version=2): "newer",
        with_manifest(path, tmp_path / "7.zip", duckdb="99.0.0"): "newer",
        with_manifest(path, tmp_path / "8.zip", state=99): "newer",
        with_manifest(path, tmp_path / "9.zip", parts={}): "does not hold",
        with_manifest(path, tmp_path / "10.zip", parts={"../warehouse.duckdb": {"bytes": 1, "sha256": ""}}): "does not hold",
        with_manifest(path, tmp_path / "11.zip", surprise=1): "not what Mailhouse writes",
    }
    for wrong, told in refused.items():
        with pytest.raises(BackupRefused, match=told) as raised:
            restore(here.settings, wrong)
        assert "\n" not in str(raised.value)
    assert here.generations() == {2}
    assert not (here.workdir / "restoring").exists()


def test_a_warehouse_of_a_newer_state_is_refused_whatever_the_manifest_says(here: Keeping) -> None:
    with Warehouse(here.settings).write() as connection:
        connection.execute("insert into reverse_sync.schema_version values (99, now())")
    path = create(here.settings)
    with pytest.raises(BackupRefused, match="newer"):
        restore(here.settings, with_manifest(path, path.with_name("older.zip"), state=1))


def test_any_flipped_bit_is_refused_or_changes_nothing(here: Keeping, keeping: Callable[[str], Keeping], tmp_path: Path) -> None:
    path = create(here.settings)
    good, dice = path.read_bytes(), random.Random(7)
    there, bad = keeping("there"), tmp_path / "bad.zip"
    refused = 0
    for _ in range(12):
        data = bytearray(good)
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        bad.write_bytes(data)
        try:
            restore(there.settings, bad)
        except BackupRefused:
            refused += 1
        else:
            assert there.generations() == {1}
    assert refused > 6


def test_with_tombstones_that_nobody_replays_nothing_is_restored(here: Keeping) -> None:
    path = create(here.settings)
    here.live(2)
    here.settings.privacy_path.write_text("somebody was erased")
    with pytest.raises(BackupRefused, match="erased"):
        restore(here.settings, path)
    assert here.generations() == {2}


def test_tombstones_are_replayed_before_anybody_can_read(here: Keeping) -> None:
    path = create(here.settings)
    here.settings.privacy_path.write_text("somebody was erased")

    def replay(settings: object, prepared: Keeping) -> None:
        assert settings is here.settings
        with Warehouse(prepared).write() as connection:
            connection.execute("update marts.customers set generation = 0")

    restore(here.settings, path, replay=replay)
    assert here.generations() == {0, 1}  # the manifests are of generation 1


@pytest.mark.parametrize(
    "point", [point if point in OFTEN else pytest.param(point, marks=pytest.mark.torture) for point in POINTS]
)
def test_killed_anywhere_the_old_or_the_new_state_is_there(here: Keeping, point: str) -> None:
    path = create(here.settings)
    here.live(2)
    here.withdraw("second@mail.example")
    killed = here.command("restore", str(path), "--yes", MAILHOUSE_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Warehouse(here.settings).write():  # the next run, whatever it does
        pass
    assert here.generations() == ({2} if point in ("restore.prepared", "restore.merged") else {1})
    assert here.said_no() == {"first@mail.example", "second@mail.example"}
    restore(here.settings, path)
    assert here.generations() == {1}


@pytest.mark.parametrize("point", [pytest.param("backup.gathered", marks=pytest.mark.torture), "backup.packed"])
def test_a_killed_backup_leaves_no_archive(here: Keeping, point: str) -> None:
    killed = here.command("backup", MAILHOUSE_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list(here.settings.backups.glob("*.zip")) == []
    path = create(here.settings)
    assert {one.name for one in here.workdir.iterdir()} & {"restoring", "restored"} == set()
    assert restore(here.settings, path).acts == 0


def test_the_command_says_where_and_asks_before_it_replaces(here: Keeping, tmp_path: Path) -> None:
    done = here.command("backup", "--out", str(tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "elsewhere").iterdir()
    assert path.name in done.stdout.replace("\n", "")
    here.live(2)
    assert here.command("restore", str(path)).returncode == 1
    assert here.generations() == {2}
    assert here.command("restore", str(path), "--yes").returncode == 0
    assert here.generations() == {1}
