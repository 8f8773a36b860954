"""What a backup holds, and the manifest that says so: versions, and the checksum of every part."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mailhouse.errors import BackupRefused

KIND = "mailhouse-backup"
VERSION = 1
MANIFEST = "backup.json"
WAREHOUSE_PART = "warehouse.duckdb"
INBOX_PART = "inbox.db"
CONTROLS_PART = "controls.db"
MODELS_PART = "manifest.json"  # dbt's, of the build that the warehouse comes from
# Leases and call counters are not among them: they are of the present, and must never go back. Neither are the tombstones
# of erased people with their pepper, connections.yml, or anything of the sandbox.
PARTS = (WAREHOUSE_PART, INBOX_PART, CONTROLS_PART, MODELS_PART)


@dataclass(frozen=True)
class Part:
    """One file of a backup: its length in bytes and its SHA-256, as 64 hexadecimal digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Which versions made a backup, when (UTC, ISO 8601), and what is in it.

    `state` is the version of the sync's own tables, 0 where no sync has run yet.
    """

    made_at: str
    mailhouse: str
    duckdb: str
    state: int
    parts: Mapping[str, Part]

    def as_json(self) -> bytes:
        """The manifest as it stands in the archive."""
        return json.dumps({"kind": KIND, "version": VERSION, **asdict(self)}, indent=2, sort_keys=True).encode()


def read_manifest(text: bytes, place: str) -> Manifest:
    """The manifest of the backup called `place`. Raises BackupRefused for a foreign, newer or contradictory one."""
    try:
        said: Any = json.loads(text)
    except ValueError as error:
        raise BackupRefused(f"{place}: its {MANIFEST} is damaged; take another backup") from error
    if not isinstance(said, dict) or said.pop("kind", None) != KIND:
        raise BackupRefused(f"{place}: not a backup of Mailhouse; name a file that `mailhouse backup` made")
    version = said.pop("version", None)
    if not isinstance(version, int) or version > VERSION:
        raise BackupRefused(f"{place}: made by a newer Mailhouse (backup version {version}, known {VERSION}); update this one")
    try:
        manifest = Manifest(**{**said, "parts": {name: Part(**part) for name, part in said["parts"].items()}})
    except (TypeError, KeyError, AttributeError) as error:
        raise BackupRefused(f"{place}: its {MANIFEST} is not what Mailhouse writes; take another backup") from error
    if WAREHOUSE_PART not in manifest.parts or not set(manifest.parts) <= set(PARTS):
        raise BackupRefused(f"{place}: it does not hold what a backup holds; take another backup")
    return manifest
