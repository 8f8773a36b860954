"""What a run changed, document by document, out of the log of everything that was ever acknowledged or adopted."""

from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from mailhouse.errors import ConfigurationError
from mailhouse.sync.state import SCHEMA

# The log is only ever appended to, so that its row numbers are its order: a run may acknowledge several things in one moment.
_TOUCHED = f"""
    create or replace temp table takeover_touched as
    with logged as (
        select rowid as position, * from {SCHEMA}.deliveries
    ),
    touched as (
        select
            destination, container, document_key,
            first(cast(fields_before as varchar) order by position) as fields_before,
            first(memberships_before order by position) as memberships_before,
            last(cast(fields_after as varchar) order by position) as fields_after,
            last(memberships_after order by position) as memberships_after,
            last(customer_id order by position) as customer_id,
            last(address order by position) as address,
            last(mailbox order by position) as mailbox,
            max(position) as last_position
        from logged
        where run_id = $run_id
        group by destination, container, document_key
    ),
    later as (
        select
            logged.destination, logged.container, logged.document_key,
            last(logged.run_id order by logged.position) as run_id
        from logged
        inner join touched using (destination, container, document_key)
        where logged.position > touched.last_position
        group by logged.destination, logged.container, logged.document_key
    )
    select
        touched.* exclude (last_position),
        coalesce(delivered.vendor_id, '') as vendor_id,
        later.run_id as changed_later_by
    from touched
    left join later using (destination, container, document_key)
    left join {SCHEMA}.delivered as delivered using (destination, container, document_key)
"""
_ROWS = """
    select
        destination, container, document_key, customer_id, address, mailbox, vendor_id, fields_before, fields_after,
        from_json(memberships_before, '["VARCHAR"]'), from_json(memberships_after, '["VARCHAR"]'), changed_later_by
    from takeover_touched
    order by destination, container, document_key
"""


@dataclass(frozen=True)
class RunOfRecord:
    """One run of `reverse_sync.runs`; `started_at` is UTC."""

    run_id: str
    kind: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """One document as it was before a run and after it; `fields_before` is None for one that we did not know before.

    `changed_later_by` is the latest run that touched it afterwards, None when this run was the last.
    """

    destination: str
    container: str
    document_key: str
    customer_id: str
    address: str = field(repr=False)
    mailbox: str = field(repr=False)
    vendor_id: str
    fields_before: str | None = field(repr=False)
    fields_after: str = field(repr=False)
    memberships_before: frozenset[str]
    memberships_after: frozenset[str]
    changed_later_by: str | None


def find_run(warehouse: duckdb.DuckDBPyConnection, run_id: str) -> RunOfRecord:
    """The run of that id, or whose id alone begins so. Raises ConfigurationError when there is none, or more than one."""
    (has_log,) = warehouse.execute(
        "select count(*) > 0 from information_schema.tables"
        " where table_catalog = 'warehouse' and table_schema = 'reverse_sync' and table_name = 'deliveries'"
    ).fetchall()[0]
    rows = []
    if has_log and run_id.isalnum():
        asked = f"select run_id, kind, started_at from {SCHEMA}.runs where starts_with(run_id, ?) order by started_at desc"
        rows = warehouse.execute(asked, [run_id.lower()]).fetchall()
    if len(rows) != 1:
        trouble = "several runs begin so" if rows else "there is no such run"
        raise ConfigurationError(f"run {run_id}: {trouble}; `mailhouse status` lists the latest ones")
    return RunOfRecord(*rows[0])


def touched_by(warehouse: duckdb.DuckDBPyConnection, run: RunOfRecord) -> list[Touched]:
    """The documents that a run changed, in a stable order; makes the temporary table `takeover_touched`."""
    warehouse.execute(_TOUCHED, {"run_id": run.run_id})
    return [
        Touched(*head, frozenset(before or ()), frozenset(after or ()), later)
        for *head, before, after, later in warehouse.execute(_ROWS).fetchall()
    ]
