"""How things stand: what is paused, the last landing of each connection, which segments may go out, the last syncs."""

from collections.abc import Iterable

import duckdb

from mailhouse.controls import Pause, in_force
from mailhouse.report import Table, number
from mailhouse.settings import Settings
from mailhouse.sync.targets import place_name
from mailhouse.warehouse import Warehouse


def tables(settings: Settings) -> list[Table]:
    """The pauses in force, and what the published copy knows of landings, gate, syncs and receipts.

    A part that never happened is left out.
    """
    pauses = in_force(settings)
    shown = [_pauses(pauses)] if pauses else []
    if pauses and not settings.published_path.exists():
        return shown
    with Warehouse(settings).read() as connection:
        present = {
            f"{schema}.{name}"
            for schema, name in connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
        }
        parts = [
            ("quality.landings", _landings),
            ("quality.gate", _gate),
            ("reverse_sync.runs", _runs),
            ("reverse_sync.receipts", _receipts),
        ]
        return shown + [table(connection) for needed, table in parts if needed in present]


def _pauses(pauses: Iterable[Pause]) -> Table:
    cells = [[pause.name, f"{pause.since:%Y-%m-%d %H:%M}", pause.reason] for pause in pauses]
    return Table("Paused by hand", ["what", "since (UTC)", "reason"], cells, "`mailhouse resume WHAT` ends a pause")


def _landings(connection: duckdb.DuckDBPyConnection) -> Table:
    rows = connection.execute(
        "select connection_id, landed_at, status, new_rows, changed_rows, coalesce(error, '') from quality.landings "
        "qualify row_number() over (partition by connection_id order by landed_at desc) = 1 order by 1"
    ).fetchall()
    cells = [
        [who, f"{at:%Y-%m-%d %H:%M}", how, number(new), number(changed), error] for who, at, how, new, changed, error in rows
    ]
    return Table(
        "Last landing of each connection", ["connection", "at (UTC)", "ended", "new rows", "changed rows", "error"], cells
    )


def _gate(connection: duckdb.DuckDBPyConnection) -> Table:
    rows = connection.execute("select segment, is_open, coalesce(reason, ''), decided_at from quality.gate order by 1").fetchall()
    cells = [
        [segment, "open" if is_open else "held back", reason, f"{at:%Y-%m-%d %H:%M}"] for segment, is_open, reason, at in rows
    ]
    return Table("Which segments may go out", ["segment", "gate", "reason", "decided at (UTC)"], cells)


def _runs(connection: duckdb.DuckDBPyConnection) -> Table:
    rows = connection.execute(
        "select run_id, kind, started_at, outcome, calls_planned, coalesce(accepted, 0), coalesce(rejected, 0) "
        "from reverse_sync.runs order by started_at desc limit 5"
    ).fetchall()
    cells = [
        [run, kind, f"{at:%Y-%m-%d %H:%M}", how, number(calls), number(yes), number(no)]
        for run, kind, at, how, calls, yes, no in rows
    ]
    return Table("The latest runs", ["run", "kind", "started (UTC)", "ended", "calls", "accepted", "rejected"], cells)


def _receipts(connection: duckdb.DuckDBPyConnection) -> Table:
    rows = connection.execute(
        "select destination, container, membership, checked_at, desired, delivered, actual, is_equal from reverse_sync.receipts "
        "qualify row_number() over (partition by destination, container, membership order by checked_at desc) = 1 "
        "order by 1, 2, 3"
    ).fetchall()
    cells = [
        [
            place_name(destination, container, membership),
            f"{at:%Y-%m-%d %H:%M}",
            number(want),
            number(sent),
            number(there),
            "yes" if same else "no",
        ]
        for destination, container, membership, at, want, sent, there, same in rows
    ]
    return Table(
        "The last receipt of each audience", ["audience", "checked (UTC)", "desired", "delivered", "actual", "equal"], cells
    )
