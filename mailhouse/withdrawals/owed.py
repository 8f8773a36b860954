"""What is owed to whom: what the models say, what the inbox has taken since they were built, and what nobody acknowledged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse.sync.state import SCHEMA
from mailhouse.withdrawals.base import Withdrawal
from mailhouse.withdrawals.journal import HELD, WithdrawalJournal, withdrawal
from mailhouse.withdrawals.newer import Act, Newer
from mailhouse.withdrawals.purposes import Served

OWED, STATUS = "warehouse.marts.withdrawals_owed", "warehouse.marts.consent_status"
STANDING = "warehouse.intermediate.int_refusals_standing"
PEOPLE = "warehouse.intermediate.int_customer_mailboxes_collected"

# A record that still shows as mailable after it was told is owed again only when it has landed anew since. One that has
# landed since consent was decided, and says that the person agreed after refusing, waits until that has been judged.
BY_THE_MODELS = f"""
select
    owed.connection_id, owed.container, owed.address, owed.event_id, owed.mailbox, owed.record_id,
    owed.record_updated_at, owed.refused_at, owed.purpose, owed.container_name
from {OWED} as owed
where
    not exists (
        select 1 from {SCHEMA}.withdrawals as journal
        where journal.status = 'accepted' and journal.connection_id = owed.connection_id
            and journal.container = owed.container and journal.address = owed.address
            and timezone('UTC', owed.record_updated_at) <= coalesce(journal.record_updated_at, journal.acknowledged_at)
    )
    and not (
        coalesce(owed.agreed_at > owed.refused_at, false)
        and owed.record_updated_at > (select coalesce(max(decided_at), timestamp '1970-01-01') from {STATUS})
    )
order by owed.refused_at desc nulls first, owed.event_id
"""
# whoever uses one of the given mailboxes has refused under all of theirs
REACHED = f"""
with used as (
    select mailbox as said, mailbox from given
    union
    select given.mailbox, theirs.mailbox
    from given
    inner join {PEOPLE} as mine on given.mailbox = mine.mailbox
    inner join {PEOPLE} as theirs on mine.customer_id = theirs.customer_id
)
select
    used.said, held.connection_id, held.container, held.address, held.mailbox, held.record_id,
    held.updated_at as record_updated_at, held.container_name, held.is_mailable
from {HELD} as held
inner join used on held.mailbox = used.mailbox
where held.is_mailable or held.mailbox = used.said
order by all
"""
OVERTAKEN = f"""
select distinct journal.connection_id, journal.mailbox
from {SCHEMA}.withdrawals as journal
where journal.status <> 'accepted' and journal.ended_at is null
    and journal.mailbox in (select mailbox from {STATUS})
    and journal.mailbox not in (select mailbox from {STANDING})
