"""Appending to the trail: each entry carries the hash of the one before, and the head is told to a second file."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from mailhouse.clock import Clock
from mailhouse.settings import Settings
from mailhouse.sqlite import alone, opened

BEGINNING = "0" * 64  # what the first entry carries in place of an earlier one's hash
COLUMNS = ("seq", "at", "actor", "action", "subject", "params_hash", "reference", "prev_hash", "hash")
TABLE = """
create table if not exists entries (
    seq integer primary key, at text not null, actor text not null, action text not null, subject text not null,
    params_hash text not null, reference text not null, prev_hash text not null, hash text not null
)
"""
REST = (
    "create unique index if not exists entries_once on entries (action, reference) where reference <> ''",
    "create trigger if not exists entries_stay_as_they_are before update on entries"
    " begin select raise(abort, 'an entry of the audit trail is never changed'); end",
    "create trigger if not exists entries_stay before delete on entries"
    " begin select raise(abort, 'an entry of the audit trail is never deleted'); end",
)
LAST = f"select {', '.join(COLUMNS)} from entries order by seq desc limit 1"
LAST_OF = f"select {', '.join(COLUMNS)} from entries where action = ? order by seq desc limit 1"
INSERT = f"insert into entries ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done: `at` UTC, `subject` a keyed hash ('' for none), `params_hash` of what it was done with.

    `reference` makes the same deed told twice one entry.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    params_hash: str
    reference: str
    prev_hash: str
    hash: str

    @property
    def expected_hash(self) -> str:
        """What `hash` must be, by everything else in the entry."""
        said = {name: getattr(self, name) for name in COLUMNS if name not in ("prev_hash", "hash")}
        return hashlib.sha256((self.prev_hash + canonical(said)).encode()).hexdigest()


def canonical(values: Mapping[str, Any]) -> str:
    """One text for equal values: JSON with sorted keys and no blanks."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def hash_of(params: Mapping[str, Any]) -> str:
    """What an entry keeps of the particulars of a deed."""
    return hashlib.sha256(canonical(params).encode()).hexdigest()


class Trail:
    """The trail of one work directory; every method opens the file anew, so any thread and process may append."""

    def __init__(self, settings: Settings) -> None:
        self.path, self.head_path = settings.audit_path, settings.audit_head_path

    def append(
        self,
        action: str,
        clock: Clock,
        *,
        actor: str,
        subject: str = "",
        params: Mapping[str, Any] | None = None,
        reference: str = "",
    ) -> Entry:
        """Add an entry; returns when it is on disk. One with the same action and `reference` is not added again.

        Only a hash of `params` is kept, so they must hold nothing that can be guessed back to a person. Raises StateUnreadable.
        """
        hashed = hash_of(params or {})
        with self._opened() as file:
            with alone(file):
                entry = self._known(file, action, reference)
                if entry is None:
                    entry = self._next(file, clock, actor, action, subject, hashed, reference)
                    file.execute(INSERT, [getattr(entry, name) for name in COLUMNS])
            # only of what is on disk, and of two who append at once the later one last
            with alone(file):
                newest = Entry(*file.execute(LAST).fetchone())
                _replace(self.head_path, json.dumps({"seq": newest.seq, "hash": newest.hash}) + "\n")
        return entry

    def append_if_new(self, action: str, clock: Clock, *, actor: str, params: Mapping[str, Any]) -> Entry | None:
        """Add an entry unless the newest of the same action has the same `params`; None when it has. Raises StateUnreadable."""
        hashed = hash_of(params)
        with self._opened() as file:
            last = _entry(file.execute(LAST_OF, [action]).fetchone())
        return None if last and last.params_hash == hashed else self.append(action, clock, actor=actor, params=params)

    @staticmethod
    def _next(file: sqlite3.Connection, clock: Clock, *said: str) -> Entry:
        """The entry that follows the last one; its time is taken by the only writer, so that times never go back."""
        last = _entry(file.execute(LAST).fetchone())
        seq, prev = (last.seq + 1, last.hash) if last else (1, BEGINNING)
        at = clock.now().astimezone(UTC).isoformat(timespec="microseconds")
        draft = Entry(seq, at, *said, prev, "")
        return replace(draft, hash=draft.expected_hash)

    def entries(self) -> Iterator[Entry]:
        """All entries as they stand, in their order; none when nothing was ever appended."""
        if not self.path.exists():
            return
        with opened(self.path, "pragma query_only = on") as file:
            for row in file.execute(f"select {', '.join(COLUMNS)} from entries order by seq"):
                yield Entry(*row)

    def head(self) -> tuple[int, str] | None:
        """Number and hash that the second file tells; None when there is none. Raises ValueError for a damaged one."""
        try:
            told = json.loads(self.head_path.read_text(encoding="utf-8"))
            return int(told["seq"]), str(told["hash"])
        except FileNotFoundError:
            return None
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError("the head is damaged") from error

    @staticmethod
    def _known(file: sqlite3.Connection, action: str, reference: str) -> Entry | None:
        if not reference:
            return None
        found = f"select {', '.join(COLUMNS)} from entries where action = ? and reference = ?"
        return _entry(file.execute(found, [action, reference]).fetchone())

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with opened(self.path, TABLE) as file:
            for statement in REST:
                file.execute(statement)
            yield file


def _entry(row: tuple[Any, ...] | None) -> Entry | None:
    return Entry(*row) if row else None


def _replace(path: Path, text: str) -> None:
    """The file with this text, or as it was before: never half of it."""
    fresh = path.with_suffix(".fresh")
    with fresh.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
