"""Restore a backup: prepared beside the old state, without the people who were erased since, and put in its place at once."""

import dataclasses
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mailhouse.backup import archive, swap
from mailhouse.backup.contents import CONTROLS_PART, INBOX_PART, WAREHOUSE_PART, Manifest
from mailhouse.clock import SystemClock
from mailhouse.consent.inbox import Inbox
from mailhouse.crash_points import CrashPoints
from mailhouse.errors import BackupRefused
from mailhouse.files import flush
from mailhouse.leases import WAREHOUSE, Leases
from mailhouse.settings import Settings
from mailhouse.sqlite import check_file
from mailhouse.sync.state import MIGRATIONS, version
from mailhouse.warehouse import Warehouse

# Takes everybody who was erased out of a prepared state: the settings of the work directory, where the tombstones are, and
# those of the folder with the prepared warehouse and inbox.
Replay = Callable[[Settings, Settings], object]


@dataclass(frozen=True)
class Restored:
    """What was restored: when the backup was made, and how many acts of consent came back that were not here any more."""

    made_at: str
    acts: int


def refuse_tombstones(settings: Settings, _: Settings) -> None:
    """What is done with tombstones by whoever cannot replay them: restore nothing while there are any."""
    if settings.privacy_path.exists():
        raise BackupRefused(f"{settings.privacy_path}: people were erased, and a backup would bring them back; not restored")


def restore(
    settings: Settings,
    path: Path,
    *,
    replay: Replay = refuse_tombstones,
    wait: float | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Put the state of the backup `path` in the place of this work directory's.

    Acts of consent and pauses that are only here stay. No segment goes out before the next run has landed and built anew.
    Killed at any point, the old state or the new one is there. Raises BackupRefused for a backup that is damaged, foreign
    or newer, having changed nothing, and when the disk does not take it; LeaseHeld.
    """
    settings.workdir.mkdir(parents=True, exist_ok=True)
    with Leases(settings.leases_path, SystemClock()).hold(WAREHOUSE, "mailhouse restore", wait=wait, tell=say):
        crash_points = CrashPoints(settings.crash_at)
        swap.finish(settings)
        swap.sweep(settings)
        prepared = dataclasses.replace(settings, workdir=swap.staging(settings))
        try:
            manifest = _prepare(settings, path, prepared, replay)
            crash_points("restore.prepared")
            acts = _add_acts(prepared, settings)
            _keep_pauses(prepared, settings)
            crash_points("restore.merged")
            flush(prepared.workdir)
            swap.commit(settings)
        except OSError as error:
            raise BackupRefused(f"{settings.workdir}: cannot be written ({error.strerror}); nothing was restored") from error
        finally:
            swap.sweep(settings)
        crash_points("restore.committed")
        swap.finish(settings)
    return Restored(manifest.made_at, acts)


def _prepare(settings: Settings, path: Path, prepared: Settings, replay: Replay) -> Manifest:
    """Unpack into the folder of `prepared`, look whether it can be used here, and make it ready for readers and runs."""
    prepared.workdir.mkdir(mode=0o700)
    manifest = archive.unpack(path, prepared.workdir)
    if _numbers(manifest.duckdb) > _numbers(duckdb.__version__) or manifest.state > len(MIGRATIONS):
        raise BackupRefused(f"{path}: made by a newer Mailhouse ({manifest.mailhouse}); update this one first")
    try:
        for name in {INBOX_PART, CONTROLS_PART} & set(manifest.parts):
            check_file(prepared.workdir / name)
        replay(settings, prepared)
        warehouse = Warehouse(prepared)
        with warehouse.write() as connection:
            if version(connection) > len(MIGRATIONS):
                raise BackupRefused(f"{path}: made by a newer Mailhouse; update this one first")
            _close_gate(connection)
        warehouse.copy_to(prepared.workdir / swap.PUBLISHED)
    except duckdb.Error as error:
        raise BackupRefused(f"{path}: {WAREHOUSE_PART} in it cannot be opened as a warehouse; take another backup") from error
    return manifest


def _close_gate(connection: duckdb.DuckDBPyConnection) -> None:
    """Until sources have landed again nobody knows who has said no since the backup was made."""
    if connection.execute("select 1 from duckdb_tables() where schema_name = 'quality' and table_name = 'gate'").fetchall():
        connection.execute("delete from quality.gate")


def _add_acts(prepared: Settings, settings: Settings) -> int:
    """Add to the inbox what only the backup's has; what was taken since stays, and so does who said no since."""
    here, there = Inbox(settings.inbox_path), Inbox(prepared.inbox_path)
    return here.take_over(there) if there.exists else 0


def _keep_pauses(prepared: Settings, settings: Settings) -> None:
    """The operator's word that is here counts; where there is none, the backup's."""
    if prepared.controls_path.exists() and not settings.controls_path.exists():
        # a link, not a move: a pause that is set at this moment makes the file, and must win
        with suppress(FileExistsError):
            os.link(prepared.controls_path, settings.controls_path)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(".") if number.isdigit())