"""


@dataclass
class Owed:
    """What is owed by connection, one for each address and container; `troubles` is what could not be found out."""

    by_connection: dict[str, dict[tuple[str, str], Withdrawal]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def add(self, one: Withdrawal) -> None:
        """Take it in, unless the same address is owed something there already: it is told once, for whichever act."""
        self.by_connection.setdefault(one.connection_id, {}).setdefault((one.container, one.address), one)

    def of(self, connection_id: str) -> list[Withdrawal]:
        return list(self.by_connection.get(connection_id, {}).values())


class Finding:
    """Finds out what is owed to the given connections, on the warehouse as it stands."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, connections: Iterable[str], served: Served, newer: Newer) -> None:
        self._warehouse, self._connections = warehouse, frozenset(connections)
        self._served, self._newer = served, newer

    def owed(self, journal: WithdrawalJournal, *, expect_models: bool) -> Owed:
        """Everything that is owed; what was acknowledged and has not landed anew is not."""
        found = Owed()
        self._from_inbox(found, journal)
        self._from_models(found, expect_models)
        self._still_open(found, journal)
        return found

    def owed_by_inbox(self, journal: WithdrawalJournal, now: datetime) -> Owed:
        """What the inbox has taken since the models were built, and what is open and may be tried again at `now`."""
        found = Owed()
        waiting = journal.waiting(now)
        self._from_inbox(found, journal)
        self._still_open(found, journal)
        for name, ones in found.by_connection.items():
            found.by_connection[name] = {place: one for place, one in ones.items() if one.key not in waiting}
        return found

    def overtaken(self) -> list[tuple[str, str]]:
        """(connection, mailbox) of what is still open although the person has agreed again by now."""
        refusing = {act.mailbox for act in self._newer.refusals}
        try:
            rows = self._warehouse.execute(OVERTAKEN).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return []
        return [(connection_id, mailbox) for connection_id, mailbox in rows if mailbox not in refusing]

    def _still_open(self, found: Owed, journal: WithdrawalJournal) -> None:
        for one in journal.open():
            if one.connection_id in self._connections and not self._newer.outweighs(one.mailbox, None, one.refused_at):
                found.add(one)

    def _from_models(self, found: Owed, expected: bool) -> None:
        try:
            rows = self._rows(BY_THE_MODELS)
        except (duckdb.CatalogException, duckdb.BinderException):
            if expected:
                found.troubles.append("who must be told of a refusal is not built; see why the build failed, then run again")
            return
        for row in rows:
            purpose, container_name = row.pop("purpose"), row.pop("container_name")
            one = withdrawal(row)
            if one.connection_id not in self._connections or self._newer.outweighs(one.mailbox, purpose, one.refused_at):
                continue
            served = self._served.by(one.connection_id, container_name)
            if served is None or purpose in served:
                found.add(one)

    def _from_inbox(self, found: Owed, journal: WithdrawalJournal) -> None:
        if not self._newer.refusals:
            return
        acknowledged = journal.acknowledged_acts()
        held = self._held({act.mailbox for act in self._newer.refusals})
        for act in self._newer.refusals:
            for connection_id in sorted(self._connections):
                for one in self._of_act(act, connection_id, held):
                    if (one.connection_id, one.address, one.event_id) not in acknowledged:
                        found.add(one)

    def _of_act(self, act: Act, connection_id: str, held: Mapping[str, list[dict[str, Any]]]) -> list[Withdrawal]:
        """What one act of the inbox owes one system."""
        there = [row for row in held.get(act.mailbox, ()) if row["connection_id"] == connection_id]
        ones = []
        for row in there:
            if row["is_mailable"] and self._newer.stands(act, self._served.by(connection_id, row["container_name"])):
                kept = {name: row[name] for name in ("container", "address", "mailbox", "record_id", "record_updated_at")}
                told = {"connection_id": connection_id, "event_id": act.event_id, "refused_at": act.said_at}
                ones.append(withdrawal({**kept, **told}))
        own = [row for row in there if row["mailbox"] == act.mailbox]
        if not any(row["is_mailable"] for row in own) and self._newer.stands(act, self._served.by(connection_id, None)):
            # it has not landed from there, or not as somebody who can be mailed: the system itself is asked
            address = own[0]["address"] if own else act.address
            ones.append(Withdrawal(connection_id, act.mailbox, address, act.event_id, act.said_at, is_known=False))
        return ones

    def _held(self, mailboxes: set[str]) -> dict[str, list[dict[str, Any]]]:
        self._warehouse.register("given", pa.table({"mailbox": pa.array(sorted(mailboxes), pa.string())}))
        try:
            rows = self._rows(REACHED)
        except (duckdb.CatalogException, duckdb.BinderException):
            # nothing was built yet: every system is asked for the address itself
            return {}
        finally:
            self._warehouse.unregister("given")
        held: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            held.setdefault(row.pop("said"), []).append(row)
        return held

    def _rows(self, query: str) -> list[dict[str, Any]]:
        answer = self._warehouse.execute(query)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
