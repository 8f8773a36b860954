"""The sandbox's state: every vendor's objects, tags, clock and secrets in one SQLite file."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from mailhouse.errors import MailhouseError

SCHEMA = """
create table if not exists object (
    kind text not null, id text not null, parent text not null default '', num integer not null,
    created_at text not null, updated_at text not null, email text not null, deleted integer not null, body text not null,
    primary key (kind, id, parent)
) without rowid;
create index if not exists object_by_number on object (kind, num, id, deleted);
create index if not exists object_by_parent on object (kind, parent, num, id, deleted);
create index if not exists object_by_change on object (kind, updated_at, num, id, deleted);
create index if not exists object_by_email on object (kind, email) where email <> '';
create table if not exists tag_member (
    list_id text not null, segment_id text not null, member_id text not null,
    primary key (list_id, segment_id, member_id)
) without rowid;
create index if not exists tag_by_member on tag_member (list_id, member_id, segment_id);
create table if not exists list_member (
    list_id text not null, profile_id text not null, joined_at text not null,
    primary key (list_id, profile_id)
) without rowid;
create index if not exists list_member_by_time on list_member (list_id, joined_at, profile_id);
create index if not exists list_by_member on list_member (profile_id, list_id);
create index if not exists klaviyo_profile_by_phone on object (json_extract(body, '$.phone_number'))
    where kind = 'klaviyo.profile';
create index if not exists klaviyo_profile_by_external_id on object (json_extract(body, '$.external_id'))
    where kind = 'klaviyo.profile';
create index if not exists sendgrid_contact_by_external_id on object (json_extract(body, '$.external_id'))
    where kind = 'sendgrid.contact';
create table if not exists effect (
    seq integer primary key autoincrement, vendor text not null, request text not null, call text not null,
    at text not null, tick real not null, effect text not null, kind text not null, subject text not null,
    address text not null, container text not null, detail text not null
);
create table if not exists automation_entry (
    vendor text not null, automation text not null, subject text not null, address text not null,
    at text not null, request text not null,
    primary key (vendor, automation, subject)
) without rowid;
create table if not exists meta (key text primary key, value text not null) without rowid;
"""
COLUMNS = "id, body, updated_at, created_at, parent, email, deleted"
CLOCK = "clock"
CLOCK_FILE = "clock.json"


class SandboxNotReady(MailhouseError):
    """The sandbox's state is missing something that seeding puts there."""


@dataclass(slots=True)
class Row:
    """One object of a vendor; `deleted` is the vendor's own archive, times are UTC."""

    id: str
    body: dict[str, Any]
    updated_at: datetime | str
    created_at: datetime | str | None = None
    parent: str = ""
    email: str = ""
    deleted: bool = False


class Watcher(Protocol):
    """Is told what a thread changes while it watches, within the transaction of the change."""

    def put(self, connection: sqlite3.Connection, kind: str, before: Mapping[tuple[str, str], Row], rows: list[Row]) -> None: ...

    def deleted(self, connection: sqlite3.Connection, kind: str, rows: Iterable[Row]) -> None: ...

    def tied(
        self, connection: sqlite3.Connection, kind: str, container: str, members: Mapping[str, str], *, joined: bool
    ) -> None: ...


