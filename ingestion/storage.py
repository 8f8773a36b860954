"""Files in a folder or a bucket, through fsspec: which there are, whether they have changed, and their bytes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import dlt
import fsspec

from ingestion.fields import Fields
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.settings import Connection

GZIP = ".gz"
# what tells that a file has changed, by the names that the stores use for it
SIGNS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")


class FilesUnreachable(MailhouseError):
    """The folder or bucket of a connection cannot be listed."""


@dataclass(frozen=True)
class Found:
    """One file: its `name` below the connection's url, and a text that changes when its content does."""

    name: str
    path: str
    fingerprint: str


class Storage:
    """The folder or bucket that a connection's `url` names; `secrets` are given to the store by their names."""

    def __init__(self, connection: Connection) -> None:
        self._id = connection.id
        self._next_step = "correct `url` in connections.yml"
        if connection.lives_in_sandbox:
            self._next_step = "make a company with `mailhouse sandbox seed`"
        options: dict[str, Any] = {name: connection.secret(name) for name in connection.secret_names}
        try:
            self._system, self._root = fsspec.core.url_to_fs(connection.url, **options)
        except (ImportError, ValueError) as error:
            scheme = connection.url.partition("://")[0]
            raise ConfigurationError(
                f"connection {connection.id}: `{scheme}` files need a library of their own that is not installed;"
                " install fsspec's package for it, or name a folder"
            ) from error

    def found(self, pattern: str) -> list[Found]:
        """The files that fit a pattern (`**/*.jsonl`, `*` for one name), sorted by name. Raises FilesUnreachable."""
        try:
            if not self._system.exists(self._root):
                raise FilesUnreachable(f"connection {self._id}: its folder or bucket is not there; {self._next_step}")
            listed = self._system.glob(f"{self._root}/{pattern}", detail=True)
        except (OSError, PermissionError) as error:
            raise FilesUnreachable(f"connection {self._id}: its files cannot be listed ({type(error).__name__})") from error
        files = [
            Found(path.removeprefix(self._root).lstrip("/"), path, _fingerprint(said))
            for path, said in listed.items()
            if said.get("type") == "file"
        ]
        return sorted(files, key=lambda one: one.name)

    @contextmanager
    def opened(self, file: Found) -> Iterator[IO[bytes]]:
        """The bytes of a file, unpacked when its name ends in .gz."""
        with self._system.open(file.path, "rb", compression="gzip" if file.name.endswith(GZIP) else None) as content:
            yield content


class FilesRead:
    """Which files a resource has read to their end, by fingerprint; kept in dlt's state, which is committed with the rows.

    A file that has changed is read again as a whole. Other fields than last time: all are read once more. `part` tells several
    readings of one resource apart.
    """

    def __init__(self, resource: str, fields: Fields, part: str = "") -> None:
        self._resource, self._part = resource, part
        kept: dict[str, Any] = dlt.current.resource_state(resource).setdefault("files_read", {})
        if (kept.get(part) or {}).get("listed_fields") != fields.digest:
            kept[part] = {"listed_fields": fields.digest, "files": {}}

    @property
    def _read(self) -> dict[str, str]:
        # looked up each time: a long reading goes into several packages, and each has its own copy of the state
        return dlt.current.resource_state(self._resource)["files_read"][self._part]["files"]

    def unread(self, files: list[Found]) -> list[Found]:
        """Those that are new or have changed; what is no longer there is forgotten."""
        there = {file.name for file in files}
        for gone in [name for name in self._read if name not in there]:
            del self._read[gone]
        return [file for file in files if self._read.get(file.name) != file.fingerprint]

    def finished(self, file: Found) -> None:
        """All of this file has been given out."""
        self._read[file.name] = file.fingerprint


def _fingerprint(said: dict[str, Any]) -> str:
    signs = [str(said[name]) for name in SIGNS if said.get(name) is not None]
    return hashlib.sha256("|".join([str(said.get("size")), *signs]).encode()).hexdigest()[:16]
