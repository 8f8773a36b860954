"""What was sent and what was acknowledged, written down batch by batch: the only place that writes to the sync's state."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse.crash_points import CrashPoints
from mailhouse.destinations import Call, Change, Outcome
from mailhouse.leases import Lease
from mailhouse.sync.fencing import fence
from mailhouse.sync.state import SCHEMA
from mailhouse.sync.stops import Approval, Stop

FIRST_DISTANCE = timedelta(hours=1)
LONGEST_DISTANCE = timedelta(days=7)
# a removal is owed to a person who may have said no: it is tried again soon
LONGEST_LEAVE_DISTANCE = timedelta(hours=1)


# What a row of `delivered` becomes: an acknowledged write brings fields, a join or a leave moves memberships only. What was
# read back of a membership no longer counts once the membership is sent anew.
_COMPOSED = f"""
    with composed as (
        select
            arrived.destination, arrived.container, arrived.document_key, arrived.customer_id, arrived.address, arrived.mailbox,
            coalesce(arrived.fields::json, delivered.fields, '{{}}'::json) as fields,
            list_sort(list_filter(
                list_distinct(list_concat(coalesce(from_json(delivered.memberships, '["VARCHAR"]'), []), arrived.joins)),
                lambda one: not list_contains(arrived.leaves, one)
            )) as memberships,
            coalesce(nullif(arrived.vendor_id, ''), delivered.vendor_id, '') as vendor_id,
            to_json(list_filter(
                coalesce(from_json(delivered.seen, '["VARCHAR"]'), []),
                lambda one: not list_contains(list_concat(arrived.joins, arrived.leaves), one)
            )) as seen,
            arrived.fields is null and coalesce(delivered.fields_seen, false) as fields_seen,
            coalesce(delivered.origin, 'sent') as origin,
            arrived.permitted_by,
            delivered.acknowledged_at as acknowledged_before,
            case when delivered.document_key is not null then
                json_object('fields', delivered.fields, 'memberships', delivered.memberships)
            end as before
        from given as arrived
        left join {SCHEMA}.delivered as delivered
            on arrived.destination = delivered.destination and arrived.container = delivered.container
            and arrived.document_key = delivered.document_key
        where delivered.document_key is not null or not $is_leave
    )
    select
        * exclude (memberships, acknowledged_before),
        to_json(memberships) as memberships,
        md5(address || chr(10) || cast(fields as varchar) || chr(10) || cast(to_json(memberships) as varchar)) as row_hash,
        -- of a leave there is nothing that the record itself has acknowledged
        case when $is_leave then acknowledged_before else $now::timestamptz end as acknowledged_at,
        $run_id as run_id
    from composed
"""
_LOGGED = """
    select
        $run_id as run_id, $now::timestamptz as acknowledged_at,
        destination, container, document_key, customer_id, address, mailbox,
        before -> '$.fields' as fields_before, fields as fields_after,
        coalesce(before -> '$.memberships', '[]'::json) as memberships_before, memberships as memberships_after,
        permitted_by
    from sync_arrived
"""


_DECIDED = """
    select distinct on (segment, destination, container, membership, customer_id)
        segment, destination, container, membership, customer_id, document_key, mailbox, ledger_event_id,
        case when reason is null then 'allowed' else 'refused' end as decision,
        coalesce(reason, 'allowed') as reason
    from given
    order by all
"""
_SAME_DOCUMENT = (
    "delivered.destination = {other}.destination and delivered.container = {other}.container"
    " and delivered.document_key = {other}.document_key"
)
_SAME_PERSON = """
    given.segment = old.segment and given.destination = old.destination and given.container = old.container
    and given.membership = old.membership and given.customer_id = old.customer_id
