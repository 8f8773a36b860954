"""Retention: how long rows of events are kept, by connection and raw table. What tells of a refusal is never among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Settings

# what is left of an event in an incremental mart once its raw row is gone; the views read raw as it is now
MARTS = {"email_events": "int_email_events_united", "web_events": "int_web_events_united"}
LEFT_IN_MART = """
delete from marts.{mart} as event
where event.connection_id = $connection and event.occurred_at < $before
    and not exists (select 1 from intermediate.{united} as united where united.event_id = event.event_id)
"""


@dataclass(frozen=True)
class Rule:
    """Rows of one raw table of one connection go once they are older than `days`.

    `by` is the column with their time, and `only` the condition, in SQL over the raw table, that a row must fulfil to go.
    """

    connection_id: str
    schema: str
    table: str
    by: str
    only: str
    days: int

    def before(self, now: datetime) -> datetime:
        """Rows from before this moment go."""
        return now - timedelta(days=self.days)


def rules(settings: Settings, manifest: Mapping[str, Any]) -> list[Rule]:
    """What `retention` in connections.yml says, held against the tables whose YAML allows it by `meta.retention`.

    Raises ConfigurationError for a table that may not be shortened, and for fewer days than the models look back.
    """
    allowed = {(one["source_name"], one["name"]): one for one in manifest["sources"].values() if _meta(one)}
    least = int(settings.dbt_vars.get("unengaged_days", 1))
    found = []
    for connection in settings.connections.values():
        for table, days in connection.retention.items():
            source = allowed.get((connection.vendor, table))
            if source is None:
                known = (
                    ", ".join(sorted(name for vendor, name in allowed if vendor == connection.vendor)) or "none of this vendor"
                )
                raise ConfigurationError(f"connection {connection.id}: retention of `{table}` cannot be set; only of {known}")
            if not isinstance(days, int) or isinstance(days, bool) or days < least:
                raise ConfigurationError(
                    f"connection {connection.id}: retention of `{table}` is a number of days, {least} or more (unengaged_days)"
                )
            meta = _meta(source)
            found.append(Rule(connection.id, source["schema"], source["identifier"], meta["by"], meta["only"], days))
    return found


def retain(connection: duckdb.DuckDBPyConnection, wanted: list[Rule], now: datetime) -> dict[str, int]:
    """Delete what is older than each rule allows, in raw, in dlt's copy beside it and in the mart; `{table: rows}` of raw.

    In one transaction. `now` is UTC.
    """
    there = {
        (schema, table) for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    }
    gone: dict[str, int] = {}
    connection.execute("begin transaction")
    try:
        for rule in wanted:
            said = {"connection": rule.connection_id, "before": rule.before(now)}
            for schema in (f"{rule.schema}_staging", rule.schema):
                if (schema, rule.table) in there:
                    count = connection.execute(_delete(schema, rule), said).fetchall()[0][0]
                    gone[f"{rule.schema}.{rule.table}"] = count
            for mart, united in MARTS.items():
                if ("marts", mart) in there:
                    connection.execute(LEFT_IN_MART.format(mart=mart, united=united), said)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return gone


def _delete(schema: str, rule: Rule) -> str:
    older = f'connection_id = $connection and "{rule.by}" < $before'
    return f'delete from "{schema}"."{rule.table}" where {older} and ({rule.only})'


def _meta(source: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**source.get("meta", {}), **(source.get("config") or {}).get("meta", {})}.get("retention") or {}
