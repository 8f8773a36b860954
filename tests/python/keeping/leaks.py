"""Looks through every file of a work directory for people and secrets, packed ones unpacked."""

import gzip
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

ADDRESS = re.compile(rb"[a-z0-9._+-]+(?:@|%40)[a-z0-9.-]+\.[a-z]{2,}")


@dataclass(frozen=True)
class Canaries:
    """What must stand nowhere: addresses in lower case, and secrets."""

    addresses: frozenset[bytes]
    secrets: frozenset[bytes]

    def found_in(self, data: bytes) -> set[bytes]:
        """Which of them stand in the bytes."""
        text = data.lower()
        people = {address.replace(b"%40", b"@") for address in ADDRESS.findall(text)} if b"@" in text or b"%40" in text else set()
        odd = {address for address in self.addresses if not ADDRESS.fullmatch(address) and address in text}
        return (people & self.addresses) | odd | {secret for secret in self.secrets if secret in data}


def leaks(
    folder: Path, canaries: Canaries, *, apart: Iterable[str], clean: set[tuple[str, int, int]] | None = None
) -> dict[str, int]:
    """The files in which canaries stand, and how many; `apart` names what is meant to hold people, by its first folder.

    clean: files that an earlier look found to be clean, as name, length and time; they are not read again.
    """
    found: dict[str, int] = {}
    clean = set() if clean is None else clean
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.split("/")[0] not in apart:
            state = (name, path.stat().st_size, path.stat().st_mtime_ns)
            if state in clean:
                continue
            clean.add(state)
            hits = {hit for data in contents(path) for hit in canaries.found_in(data)}
            if hits:
                clean.discard(state)
                found[name] = len(hits)
    return found


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what is packed in them."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:4] == b"PAR1":
        yield str(pq.read_table(path).to_pydict()).encode()
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)
