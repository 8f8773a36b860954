"""The moment of a restore: one rename decides; what is left to move then is moved by whoever opens the warehouse next."""

import os
import shutil
from pathlib import Path

from mailhouse.backup.contents import MODELS_PART, WAREHOUSE_PART
from mailhouse.crash_points import CrashPoints
from mailhouse.files import flush
from mailhouse.settings import Settings

PUBLISHED = "published.duckdb"


def staging(settings: Settings) -> Path:
    """Where a state is prepared; it means nothing, and the next backup or restore removes what is left there."""
    return settings.workdir / "restoring"


def ready(settings: Settings) -> Path:
    """Where a state lies that is decided on; while it is there the warehouse beside it is the old one."""
    return settings.workdir / "restored"


def sweep(settings: Settings) -> None:
    """Remove what a killed backup or restore has left."""
    shutil.rmtree(staging(settings), ignore_errors=True)


def commit(settings: Settings) -> None:
    """Decide on the prepared state: from here on it is the new one, whatever happens."""
    os.rename(staging(settings), ready(settings))
    flush(settings.workdir)


def finish(settings: Settings) -> None:
    """Move a state that was decided on into its place; does nothing when there is none.

    To be called by whoever holds the warehouse. May be killed and called again: what was moved is not there any more.
    """
    folder = ready(settings)
    if not folder.is_dir():
        return
    crash_points = CrashPoints(settings.crash_at)
    if (folder / WAREHOUSE_PART).exists():
        # dlt keeps the cursors of what it has read there: they are ahead of the restored ones, which are in the warehouse
        shutil.rmtree(settings.pipelines, ignore_errors=True)
        Path(f"{settings.warehouse_path}.wal").unlink(missing_ok=True)
    for name, places in _places(settings).items():
        for place in places[1:]:
            _copy(folder / name, place)
            crash_points("restore.moved")
        if (folder / name).exists():
            places[0].parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / name, places[0])
            flush(places[0].parent)
        crash_points("restore.moved")
    shutil.rmtree(folder)
    flush(settings.workdir)


def _places(settings: Settings) -> dict[str, tuple[Path, ...]]:
    """Where each file goes: it is copied to all but the first place, and moved to that."""
    return {
        MODELS_PART: (settings.manifest, settings.published_target / "manifest.json"),
        PUBLISHED: (settings.published_path,),
        WAREHOUSE_PART: (settings.warehouse_path,),
    }


def _copy(file: Path, place: Path) -> None:
    if not file.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(".fresh")
    shutil.copyfile(file, fresh)
    flush(fresh)
    os.replace(fresh, place)
