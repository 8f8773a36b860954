"""The archive of a backup: a zip file whose parts are trusted only when length and checksum are those of its manifest."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from mailhouse.backup.contents import MANIFEST, Manifest, Part, read_manifest
from mailhouse.errors import BackupRefused
from mailhouse.files import flush

CHUNK = 1 << 20
LONGEST_MANIFEST = 1 << 20
# whatever zipfile may say about bytes that are not as they were written
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OSError,
    struct.error,
)


def part_of(path: Path) -> Part:
    """A file's length and checksum."""
    with path.open("rb") as file:
        return Part(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def write(path: Path, manifest: Manifest, folder: Path) -> None:
    """Write the parts of `folder` and their manifest into `path`, on disk when this returns; readable by its owner only."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(MANIFEST, manifest.as_json())
        for name in manifest.parts:
            archive.write(folder / name, name)
    flush(path)


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack every part of `path` into `folder`, on disk when this returns.

    Raises BackupRefused when the archive is absent, foreign, newer or damaged; `folder` may then hold some of it.
    """
    if not path.is_file():
        raise BackupRefused(f"{path}: no such file; name one that `mailhouse backup` made")
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise BackupRefused(f"{path}: not a backup of Mailhouse, or cut off; take another backup") from error
    with archive:
        if MANIFEST not in archive.namelist():
            raise BackupRefused(f"{path}: not a backup of Mailhouse; name a file that `mailhouse backup` made")
        manifest = read_manifest(b"".join(_chunks(archive, path, MANIFEST, LONGEST_MANIFEST)), str(path))
        for name, part in manifest.parts.items():
            _unpack(archive, path, name, part, folder / name)
    flush(folder)
    return manifest


def _unpack(archive: zipfile.ZipFile, path: Path, name: str, part: Part, to: Path) -> None:
    digest = hashlib.sha256()
    with to.open("wb") as out:
        for chunk in _chunks(archive, path, name, part.bytes):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != part.sha256:
        raise BackupRefused(f"{path}: {name} in it is damaged; take another backup")
    flush(to)


def _chunks(archive: zipfile.ZipFile, path: Path, name: str, longest: int) -> Iterator[bytes]:
    """The bytes of one part, at most so many: what is longer than it says is damaged too."""
    read = 0
    try:
        with archive.open(name) as part:
            while chunk := part.read(CHUNK):
                read += len(chunk)
                if read > longest:
                    break
                yield chunk
    except DAMAGED as error:
        raise BackupRefused(f"{path}: {name} in it is damaged; take another backup") from error
    if read > longest:
        raise BackupRefused(f"{path}: {name} in it is longer than it says; take another backup")
