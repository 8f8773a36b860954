"""Whether any file of the work directory still holds a person: raw bytes, and those inside of compressed files."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from mailhouse.settings import Settings

CHUNK = 4_000_000
# the vendors' world, and backups, which only `mailhouse restore` opens
NOT_OURS = ("sandbox", "backups")


def files_with(settings: Settings, texts: Sequence[str], passed_over: Sequence[Path] = ()) -> list[Path]:
    """The files of the work directory that hold one of the texts in any case, in order; one that cannot be unpacked too."""
    needles = [text.lower().encode() for text in texts if text]
    found = []
    for path in sorted(settings.workdir.rglob("*")):
        if path.is_symlink() or not path.is_file() or path in passed_over:
            continue
        if path.relative_to(settings.workdir).parts[0] not in NOT_OURS and _holds(path, needles):
            found.append(path)
    return found


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    longest = max((len(needle) for needle in needles), default=0)
    try:
        for stream in _streams(path):
            tail = b""
            with stream:
                while chunk := stream.read(CHUNK):
                    text = tail + chunk.lower()
                    if any(needle in text for needle in needles):
                        return True
                    # a text may lie across two chunks
                    tail = text[-longest:]
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        # what cannot be looked into may hold anybody
        return True
    return False


def _streams(path: Path) -> Iterator[IO[bytes]]:
    """The file as it is, and unpacked where it is packed."""
    yield path.open("rb")
    with path.open("rb") as opened:
        beginning = opened.read(4)
    if beginning[:2] == b"\x1f\x8b":
        yield gzip.GzipFile(path)
    elif beginning == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.open(name)
