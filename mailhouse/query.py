"""Questions to the published copy of the warehouse."""

import csv
import json
from collections.abc import Mapping
from typing import Any, TextIO

import duckdb

from mailhouse.errors import ConfigurationError, WarehouseMissing
from mailhouse.redaction import without_values
from mailhouse.report import Table
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

# A cell that a spreadsheet would run as a formula is disarmed in files made for people.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

# What a preview shows of a customer; `mailhouse sql` shows the rest.
SHOWN = ("customer_id", "email", "first_name", "last_name", "country_code", "count_orders", "net_spend", "last_order_date")


def ask(settings: Settings, query: str) -> Table:
    """The answer to one query as text cells. Raises ConfigurationError with the engine's first line."""
    with Warehouse(settings).read() as connection:
        try:
            answer = connection.execute(query)
            columns = [column[0] for column in answer.description or []]
            rows = [["" if cell is None else str(cell) for cell in row] for row in answer.fetchall()]
        except duckdb.Error as error:
            raise ConfigurationError(f"the query was refused: {without_values(error).splitlines()[0]}") from error
    return Table("", columns, rows, f"{len(rows):,} rows")


def write_csv(table: Table, out: TextIO) -> None:
    """Comma-separated for people: numbers as they are, text that looks like a formula disarmed."""
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([[_disarmed(cell) for cell in row] for row in table.rows])


def published_manifest(settings: Settings) -> Mapping[str, Any]:
    """The manifest of the build that readers see."""
    path = settings.published_target / "manifest.json"
    if not path.exists():
        raise WarehouseMissing(f"{path}: no build has been published; run `mailhouse run` or `mailhouse demo` first")
    return json.loads(path.read_text(encoding="utf-8"))


def preview_segment(settings: Settings, name: str, limit: int) -> list[Table]:
    """Where a segment goes, how many are in it and may be written to, and its first customers."""
    manifest = published_manifest(settings)
    nodes = manifest["nodes"].values()
    models = {node["name"]: node for node in nodes if (node["config"].get("meta") or {}).get("reverse_sync")}
    if name not in models:
        raise ConfigurationError(f"segment {name}: there is none of this name; there are {', '.join(sorted(models)) or 'none'}")
    node = models[name]
    keys = ("destination", "audience", "tag", "purpose", "mode")
    goes = [[str(entry.get(key, "")) for key in keys] for entry in node["config"]["meta"]["reverse_sync"]]
    with Warehouse(settings).read() as connection:
        relation = f'"{node["schema"]}"."{node["alias"]}"'
        total = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
        first = connection.execute(
            f"select {', '.join(SHOWN)} from marts.customers inner join {relation} as segment using (customer_id) "
            f"order by customer_id limit {limit}"
        )
        rows = [["" if cell is None else str(cell) for cell in row] for row in first.fetchall()]
    where = Table(f"{name}: {total:,} customers", keys, goes, node["description"])
    return [where, Table(f"{name}: the first {len(rows)}", SHOWN, rows)]


def _disarmed(cell: str) -> str:
    if cell.startswith(FORMULA_STARTS) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
