"""The compiled models of identity, run one after the other on made-up records in memory; no build is waited for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from mailhouse.consent.compiled import DecisionSql
from mailhouse.consent.decide import Tables
from mailhouse.settings import Settings, find_project
from tests.python.parsed import parsed_project

PROJECT = find_project(Path(__file__).parent)
HISTORY = "customer_id_history"
LAST = ("int_identities_resolved", "int_records_once_together")
# what stands for everything before: records, the evidence between them, what people decided, the clock
TEXT, NUMBER, MOMENT = pa.string(), pa.int64(), pa.timestamp("us")
EDGES = pa.schema([("record_number", NUMBER), ("other_number", NUMBER), ("reason", TEXT)])
OVERRIDES = pa.schema([("record_key", TEXT), ("other_record_key", TEXT)])
PEOPLE = ("record_key", "connection_id", "source", "record_type", "record_id")
GIVEN: Mapping[str, pa.Schema] = {
    "int_people_united": pa.schema([("record_number", NUMBER), *((name, TEXT) for name in PEOPLE)]),
    "int_identity_edges_drawn": EDGES,
    "int_identity_edges_unchained": EDGES,
    "identity_must_link": OVERRIDES,
    "identity_cannot_link": OVERRIDES,
    "int_clock_decided": pa.schema([("clock_now", MOMENT)]),
}
REMEMBERED = """
    create table marts.customer_id_history (
        record_key varchar, version bigint, customer_id varchar, previous_customer_id varchar, change varchar,
        began_in_build bigint, ended_in_build bigint, valid_from timestamp, valid_to timestamp
    )
"""


@pytest.fixture(scope="session")
def identity_sql(tmp_path_factory: pytest.TempPathFactory) -> DecisionSql:
    """The models from the edges to the ids in the order of the build, compiled where a history is there to be read."""
    settings = Settings(PROJECT, tmp_path_factory.mktemp("identity"), {})
    project = parsed_project(settings)
    nodes = {node["name"]: node for node in json.loads(settings.manifest.read_bytes())["nodes"].values()}
    steps = list(dict.fromkeys(name for last in LAST for name in _steps(nodes, last)))
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema marts")
        warehouse.execute(REMEMBERED)
    assert project.run(["compile", "--select", *steps]).success
    compiled = {node["name"]: node for node in json.loads(settings.manifest.read_bytes())["nodes"].values()}
    sql = {name: compiled[name]["compiled_code"] for name in steps}
    return DecisionSql(sql, {name: compiled[name]["relation_name"] for name in (*steps, *GIVEN)})


def _steps(nodes: Mapping[str, Any], name: str) -> Iterator[str]:
    """Every model that leads to this one and is not given, parents first."""
    for parent in nodes[name]["depends_on"]["nodes"]:
        if (called := parent.split(".")[-1]) not in GIVEN:
            yield from _steps(nodes, called)
    yield name


class Builds(Tables):
    """A warehouse of identities alone. It remembers, as a warehouse does, from one build to the next."""

    def __init__(self, sql: DecisionSql) -> None:
        super().__init__(sql)
        self.connection.execute(REMEMBERED.replace("marts.", sql.relations[HISTORY].split(".")[0] + ".marts."))

    def build(self, given: Mapping[str, Sequence[Mapping[str, Any]]], now: datetime) -> None:
        """Build everything from these rows; only the history is there from before."""
        rows = {**given, "int_clock_decided": [{"clock_now": now}]}
        self.give({name: pa.Table.from_pylist(list(rows.get(name, ())), schema) for name, schema in GIVEN.items()})
        for name, query in self.sql.steps.items():
            self.connection.execute(f"create or replace table {self.sql.relations[name]} as {query}")

    def table(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.connection.execute(f"select {columns} from {self.sql.relations[name]} order by all").fetchall()

    def customers(self) -> dict[str, str]:
        """Record -> customer."""
        return dict(self.table("int_identities_resolved", "record_key, customer_id"))


@pytest.fixture
def builds(identity_sql: DecisionSql) -> Iterator[Builds]:
    with Builds(identity_sql) as opened:
        yield opened