"""


class Journal:
    """Writes one run's progress; each method is one transaction."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        run_id: str,
        leases: Sequence[Lease] = (),
        crash_point: CrashPoints | None = None,
    ) -> None:
        self._connection = connection
        self.run_id = run_id
        self._crash_point = crash_point or CrashPoints()
        self._leases = leases

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin transaction")
        try:
            for lease in self._leases:
                fence(self._connection, lease.name, lease.token)
            self._crash_point("journal.writing")
            yield
            self._crash_point("journal.written")
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        self._crash_point("journal.committed")

    def begin_run(self, now: datetime, planned: str, calls_planned: int, *, kind: str = "sync", plan_digest: str = "") -> None:
        with self._transaction():
            self._connection.execute(
                f"insert into {SCHEMA}.runs (run_id, started_at, planned, calls_planned, outcome, kind, plan_digest)"
                " values (?, ?, ?, ?, 'running', ?, ?)",
                [self.run_id, now, planned, calls_planned, kind, plan_digest],
            )

    def approve(self, stops: Sequence[Stop], approval: Approval | None, now: datetime) -> None:
        """Keep who said that what the breaker stopped is meant, and why."""
        if approval is None or not stops:
            return
        rows = [(self.run_id, now, approval.who, approval.reason, stop.segment, f"{stop.kind}: {stop.says}") for stop in stops]
        with self._transaction():
            self._connection.executemany(f"insert into {SCHEMA}.approvals values (?, ?, ?, ?, ?, ?)", rows)

    def decide(self, decisions: pa.Table, is_complete: bool, now: datetime) -> None:
        """Keep who may be written to, each decision from when to when, and who is held out for good.

        A decision that is as before goes on; a person who is in no segment of the audience any more has none.
        """
        values = {"now": now, "run_id": self.run_id}
        gone = "" if is_complete else "and (old.segment, old.destination) in (select segment, destination from given)"
        with self._transaction():
            self._insert(f"create or replace temp table sync_given as {_DECIDED}", decisions)
            self._connection.execute(
                f"""
                update {SCHEMA}.send_decisions as old set valid_to = $now
                where old.valid_to is null {gone.replace("given", "sync_given")} and not exists (
                    select 1 from sync_given as given where {_SAME_PERSON}
                        and given.decision = old.decision and given.reason = old.reason
                        and given.ledger_event_id is not distinct from old.ledger_event_id
                        and given.document_key is not distinct from old.document_key
                )
                """,
                {"now": now},
            )
            self._connection.execute(
                f"""
                insert into {SCHEMA}.send_decisions by name
                select * exclude (mailbox), $now::timestamptz as valid_from, null::timestamptz as valid_to, $run_id as run_id
                from sync_given as given
                where not exists (select 1 from {SCHEMA}.send_decisions as old where old.valid_to is null and {_SAME_PERSON})
                """,
                values,
            )
            self._connection.execute(
                f"""
                insert or ignore into {SCHEMA}.holdouts
                select destination, container, membership, customer_id, coalesce(mailbox, ''), $now::timestamptz
                from sync_given
                where reason = 'held_out'
                """,
                {"now": now},
            )

    def end_run(self, now: datetime, calls_made: str, accepted: int, rejected: int, outcome: str) -> None:
        with self._transaction():
            self._connection.execute(
                f"update {SCHEMA}.runs set finished_at = ?, calls_made = ?, accepted = ?, rejected = ?, outcome = ?"
                " where run_id = ?",
                [now, calls_made, accepted, rejected, outcome, self.run_id],
            )

    def tidy(self, wanted: pa.Table, is_complete: bool) -> None:
        """Forget what no longer matters, given the plan's wanted memberships.

        A document nobody wants has no fields that could be in doubt, and (in a plan of everything) no refusal to wait for.
        """
        gone = "(destination, container, document_key) not in (select destination, container, document_key from given)"
        with self._transaction():
            self._insert(f"delete from {SCHEMA}.in_flight where action = 'write' and {gone}", wanted)
            if is_complete:
                self._insert(f"delete from {SCHEMA}.attempts where action = 'write' and {gone}", wanted)

    def sending(self, call: Call, now: datetime, permits: Mapping[str, str] | None = None) -> str:
        """Write down that a call is about to go out; returns its id. Until it is settled its outcome counts as unknown.

        permits: document key -> the ledger's entries that the call rests on.
        """
        call_id = uuid.uuid4().hex
        rows = [
            (
                *(call_id, self.run_id, now, call.action, call.membership, c.destination, c.container, c.key),
                *(c.customer_id, c.address, c.mailbox, c.fields, c.vendor_id, action, membership),
                *(c.row_hash, (permits or {}).get(c.key, "")),
            )
            for c in call.changes
            for action, membership in _effects(call, c)
        ]
        names = (
            *("call_id", "run_id", "sent_at", "call_action", "call_membership", "destination", "container", "document_key"),
            *("customer_id", "address", "mailbox", "fields", "vendor_id", "action", "membership"),
            *("row_hash", "permitted_by"),
        )
        table = _table(names, rows)
        with self._transaction():
            self._insert(f"insert into {SCHEMA}.in_flight ({', '.join(names)})", table)
        return call_id

    def remember(self, call_id: str, reference: str) -> None:
        """Keep the vendor's own id of a call (a job) before it is waited for."""
        with self._transaction():
            self._connection.execute(f"update {SCHEMA}.in_flight set reference = ? where call_id = ?", [reference, call_id])

    def not_sent(self, call_id: str) -> None:
        """The call surely was not taken: it is owed as before."""
        with self._transaction():
            self._connection.execute(f"delete from {SCHEMA}.in_flight where call_id = ?", [call_id])

    def settled(
        self,
        call_id: str,
        call: Call,
        outcomes: Sequence[Outcome],
        now: datetime,
        permits: Mapping[str, str] | None = None,
    ) -> None:
        """Write down what a call came to: delivered advances by what was accepted, attempts keep what was rejected.

        permits: document key -> the ledger's entries that the call rests on.
        """
        said = {outcome.key: outcome for outcome in outcomes}
        accepted = [change for change in call.changes if said[change.key].status == "accepted"]
        rejected = [(change, said[change.key]) for change in call.changes if said[change.key].status == "rejected"]
        with self._transaction():
            self._delivered(call, accepted, {outcome.key: outcome.vendor_id for outcome in outcomes}, permits or {}, now)
            self._forget(call, accepted)
            self._rejected(call, rejected, now)
            self._connection.execute(f"delete from {SCHEMA}.in_flight where call_id = ?", [call_id])

    def _delivered(
        self,
        call: Call,
        accepted: Sequence[Change],
        vendor_ids: Mapping[str, str],
        permits: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Advance what is delivered by one acknowledgement, and keep what was there before it."""
        if not accepted:
            return
        names = (
            *("destination", "container", "document_key", "customer_id", "address", "mailbox", "fields", "vendor_id"),
            *("permitted_by", "joins", "leaves"),
        )
        leaves = [call.membership] if call.action == "leave" else []
        rows = [
            (
                *(c.destination, c.container, c.key, c.customer_id, c.address, c.mailbox),
                c.fields if call.action == "write" else None,
                vendor_ids.get(c.key) or c.vendor_id,
                permits.get(c.key),
                [] if call.action == "leave" else list(c.add),
                leaves,
            )
            for c in accepted
        ]
        table = _table(names, rows, lists=("joins", "leaves"))
        values = {"now": now, "run_id": self.run_id, "is_leave": call.action == "leave"}
        self._insert(f"create or replace temp table sync_arrived as {_COMPOSED}", table, values)
        self._connection.execute(f"insert into {SCHEMA}.deliveries by name {_LOGGED}", {"now": now, "run_id": self.run_id})
        self._connection.execute(
            f"insert or replace into {SCHEMA}.delivered by name select * exclude (before, permitted_by) from sync_arrived"
        )

    def read_back(self, seen: pa.Table, fields: pa.Table) -> None:
        """Keep what was seen at the destination: memberships, and (`is_same`) documents with the fields that we sent.

        A document whose fields are not there, and never were seen there, has them taken for not delivered.
        """
        with self._transaction():
            self._insert(
                f"""
                update {SCHEMA}.delivered as delivered
                set seen = to_json(list_sort(list_distinct(list_concat(
                    coalesce(from_json(delivered.seen, '["VARCHAR"]'), []), fresh.memberships
                ))))
                from (
                    select destination, container, document_key, list(membership) as memberships from given group by all
                ) as fresh
                where {_SAME_DOCUMENT.format(other="fresh")}
                """,
                seen,
            )
            self._insert(
                f"""
                update {SCHEMA}.delivered as delivered
                set fields_seen = given.is_same, fields = case when given.is_same then delivered.fields else '{{}}'::json end
                from given where {_SAME_DOCUMENT.format(other="given")}
                """,
                fields,
            )

    def lost(self, memberships: pa.Table) -> None:
        """Take back acknowledgements of memberships that are not there: they are owed again."""
        with self._transaction():
            self._insert(
                f"""
                update {SCHEMA}.delivered as delivered
                set memberships = to_json(list_filter(
                    from_json(delivered.memberships, '["VARCHAR"]'), lambda one: not list_contains(gone.memberships, one)
                ))
                from (
                    select destination, container, document_key, list(membership) as memberships from given group by all
                ) as gone
                where {_SAME_DOCUMENT.format(other="gone")}
                """,
                memberships,
            )

    def _forget(self, call: Call, accepted: Sequence[Change]) -> None:
        """An acknowledgement ends every doubt about the same thing that an earlier run left, and every earlier refusal."""
        if not accepted:
            return
        same = "old.destination = given.destination and old.container = given.container and old.document_key = given.document_key"
        values: dict[str, Any] = {}
        if call.action == "leave":
            condition, values = "old.action in ('leave', 'add') and old.membership = $membership", {"membership": call.membership}
        elif call.action == "join":
            condition = "old.action <> 'write' and list_contains(given.joins, old.membership)"
        else:
            # an earlier 'leave' that may or may not have been taken is over too: what should be there was just added again
            condition = "(old.action = 'write' or list_contains(given.joins, old.membership))"
        table = _keys(accepted, with_joins=True)
        self._insert(f"delete from {SCHEMA}.in_flight as old using given where {same} and {condition}", table, values)
        refused = {"action": call.action, "membership": _refused_of(call)}
        over = f"{same} and old.action = $action and old.membership = $membership"
        self._insert(f"delete from {SCHEMA}.attempts as old using given where {over}", table, refused)

    def _rejected(self, call: Call, rejected: Sequence[tuple[Change, Outcome]], now: datetime) -> None:
        for change, outcome in rejected:
            place = [change.destination, change.container, change.key, call.action, _refused_of(call)]
            row_hash = change.row_hash if call.action == "write" else ""
            before = self._connection.execute(
                f"select attempts, first_tried_at, row_hash from {SCHEMA}.attempts where destination = ? and container = ?"
                " and document_key = ? and action = ? and membership = ?",
                place,
            ).fetchall()
            # a changed row begins anew
            tried, first = (before[0][0], before[0][1]) if before and before[0][2] == row_hash else (0, now)
            longest = LONGEST_DISTANCE if call.action == "write" else LONGEST_LEAVE_DISTANCE
            self._connection.execute(
                f"insert or replace into {SCHEMA}.attempts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *place,
                    change.customer_id,
                    row_hash,
                    outcome.code or "refused",
                    outcome.reason,
                    tried + 1,
                    first,
                    now,
                    now + min(longest, FIRST_DISTANCE * 2 ** min(tried, 20)),
                    self.run_id,
                ],
            )

    def _insert(self, statement: str, given: pa.Table, values: dict[str, Any] | None = None) -> None:
        self._connection.register("given", given)
        try:
            self._connection.execute(statement if "given" in statement else f"{statement} select * from given", values or {})
        finally:
            self._connection.unregister("given")


def _refused_of(call: Call) -> str:
    """The membership that a refusal is about: a document is refused as such, whatever list its job carries this time."""
    return "" if call.action == "write" else call.membership


def _effects(call: Call, change: Change) -> list[tuple[str, str]]:
    if call.action == "leave":
        return [("leave", call.membership)]
    document = [("write", "")] if call.action == "write" else []
    return document + [("add", membership) for membership in change.add]


def _keys(changes: Sequence[Change], with_joins: bool = False) -> pa.Table:
    names, rows = ("destination", "container", "document_key"), [(c.destination, c.container, c.key) for c in changes]
    if not with_joins:
        return _table(names, rows)
    joined = [(*row, list(c.add)) for row, c in zip(rows, changes, strict=True)]
    return _table((*names, "joins"), joined, lists=("joins",))


def _table(names: Sequence[str], rows: Sequence[tuple], lists: Sequence[str] = ()) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = []
    for name, values in zip(names, columns, strict=True):
        if name in lists:
            kind: pa.DataType = pa.list_(pa.string())
        else:
            kind = pa.timestamp("us", tz="UTC") if name == "sent_at" else pa.string()
        arrays.append(pa.array(values, type=kind))
    return pa.table(arrays, names=list(names))
