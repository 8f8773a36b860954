"""Decides which segments may be synced after a run: closed unless everything they rest on was shown to be clean."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from mailhouse.build import Layer, Node

CREATE = """
create schema if not exists quality;
create table if not exists quality.gate (
    segment varchar not null, is_open boolean not null, reason varchar, decided_at timestamp with time zone not null
)
"""


def segments(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Every model that says where it goes, as `{unique_id: name}`."""
    return {
        unique_id: node["name"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and (node["config"].get("meta") or {}).get("reverse_sync")
    }


def held_back(manifest: Mapping[str, Any], broken_vendors: Mapping[str, str], layers: Sequence[Layer]) -> dict[str, str]:
    """The segments that must not be sent, each with its first reason, in words.

    broken_vendors: vendor -> why its last landing is not complete. A segment is held back when a source it
    descends from is broken, when a model or test above it failed, or when it was not built in this run.
    """
    failed = [node for layer in layers for node in layer.failed]
    built = {node.unique_id for layer in layers for node in layer.nodes if node.is_good}
    reasons: dict[str, str] = {}
    for unique_id, name in segments(manifest).items():
        above = ancestors(unique_id, manifest) | {unique_id}
        reason = _broken_source(above, manifest, broken_vendors) or _failure(above, manifest, failed)
        if reason is None and unique_id not in built:
            reason = "it was not built in this run"
        if reason:
            reasons[name] = reason
    return reasons


def ancestors(unique_id: str, manifest: Mapping[str, Any]) -> set[str]:
    """All that a node is made of, sources included."""
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in manifest["parent_map"].get(waiting.pop(), []):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def _broken_source(above: set[str], manifest: Mapping[str, Any], broken_vendors: Mapping[str, str]) -> str | None:
    vendors = {manifest["sources"][node]["source_name"] for node in above if node in manifest["sources"]}
    for vendor in sorted(vendors & set(broken_vendors)):
        return f"source {vendor} did not land: {broken_vendors[vendor]}"
    return None


def _failure(above: set[str], manifest: Mapping[str, Any], failed: Iterable[Node]) -> str | None:
    for node in failed:
        touches = set(manifest["parent_map"].get(node.unique_id, [])) if node.is_test else {node.unique_id}
        if touches & above:
            kind = "test" if node.is_test else "model"
            return f"{kind} {node.name} failed: {node.message}"
    return None


def record(connection: duckdb.DuckDBPyConnection, names: Iterable[str], closed: Mapping[str, str], decided_at: datetime) -> None:
    """Write the decision of this run over the last one, in one transaction."""
    connection.execute(CREATE)
    rows = [(name, name not in closed, closed.get(name), decided_at) for name in sorted(names)]
    connection.execute("begin")
    connection.execute("delete from quality.gate")
    if rows:
        connection.executemany("insert into quality.gate values (?, ?, ?, ?)", rows)
    connection.execute("commit")


def recorded(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, str]:
    """The segments that the last run left closed, with the reason; one without a decision is closed."""
    known = connection.execute(
        "select count(*) from information_schema.tables where table_schema = 'quality' and table_name = 'gate'"
    ).fetchall()[0][0]
    rows = connection.execute("select segment, is_open, reason from quality.gate").fetchall() if known else []
    decisions = {segment: None if is_open else reason for segment, is_open, reason in rows}
    missing = "no run has shown it to be clean; run `mailhouse run`"
    return {name: reason for name in names if (reason := decisions.get(name, missing))}
