"""Tombstones: keyed hashes of whom was erased, by which a person who comes back is known without being kept.

They live in `privacy.db`, beside the warehouse and in no backup of it.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from mailhouse.errors import StateUnreadable
from mailhouse.privacy.pepper import pepper_of
from mailhouse.settings import Settings
from mailhouse.sqlite import alone, opened

EMAIL, RECORD = "email", "record"
KEPT = """
create table if not exists pepper_check (only_one integer primary key check (only_one = 1), keyed_hash text not null)
"""
REST = (
    "create table if not exists tombstones (kind text not null, keyed_hash text not null, erasure_id text not null,"
    " surrogate text not null, erased_at text not null, lifted_at text, primary key (kind, keyed_hash))",
    "create table if not exists salts (keyed_hash text primary key, salt text not null)",
    "create table if not exists erasures (erasure_id text primary key, requested text not null, surrogate text not null,"
    " began_at text not null, ended_at text, closure text, receipt text)",
    "create table if not exists erasure_steps (erasure_id text not null, step text not null, done_at text not null,"
    " outcome text not null, primary key (erasure_id, step))",
)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That somebody was erased: `surrogate` stands for them in orders, `lifted_at` is their own later opt-in (both UTC)."""

    surrogate: str
    erased_at: datetime
    lifted_at: datetime | None = None


class PrivacyFile:
    """`privacy.db`, opened anew each time; refuses a pepper other than the one it began with."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.privacy_path
        self._pepper: bytes | None = None

    @property
    def pepper(self) -> bytes:
        if self._pepper is None:
            if self.path.exists() and self.settings.pepper is None and not self.settings.pepper_path.exists():
                raise StateUnreadable(
                    f"{self.settings.pepper_path}: not there, and without it nobody knows who was erased; put it back"
                )
            self._pepper = pepper_of(self.settings)
        return self._pepper

    def keyed(self, kind: str, value: str) -> str:
        """The keyed hash of an identifier, as hex digits."""
        return hmac.digest(self.pepper, f"{kind}|{value}".encode(), hashlib.sha256).hex()

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Raises StateUnreadable, also for another pepper."""
        check = self.keyed("pepper", "check")
        with opened(self.path, KEPT) as file:
            # what is deleted here was about a person: its bytes go too
            file.execute("pragma secure_delete = on")
            for statement in REST:
                file.execute(statement)
            file.execute("insert into pepper_check values (1, ?) on conflict do nothing", [check])
            (known,) = file.execute("select keyed_hash from pepper_check").fetchone()
            if not hmac.compare_digest(known, check):
                raise StateUnreadable(f"{self.path}: was begun with another pepper; put that one back, or nobody erased is known")
            yield file


class Tombstones:
    """The tombstones of one work directory. Raises StateUnreadable when they cannot be read: then nothing may land."""

    def __init__(self, settings: Settings) -> None:
        self._file = PrivacyFile(settings)

    @property
    def exist(self) -> bool:
        """Whether anybody was ever erased here."""
        if not self._file.path.exists():
            return False
        with self._file.opened() as file:
            return file.execute("select 1 from tombstones limit 1").fetchone() is not None

    def write(self, identifiers: Iterable[tuple[str, str]], erasure_id: str, surrogate: str, at: datetime) -> int:
        """Put a tombstone for each (kind, value); one that was lifted holds again. How many identifiers there were."""
        stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
        rows = [[kind, self._file.keyed(kind, value), erasure_id, surrogate, stamp] for kind, value in identifiers]
        with self._file.opened() as file, alone(file):
            file.executemany(
                "insert into tombstones values (?, ?, ?, ?, ?, null) on conflict (kind, keyed_hash) do update set"
                " erasure_id = excluded.erasure_id, surrogate = excluded.surrogate, erased_at = excluded.erased_at,"
                " lifted_at = null",
                rows,
            )
        return len(rows)

    def lift(self, identifiers: Iterable[tuple[str, str]], at: datetime) -> bool:
        """The person has agreed anew at `at`, later than they were erased: what is newer than that is theirs.

        Whether a tombstone of the identifiers holds no longer.
        """
        stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
        rows = [[stamp, kind, self._file.keyed(kind, value), stamp] for kind, value in identifiers]
        with self._file.opened() as file, alone(file):
            changed = file.executemany(
                "update tombstones set lifted_at = ? where kind = ? and keyed_hash = ? and erased_at < ? and lifted_at is null",
                rows,
            )
        return changed.rowcount > 0

    def read(self) -> "Known":
        """All of them, to hold values against."""
        if not self._file.path.exists():
            return Known({}, None)
        with self._file.opened() as file:
            rows = file.execute("select kind, keyed_hash, surrogate, erased_at, lifted_at from tombstones").fetchall()
        found = {
            (kind, key): Tombstone(surrogate, _moment(erased), _moment(lifted)) for kind, key, surrogate, erased, lifted in rows
        }
        return Known(found, self._file)


class Known:
    """The tombstones as they were when they were read."""

    def __init__(self, tombstones: Mapping[tuple[str, str], Tombstone], file: PrivacyFile | None) -> None:
        self._tombstones, self._file = tombstones, file

    def __bool__(self) -> bool:
        return bool(self._tombstones)

    def of(self, kind: str, value: str) -> Tombstone | None:
        """The tombstone of an identifier, lifted or not; None for whom was not erased."""
        if self._file is None or not self._tombstones:
            return None
        return self._tombstones.get((kind, self._file.keyed(kind, value)))

    def against(self, kind: str, value: str, newest: datetime | None = None) -> Tombstone | None:
        """The tombstone that keeps out what says this of itself and is as new as `newest`; None when nothing does.

        After a new opt-in that is whatever is older than it.
        """
        found = self.of(kind, value)
        if found is None or found.lifted_at is None:
            return found
        return found if newest is not None and newest < found.lifted_at else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
