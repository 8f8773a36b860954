"""What an adoption changes in the sync's state, in the journal's own transactions."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime

import pyarrow as pa

from mailhouse.sync.journal import Journal
from mailhouse.sync.state import SCHEMA
from mailhouse.takeover.history import RunOfRecord, Touched

# What we know of a document already stays as it is: its fields are ours, or were adopted before. An adoption adds memberships.
_ADOPTED = f"""
    with joined as (
        select
            given.* exclude (memberships, fields, vendor_id),
            coalesce(from_json(delivered.memberships, '["VARCHAR"]'), []) as before,
            given.memberships as found,
            delivered.fields as fields_before,
            coalesce(delivered.fields, given.fields::json) as fields,
            coalesce(nullif(delivered.vendor_id, ''), given.vendor_id) as vendor_id,
            coalesce(from_json(delivered.seen, '["VARCHAR"]'), []) as seen,
            coalesce(delivered.fields_seen, true) as fields_seen,
            coalesce(delivered.origin, 'adopted') as origin
        from given
        left join {SCHEMA}.delivered as delivered
            on given.destination = delivered.destination and given.container = delivered.container
            and given.document_key = delivered.document_key
    ),
    adopted as (
        select
            * exclude (before, found, seen),
            to_json(before) as memberships_before,
            to_json(list_sort(list_distinct(list_concat(before, found)))) as memberships,
            to_json(list_sort(list_distinct(list_concat(seen, found)))) as seen
        from joined
        where not list_has_all(before, found)
    )
    select
        *,
        md5(address || chr(10) || cast(fields as varchar) || chr(10) || cast(memberships as varchar)) as row_hash,
        $now::timestamptz as acknowledged_at,
        $run_id as run_id
    from adopted
"""
_LOGGED = """
    select
        run_id, acknowledged_at, destination, container, document_key, customer_id, address, mailbox,
        fields_before, fields as fields_after, memberships_before, memberships as memberships_after
    from takeover_adopted
"""

# What a document was before an adoption that nothing has touched since: unknown, or ours with fewer memberships.
_SAME_DOCUMENT = (
    "delivered.destination = forgotten.destination and delivered.container = forgotten.container"
    " and delivered.document_key = forgotten.document_key"
)
_FORGOTTEN = f"""
    select
        logged.destination, logged.container, logged.document_key, logged.customer_id, logged.address, logged.mailbox,
        logged.fields_after as fields, logged.memberships_after, logged.memberships_before,
        logged.fields_before is not null as was_ours
    from {SCHEMA}.deliveries as logged
    inner join given using (destination, container, document_key)
    where logged.run_id = $adopted_by
"""
_LOGGED_AGAIN = """
    select
        $run_id as run_id, $now::timestamptz as acknowledged_at,
        destination, container, document_key, customer_id, address, mailbox,
        fields as fields_before, fields as fields_after,
        memberships_after as memberships_before, memberships_before as memberships_after
    from takeover_forgotten
"""
_KEPT = f"""
    update {SCHEMA}.delivered as delivered
    set
        memberships = forgotten.memberships_before,
        seen = to_json(list_intersect(
            from_json(delivered.seen, '["VARCHAR"]'), from_json(forgotten.memberships_before, '["VARCHAR"]')
        )),
        row_hash = md5(
            delivered.address || chr(10) || cast(delivered.fields as varchar) || chr(10)
            || cast(forgotten.memberships_before as varchar)
        ),
        acknowledged_at = $now::timestamptz,
        run_id = $run_id
    from takeover_forgotten as forgotten
    where {_SAME_DOCUMENT} and forgotten.was_ours
"""


@dataclass(frozen=True, slots=True)
class Adopted:
    """One record that is there and becomes ours: its fields as they are there, the memberships of ours it was found in."""

    destination: str
    container: str
    document_key: str
    customer_id: str
    address: str = field(repr=False)
    mailbox: str = field(repr=False)
    fields: str = field(repr=False)
    vendor_id: str
    memberships: tuple[str, ...]


class AdoptionJournal(Journal):
    """The journal of a run that records what it found."""

    def adopt(self, found: Sequence[Adopted], about: dict[str, object], now: datetime) -> int:
        """Write down records as delivered, as one run of kind `adopt`; how many were not ours before."""
        self.begin_run(now, json.dumps(about), 0, kind="adopt")
        columns = zip(*(astuple(one) for one in found), strict=True) if found else [()] * len(Adopted.__slots__)
        kinds = [pa.list_(pa.string()) if name == "memberships" else pa.string() for name in Adopted.__slots__]
        given = pa.table([pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)], list(Adopted.__slots__))
        values = {"now": now, "run_id": self.run_id}
        with self._transaction():
            self._insert(f"create or replace temp table takeover_adopted as {_ADOPTED}", given, values)
            self._connection.execute(f"insert into {SCHEMA}.deliveries by name {_LOGGED}")
            self._connection.execute(
                f"insert or replace into {SCHEMA}.delivered by name"
                " select * exclude (fields_before, memberships_before) from takeover_adopted"
            )
        (count,) = self._connection.execute("select count(*) from takeover_adopted").fetchall()[0]
        self.end_run(now, "{}", count, 0, "ok")
        return count

    def forget(self, run: RunOfRecord, documents: Sequence[Touched], now: datetime) -> None:
        """Take an adoption back, as a run of kind `revert`: what it recorded is nobody's again; nothing is sent."""
        self.begin_run(now, json.dumps({"reverts": run.run_id}), 0, kind="revert")
        names = ("destination", "container", "document_key")
        rows = [[getattr(one, name) for one in documents] for name in names]
        given = pa.table([pa.array(values, pa.string()) for values in rows], list(names))
        with self._transaction():
            self._insert(f"create or replace temp table takeover_forgotten as {_FORGOTTEN}", given, {"adopted_by": run.run_id})
            values = {"now": now, "run_id": self.run_id}
            self._connection.execute(f"insert into {SCHEMA}.deliveries by name {_LOGGED_AGAIN}", values)
            self._connection.execute(
                f"delete from {SCHEMA}.delivered as delivered using takeover_forgotten as forgotten"
                f" where {_SAME_DOCUMENT} and not forgotten.was_ours"
            )
            self._connection.execute(_KEPT, values)
        self.end_run(now, "{}", len(documents), 0, "ok")
