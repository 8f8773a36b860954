"""What is owed to which system, and what it answered: the only SQL on `reverse_sync.withdrawals`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse.sync.state import SCHEMA
from mailhouse.withdrawals.base import Told, Withdrawal

HELD = "warehouse.intermediate.int_addresses_held"
# give or take between the clocks of two systems
CLOCKS = timedelta(minutes=5)
FIRST_DISTANCE = timedelta(minutes=1)
LONGEST_DISTANCE = timedelta(hours=1)

_MOMENT = pa.timestamp("us", tz="UTC")
_COLUMNS = {
    "connection_id": pa.string(),
    "container": pa.string(),
    "address": pa.string(),
    "event_id": pa.string(),
    "mailbox": pa.string(),
    "record_id": pa.string(),
    "record_updated_at": _MOMENT,
    "refused_at": _MOMENT,
}
# one thing is told to a system about an address, for however many acts
_SAME = "journal.connection_id = given.connection_id and journal.container = given.container and journal.address = given.address"
_OPEN = "journal.status <> 'accepted' and journal.ended_at is null"


class WithdrawalJournal:
    """Writes one run's progress in telling; each method is one transaction. All times are aware, UTC."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
        self._connection = connection
        self.run_id = run_id

    def owe(self, withdrawals: Sequence[Withdrawal], now: datetime) -> None:
        """Write down what is owed before anything is sent; one that was acknowledged is owed anew."""
        self._with(
            f"""
            insert into {SCHEMA}.withdrawals
                (connection_id, container, address, event_id, mailbox, record_id, record_updated_at, refused_at,
                 status, code, reason, attempts, owed_since, run_id)
            select given.*, 'unknown', 'not_told', '', 0, $now, $run_id from given
            on conflict do update set
                status = 'unknown', code = 'not_told', reason = '',
                record_id = excluded.record_id, record_updated_at = excluded.record_updated_at,
                owed_since = case when withdrawals.status = 'accepted' then excluded.owed_since else withdrawals.owed_since end,
                attempts = case when withdrawals.status = 'accepted' then 0 else withdrawals.attempts end,
                ended_at = null, next_try_at = null
            """,
            withdrawals,
            {"now": now, "run_id": self.run_id},
        )

    def telling(self, batch: Sequence[Withdrawal], now: datetime) -> None:
        """A batch is about to go out: until it is answered its outcome is unknown."""
        self._with(
            f"""
            update {SCHEMA}.withdrawals as journal
            set status = 'unknown', code = 'sent', reason = '', told_at = $now, attempts = journal.attempts + 1, run_id = $run_id
            from given where {_SAME} and {_OPEN}
            """,
            batch,
            {"now": now, "run_id": self.run_id},
        )

    def told(self, answers: Sequence[Told], now: datetime, *, is_dated: bool) -> None:
        """What a system answered. One that does not date its refusals vouches for them up to now, give or take the clocks."""
        given = {
            **{name: [getattr(one.withdrawal, name) for one in answers] for name in ("connection_id", "container", "address")},
            **{name: [getattr(one, name) for one in answers] for name in ("status", "code", "reason")},
        }
        self._on(
            f"""
            update {SCHEMA}.withdrawals as journal
            set
                status = given.status, code = given.code, reason = given.reason,
                acknowledged_at = case when given.status = 'accepted' then $now else journal.acknowledged_at end,
                holds_until = case when given.status = 'accepted' then $holds_until else journal.holds_until end,
                next_try_at = case when given.status <> 'accepted' then
                    $now::timestamptz + least($longest, $first * pow(2, least(greatest(journal.attempts, 1), 12) - 1)::int)
                end
            from given where {_SAME} and {_OPEN}
            """,
            pa.table(given, pa.schema([(name, pa.string()) for name in given])),
            {
                "now": now,
                "holds_until": None if is_dated else now + CLOCKS,
                "first": FIRST_DISTANCE,
                "longest": LONGEST_DISTANCE,
            },
        )

    def found(self, unseen: Sequence[Withdrawal], found: Sequence[Withdrawal], now: datetime) -> None:
        """An address that had not landed was found: its row goes over into one for each record of it."""
        self.owe(found, now)
        kept = {one.key for one in found}
        moved = {one.event_id for one in found}
        gone = [one for one in unseen if one.event_id in moved and one.key not in kept]
        self._with(f"delete from {SCHEMA}.withdrawals as journal using given where {_SAME} and {_OPEN}", gone, {})

    def put_off(self, connection_id: str, now: datetime, reason: str) -> None:
        """A system could not be told: what it is owed is tried again in a minute."""
        with self._transaction():
            self._connection.execute(
                f"""
                update {SCHEMA}.withdrawals as journal
                set code = 'not_reached', reason = $reason, next_try_at = $now::timestamptz + $first
                where journal.connection_id = $connection_id and journal.status = 'unknown' and {_OPEN}
                """,
                {"connection_id": connection_id, "now": now, "reason": reason, "first": FIRST_DISTANCE},
            )

    def end_overtaken(self, mailboxes: Iterable[tuple[str, str]], now: datetime) -> None:
        """Close what is owed of (connection, mailbox) pairs whose person has since agreed again: there is nothing to tell."""
        with self._transaction():
            for connection_id, mailbox in mailboxes:
                self._connection.execute(
                    f"update {SCHEMA}.withdrawals as journal set ended_at = ?, code = 'overtaken', run_id = ?"
                    f" where journal.connection_id = ? and journal.mailbox = ? and {_OPEN}",
                    [now, self.run_id, connection_id, mailbox],
                )

    def end_of_echo(self, one: Withdrawal, moment: datetime) -> None:
        """The refusal that the system shows is newer than what it was told: it is an act of its own."""
        with self._transaction():
            self._connection.execute(f"update {SCHEMA}.withdrawals set ended_at = ? where {_KEY}", [moment, *one.key])

    def still_holds(self, one: Withdrawal, until: datetime) -> None:
        """The system has confirmed that the refusal it shows is the one it was told, as its record was at `until`."""
        with self._transaction():
            self._connection.execute(f"update {SCHEMA}.withdrawals set holds_until = ? where {_KEY}", [until, *one.key])

    def changed_since(self, connection_id: str) -> list[tuple[Withdrawal, datetime, datetime]]:
        """What one system acknowledged without a date of its own, and whose landed record has changed since it was known to
        be ours: the withdrawal, when it was acknowledged, when the record changed."""
        listed = ", ".join(f"journal.{name}" for name in _COLUMNS)
        try:
            rows = self._connection.execute(
                f"""
                select {listed}, journal.acknowledged_at, timezone('UTC', max(held.updated_at))
                from {SCHEMA}.withdrawals as journal
                inner join {HELD} as held
                    on journal.connection_id = held.connection_id and journal.address = held.address and not held.is_mailable
                where journal.connection_id = ? and journal.status = 'accepted' and journal.ended_at is null
                    and journal.code not in ('already_set', 'unknown_there')
                    and journal.holds_until < timezone('UTC', held.updated_at)
                group by all
                """,
                [connection_id],
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            # before the first build nothing can have come back
            return []
        return [(withdrawal(dict(zip(_COLUMNS, row, strict=False))), *row[len(_COLUMNS) :]) for row in rows]

    def open(self) -> list[Withdrawal]:
        """Everything that no system has acknowledged."""
        rows = self._connection.execute(
            f"select {', '.join(_COLUMNS)} from {SCHEMA}.withdrawals as journal where {_OPEN} order by owed_since, event_id"
        ).fetchall()
        return [withdrawal(dict(zip(_COLUMNS, row, strict=True))) for row in rows]

    def waiting(self, now: datetime) -> set[tuple[str, str, str, str]]:
        """The keys of what is open and is not to be tried again before some moment after `now`."""
        return set(
            self._connection.execute(
                "select connection_id, container, address, event_id"
                f" from {SCHEMA}.withdrawals as journal where {_OPEN} and journal.next_try_at > ?",
                [now],
            ).fetchall()
        )

    def acknowledged_acts(self) -> set[tuple[str, str, str]]:
        """(connection, address, act) of what has been acknowledged, in whichever container."""
        return set(
            self._connection.execute(
                f"select connection_id, address, event_id from {SCHEMA}.withdrawals where status = 'accepted'"
            ).fetchall()
        )

    def open_by_system(self) -> dict[str, dict[str, int]]:
        """Of each connection how many are still owed, by code."""
        rows = self._connection.execute(
            f"select connection_id, code, count(*) from {SCHEMA}.withdrawals as journal where {_OPEN} group by all order by all"
        ).fetchall()
        counts: dict[str, dict[str, int]] = {}
        for connection_id, code, count in rows:
            counts.setdefault(connection_id, {})[code] = count
        return counts

    def _with(self, statement: str, withdrawals: Sequence[Withdrawal], values: dict[str, Any]) -> None:
        if not withdrawals:
            return
        rows = {one.key: [getattr(one, name) for name in _COLUMNS] for one in withdrawals}
        columns = zip(*rows.values(), strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, _COLUMNS.values(), strict=True)]
        self._on(statement, pa.table(arrays, names=list(_COLUMNS)), values)

    def _on(self, statement: str, given: pa.Table, values: dict[str, Any]) -> None:
        self._connection.register("given", given)
        try:
            with self._transaction():
                self._connection.execute(statement, values)
        finally:
            self._connection.unregister("given")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin transaction")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


_KEY = "connection_id = ? and container = ? and address = ? and event_id = ?"


def is_due(connection: duckdb.DuckDBPyConnection, now: datetime) -> bool:
    """Whether something that a system did not take may be tried again by now."""
    rows = connection.execute(
        f"select count(*) from {SCHEMA}.withdrawals as journal where {_OPEN} and journal.next_try_at <= ?", [now]
    ).fetchall()
    return bool(rows[0][0])


def withdrawal(row: dict[str, Any]) -> Withdrawal:
    """A row of the journal, or of what the models say is owed, as a withdrawal; naive times are UTC."""
    moments = {name: _aware(row[name]) for name in ("record_updated_at", "refused_at")}
    # without a record it was never seen to land from that system
    return Withdrawal(**{**row, **moments}, is_known=bool(row["record_id"]))


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
