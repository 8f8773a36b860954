"""Make a backup: a consistent copy of each part while nobody else writes, packed, and given its name only when it is whole."""

import os
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import duckdb

from mailhouse import __version__
from mailhouse.backup import archive, swap
from mailhouse.backup.contents import CONTROLS_PART, INBOX_PART, MODELS_PART, WAREHOUSE_PART, Manifest
from mailhouse.clock import SystemClock
from mailhouse.crash_points import CrashPoints
from mailhouse.errors import BackupRefused, WarehouseMissing
from mailhouse.files import flush
from mailhouse.leases import WAREHOUSE, Lease, Leases
from mailhouse.settings import Settings
from mailhouse.sqlite import copy_file
from mailhouse.sync.state import version
from mailhouse.warehouse import Warehouse


def create(
    settings: Settings, out: Path | None = None, *, wait: float | None = None, say: Callable[[str], None] = lambda _: None
) -> Path:
    """Back up the work directory into the folder `out` (default: `backups` in it); the archive's path.

    Raises LeaseHeld while a run has the warehouse and, within `wait` seconds, does not give it back; WarehouseMissing;
    BackupRefused when it cannot be written. Nothing is left under the archive's name unless it is whole.
    """
    if not settings.warehouse_path.exists():
        raise WarehouseMissing(f"{settings.warehouse_path}: there is no warehouse to back up; run `mailhouse run` first")
    clock = SystemClock()
    with Leases(settings.leases_path, clock).hold(WAREHOUSE, "mailhouse backup", wait=wait, tell=say) as lease:
        crash_points = CrashPoints(settings.crash_at)
        swap.sweep(settings)
        made_at = clock.now().astimezone(UTC)
        folder = out or settings.backups
        path = folder / f"mailhouse-{made_at:%Y%m%dT%H%M%SZ}.zip"
        unfinished = path.with_suffix(".part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise BackupRefused(f"{path}: is there already; wait a second, or say another folder with --out")
            manifest = _gather(settings, lease, swap.staging(settings), made_at.isoformat(timespec="seconds"))
            crash_points("backup.gathered")
            archive.write(unfinished, manifest, swap.staging(settings))
            crash_points("backup.packed")
            os.replace(unfinished, path)
            flush(folder)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise BackupRefused(f"{path}: cannot be written ({error.strerror}); look at the disk and the folder") from error
        finally:
            swap.sweep(settings)
    return path


def _gather(settings: Settings, lease: Lease, folder: Path, made_at: str) -> Manifest:
    """A consistent copy of every part in `folder`, which must not be there yet, and what the manifest says of them."""
    folder.mkdir(mode=0o700)
    warehouse = Warehouse(settings, guard=lease.check)
    with warehouse.write() as connection:
        state = version(connection)
    warehouse.copy_to(folder / WAREHOUSE_PART)
    for name, path in ((INBOX_PART, settings.inbox_path), (CONTROLS_PART, settings.controls_path)):
        if path.exists():
            copy_file(path, folder / name)
    if settings.manifest.exists():
        (folder / MODELS_PART).write_bytes(settings.manifest.read_bytes())
    parts = {path.name: archive.part_of(path) for path in sorted(folder.iterdir())}
    return Manifest(made_at, __version__, duckdb.__version__, state, parts)