def stamp(moment: datetime | str) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, the one form in the file, so that text order is time order."""
    if isinstance(moment, str):
        if len(moment) == 24 and moment[-1] == "Z" and moment[19] == ".":
            return moment
        moment = datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def number_of(identifier: str) -> int:
    """Numeric ids sort as numbers, all others (hashes) as text behind the same number."""
    return int(identifier) if len(identifier) <= 18 and identifier.isascii() and identifier.isdigit() else 0


class Store:
    """One SQLite file in WAL mode: readers side by side, one writer at a time, usable from any thread."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        self._writing = threading.RLock()
        self._open: list[sqlite3.Connection] = []
        with self._writing:
            connection = self._connection()
            connection.execute("pragma journal_mode=wal")
            connection.executescript(SCHEMA)

    def _connection(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            # autocommit, so that every transaction below is one that we began ourselves
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            connection.execute("pragma synchronous=normal")
            self._local.connection = connection
            self._open.append(connection)
        return connection

    def close(self) -> None:
        """Ends the connections of all threads; the file is then whole on its own."""
        with self._writing:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All writes inside come to pass together or not at all; may be nested."""
        with self._writing:
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """Tells the watcher of every change that this thread makes inside."""
        before, self._local.watcher = self.watcher, watcher
        try:
            yield
        finally:
            self._local.watcher = before

    @property
    def watcher(self) -> Watcher | None:
        """Who watches this thread."""
        return getattr(self._local, "watcher", None)

    # -- clock, secrets and other single values ---------------------------------------------------------------------
    def meta_get(self, key: str) -> Any:
        """The value put under the key, or None."""
        found = self._connection().execute("select value from meta where key = ?", (key,)).fetchone()
        return None if found is None else orjson.loads(found[0])

    def meta_set(self, key: str, value: Any) -> None:
        """Keeps any JSON value."""
        with self.transaction() as connection:
            connection.execute("insert or replace into meta values (?, ?)", (key, orjson.dumps(value).decode()))

    def numbers(self, counter: str, count: int) -> Callable[[], str]:
        """Gives out that many numbers which the counter never gave out before, as text to make identifiers of."""
        with self.transaction():
            first = (self.meta_get(counter) or 0) + 1
            self.meta_set(counter, first + count - 1)
        given = iter(range(first, first + count))
        return lambda: str(next(given))

    def now(self) -> datetime:
        """The company's present, UTC; it stands still until it is set."""
        text = self.meta_get(CLOCK)
        if text is None:
            raise SandboxNotReady(f"the sandbox in {self.path.parent} has no clock yet: run `mailhouse sandbox seed` first")
        return datetime.fromisoformat(text)

    def set_now(self, moment: datetime) -> None:
        """Moves the company's present, and tells it to those who look from outside (`clock.json` beside the file)."""
        self.meta_set(CLOCK, stamp(moment))
        fresh = self.path.with_name("clock.fresh")
        fresh.write_bytes(orjson.dumps({"now": stamp(moment)}))
        fresh.replace(self.path.with_name(CLOCK_FILE))

    # -- objects ----------------------------------------------------------------------------------------------------
    def put_many(self, kind: str, rows: Iterable[Row]) -> int:
        """Inserts or replaces in one transaction, reading `rows` as a stream; how many there were."""
        written, watcher = 0, self.watcher
        if watcher is not None:
            rows = list(rows)

        def values() -> Iterator[tuple[Any, ...]]:
            nonlocal written
            for row in rows:
                written += 1
                updated = stamp(row.updated_at)
                created = updated if row.created_at is None else stamp(row.created_at)
                body = orjson.dumps(row.body).decode()
                yield (kind, row.id, row.parent, number_of(row.id), created, updated, row.email, int(row.deleted), body)

        with self.transaction() as connection:
            before = self._before(kind, rows) if watcher is not None else {}
            connection.executemany("insert or replace into object values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values())
            if watcher is not None:
                watcher.put(connection, kind, before, list(rows))
        return written

    def _before(self, kind: str, rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
        """Those rows as they stand, by id and parent."""
        wanted = orjson.dumps([row.id for row in rows]).decode()
        statement = f"select {COLUMNS} from object where kind = ? and id in (select value from json_each(?))"
        found = (_row(row) for row in self._connection().execute(statement, (kind, wanted)))
        return {(row.id, row.parent): row for row in found}

    def put(self, kind: str, row: Row) -> None:
        """One row; see put_many."""
        self.put_many(kind, (row,))

    def get(self, kind: str, identifier: str, parent: str | None = None) -> Row | None:
        """The object, archived or not; without a parent the first of that id under any parent."""
        where, values = "kind = ? and id = ?", [kind, identifier]
        if parent is not None:
            where, values = f"{where} and parent = ?", [*values, parent]
        found = self._connection().execute(f"select {COLUMNS} from object where {where} limit 1", values).fetchone()
        return None if found is None else _row(found)

    def get_many(self, kind: str, identifiers: Iterable[str], parent: str | None = None) -> dict[str, Row]:
        """Those that exist, by id."""
        wanted = orjson.dumps(list(identifiers)).decode()
        where, values = "kind = ? and id in (select value from json_each(?))", [kind, wanted]
        if parent is not None:
            where, values = f"{where} and parent = ?", [*values, parent]
        return {row[0]: _row(row) for row in self._connection().execute(f"select {COLUMNS} from object where {where}", values)}

    def by_email(self, kind: str, email: str, parent: str | None = None) -> list[Row]:
        """Objects whose `email` was put as exactly this text."""
        where, values = "kind = ? and email = ? and email <> ''", [kind, email]
        if parent is not None:
            where, values = f"{where} and parent = ?", [*values, parent]
        # named, because the planner would rather walk a whole kind in order than sort the few that are found
        source = "object indexed by object_by_email"
        found = self._connection().execute(f"select {COLUMNS} from {source} where {where} order by num, id", values)
        return [_row(row) for row in found]

    def delete(self, kind: str, identifier: str, parent: str | None = None) -> bool:
        """Really gone, as if it had never been; whether there was one."""
        where, values = "kind = ? and id = ?", [kind, identifier]
        if parent is not None:
            where, values = f"{where} and parent = ?", [*values, parent]
        with self.transaction() as connection:
            if self.watcher is not None:
                gone = [_row(row) for row in connection.execute(f"select {COLUMNS} from object where {where}", values)]
                self.watcher.deleted(connection, kind, gone)
            return connection.execute(f"delete from object where {where}", values).rowcount > 0

    def count(
        self,
        kind: str,
        parent: str | None = None,
        *,
        updated_from: datetime | str | None = None,
        updated_before: datetime | str | None = None,
        deleted: bool | None = False,
    ) -> int:
        """How many there are; `deleted=None` counts the archived too, `parent=None` all parents."""
        where, values = _conditions(kind, parent, updated_from, updated_before, deleted)
        return self._connection().execute(f"select count(*) from object where {where}", values).fetchone()[0]

    def page(
        self,
        kind: str,
        *,
        limit: int,
        parent: str | None = None,
        updated_from: datetime | str | None = None,
        updated_before: datetime | str | None = None,
        after: str | tuple[str, str] | None = None,
        offset: int = 0,
        order: str = "id",
        reverse: bool = False,
        deleted: bool | None = False,
    ) -> list[Row]:
        """The next rows in the order of id, or of (updated_at, id).

        `after` is the last id seen or, in the order of updated_at, the pair (updated_at, id); `updated_from` is
        included, `updated_before` is not.
        """
        where, values = _conditions(kind, parent, updated_from, updated_before, deleted)
        way, beyond = ("desc", "<") if reverse else ("asc", ">")
        if order == "updated_at":
            ordering = f"updated_at {way}, num {way}, id {way}"
            if after is not None:
                where += f" and (updated_at, num, id) {beyond} (?, ?, ?)"
                values += [stamp(after[0]), number_of(after[1]), after[1]]
        else:
            ordering = f"num {way}, id {way}"
            if after is not None:
                where += f" and (num, id) {beyond} (?, ?)"
                values += [number_of(str(after)), str(after)]
        statement = f"select {COLUMNS} from object where {where} order by {ordering} limit ? offset ?"
        return [_row(row) for row in self._connection().execute(statement, [*values, limit, offset])]

    def search(
        self,
        kind: str,
        where: str,
        values: list[Any],
        *,
        ordering: str,
        limit: int,
        offset: int = 0,
        deleted: bool | None = False,
    ) -> list[Row]:
        """Rows by a condition in SQL over the columns id, num, parent, created_at, updated_at, email and the JSON `body`."""
        live = "" if deleted is None else f" and deleted = {int(deleted)}"
        statement = f"select {COLUMNS} from object where kind = ?{live} and ({where}) order by {ordering} limit ? offset ?"
        return [_row(row) for row in self._connection().execute(statement, [kind, *values, limit, offset])]

    def search_count(self, kind: str, where: str, values: list[Any], deleted: bool | None = False) -> int:
        """How many rows `search` would find without a limit."""
        live = "" if deleted is None else f" and deleted = {int(deleted)}"
        statement = f"select count(*) from object where kind = ?{live} and ({where})"
        return self._connection().execute(statement, [kind, *values]).fetchone()[0]

    def query(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """A reading statement over the tables `object` and `tag_member`, for figures that no other method gives."""
        return self._connection().execute(statement, values).fetchall()

    def counts(self) -> dict[str, int]:
        """Live objects of each kind."""
        found = self._connection().execute("select kind, count(*) from object where deleted = 0 group by kind order by kind")
        return dict(found.fetchall())

    # -- tags: static segments of a list ----------------------------------------------------------------------------
    def tag_add(self, list_id: str, segment_id: str, member_ids: Iterable[str]) -> int:
        """Ties members to a tag; how many were not tied before."""
        return self._tie("insert or ignore into tag_member values (?, ?, ?)", list_id, segment_id, list(member_ids), joined=True)

    def tag_remove(self, list_id: str, segment_id: str, member_ids: Iterable[str]) -> int:
        """Unties members from a tag; how many were tied before."""
        statement = "delete from tag_member where list_id = ? and segment_id = ? and member_id = ?"
        return self._tie(statement, list_id, segment_id, list(member_ids), joined=False)

    def _tie(self, statement: str, list_id: str, segment_id: str, member_ids: list[str], *, joined: bool) -> int:
        with self.transaction() as connection:
            if self.watcher is not None:
                tied = set(self.tag_members(list_id, segment_id))
                changing = [member for member in dict.fromkeys(member_ids) if (member in tied) != joined]
                address = {row.id: row.email for row in self.get_many("mailchimp.member", changing, list_id).values()}
                members = {member: address.get(member, "") for member in changing}
                self.watcher.tied(connection, "mailchimp.segment", f"{list_id}/{segment_id}", members, joined=joined)
            before = connection.total_changes
            connection.executemany(statement, ((list_id, segment_id, member) for member in member_ids))
            return connection.total_changes - before

    def tag_members(self, list_id: str, segment_id: str, *, limit: int = -1, offset: int = 0) -> list[str]:
        """The ids of the members that carry the tag, in the order of id."""
        statement = "select member_id from tag_member where list_id = ? and segment_id = ? order by member_id limit ? offset ?"
        return [row[0] for row in self._connection().execute(statement, (list_id, segment_id, limit, offset))]

    def tag_counts(self, list_id: str) -> dict[str, int]:
        """Members of each tag of a list that carries any."""
        statement = "select segment_id, count(*) from tag_member where list_id = ? group by segment_id"
        return dict(self._connection().execute(statement, (list_id,)).fetchall())

    def tags_of(self, list_id: str, member_ids: Iterable[str]) -> dict[str, list[str]]:
        """The segment ids that each member carries; members without any are absent."""
        statement = (
            "select member_id, segment_id from tag_member"
            " where list_id = ? and member_id in (select value from json_each(?)) order by member_id, segment_id"
        )
        carried: dict[str, list[str]] = {}
        for member, segment in self._connection().execute(statement, (list_id, orjson.dumps(list(member_ids)).decode())):
            carried.setdefault(member, []).append(segment)
        return carried


def _row(found: tuple[Any, ...]) -> Row:
    identifier, body, updated, created, parent, email, deleted = found
    return Row(identifier, orjson.loads(body), updated, created, parent, email, bool(deleted))


def _conditions(
    kind: str,
    parent: str | None,
    updated_from: datetime | str | None,
    updated_before: datetime | str | None,
    deleted: bool | None,
) -> tuple[str, list[Any]]:
    """The `where` of a listing and its values."""
    where, values = "kind = ?", [kind]
    if deleted is not None:
        where, values = f"{where} and deleted = ?", [*values, int(deleted)]
    if parent is not None:
        where, values = f"{where} and parent = ?", [*values, parent]
    if updated_from is not None:
        where, values = f"{where} and updated_at >= ?", [*values, stamp(updated_from)]
    if updated_before is not None:
        where, values = f"{where} and updated_at < ?", [*values, stamp(updated_before)]
    return where, values
