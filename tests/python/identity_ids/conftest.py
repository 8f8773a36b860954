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
IDS, CONSENT = "int_identities_resolved", "consent_status"
# what stands for everything before: records, the evidence between them, what people decided and said, the clock
TEXT, NUMBER, MOMENT = pa.string(), pa.int64(), pa.timestamp("us")
EDGES = pa.schema([("record_number", NUMBER), ("other_number", NUMBER), ("reason", TEXT)])
OVERRIDES = pa.schema([("record_key", TEXT), ("other_record_key", TEXT)])
PEOPLE = ("record_key", "connection_id", "source", "record_type", "record_id")
GIVEN: Mapping[str, pa.Schema] = {
    "int_people_united": pa.schema([("record_number", NUMBER), *((name, TEXT) for name in PEOPLE)]),
    "int_identity_edges_drawn": EDGES,
    "int_identity_edges_unchained": EDGES,
    "int_identity_records_given": pa.schema([("record_number", NUMBER), ("is_strict", pa.bool_())]),
    "int_identity_pairs_compared": pa.schema([(name, NUMBER) for name in ("record_number", "other_number", "count_known")]),
    "int_identity_pairs_scored": pa.schema(
        [
            *(("record_number", NUMBER), ("other_number", NUMBER), ("is_contradicted", pa.bool_())),
            *(("match_weight", pa.float64()), ("match_probability", pa.float64())),
        ]
    ),
    "identity_must_link": OVERRIDES,
    "identity_cannot_link": OVERRIDES,
    "int_clock_decided": pa.schema([("clock_now", MOMENT)]),
    "int_contact_points_united": pa.schema(
        [*((name, TEXT) for name in ("record_key", "kind", "value", "wide_value")), ("is_valid", pa.bool_())]
    ),
    "int_consent_acts_united": pa.schema(
        [
            *((name, TEXT) for name in ("event_id", "record_key", "connection_id", "source", "record_id", "address", "mailbox")),
            *((name, TEXT) for name in ("channel", "purpose", "brand", "act", "reason", "evidence", "proof")),
            *(("is_origin_dated", pa.bool_()), ("occurred_at", MOMENT), ("received_at", MOMENT)),
        ]
    ),
    "int_mailbox_jurisdictions_decided": pa.schema(
        [
            *((name, TEXT) for name in ("mailbox", "jurisdiction", "proof_required")),
            *((f"implied_months_after_{what}", NUMBER) for what in ("purchase", "inquiry")),
            ("soft_opt_in_months", NUMBER),
        ]
    ),
}
SEEDS = ("consent_block_reasons", "consent_purposes", "jurisdictions")
REMEMBERED = """
    create table {database}.marts.customer_id_history (
        record_key varchar, version bigint, customer_id varchar, previous_customer_id varchar, change varchar,
        began_in_build bigint, ended_in_build bigint, valid_from timestamp, valid_to timestamp
    );
    create table {database}.marts.consent_events (
        event_id varchar, record_key varchar, connection_id varchar, source varchar, record_id varchar, address varchar,
        mailbox varchar, channel varchar, purpose varchar, brand varchar, act varchar, reason varchar, evidence varchar,
        proof varchar, jurisdiction varchar, is_origin_dated boolean, occurred_at timestamp, received_at timestamp
    )
"""


@pytest.fixture(scope="session")
def identity_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(PROJECT, tmp_path_factory.mktemp("identity"), {})


@pytest.fixture(scope="session")
def identity_sql(identity_settings: Settings) -> DecisionSql:
    """The models from the edges to ids and consent in the order of the build, compiled where a past is there to be read."""
    settings = identity_settings
    project = parsed_project(settings)
    nodes = {node["name"]: node for node in json.loads(settings.manifest.read_bytes())["nodes"].values()}
    steps = list(dict.fromkeys(name for last in (IDS, CONSENT) for name in _steps(nodes, last)))
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema marts")
        warehouse.execute(REMEMBERED.format(database="warehouse"))
    assert project.run(["compile", "--select", *steps]).success
    compiled = {node["name"]: node for node in json.loads(settings.manifest.read_bytes())["nodes"].values()}
    sql = {name: compiled[name]["compiled_code"] for name in steps}
    # of what is given, a build may do without some
    named = [name for name in (*steps, *GIVEN, *SEEDS) if name in compiled]
    return DecisionSql(sql, {name: compiled[name]["relation_name"] for name in named})


def _steps(nodes: Mapping[str, Any], name: str) -> Iterator[str]:
    """Every model that leads to this one and is not given, parents first."""
    for parent in nodes[name]["depends_on"]["nodes"]:
        if (called := parent.split(".")[-1]) not in (*GIVEN, *SEEDS):
            yield from _steps(nodes, called)
    yield name


class Builds(Tables):
    """A warehouse of identities alone. It remembers, as a warehouse does, from one build to the next."""

    def __init__(self, sql: DecisionSql) -> None:
        super().__init__(sql)
        self.connection.execute(REMEMBERED.format(database=sql.relations[HISTORY].split(".")[0]))
        for seed in SEEDS:
            self.connection.execute(f"create table {sql.relations[seed]} as from read_csv('{PROJECT / 'seeds' / seed}.csv')")

    def build(self, given: Mapping[str, Sequence[Mapping[str, Any]]], now: datetime, last: str = IDS) -> None:
        """Build up to one model from these rows; only what is remembered is there from before."""
        rows = {**given, "int_clock_decided": [{"clock_now": now}]}
        wanted = {name: schema for name, schema in GIVEN.items() if name in self.sql.relations}
        self.give({name: pa.Table.from_pylist(list(rows.get(name, ())), schema) for name, schema in wanted.items()})
        for name, query in self.sql.steps.items():
            self.connection.execute(f"create or replace table {self.sql.relations[name]} as {query}")
            if name == last:
                break

    def table(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.connection.execute(f"select {columns} from {self.sql.relations[name]} order by all").fetchall()

    def customers(self) -> dict[str, str]:
        """Record -> customer."""
        return dict(self.table("int_identities_resolved", "record_key, customer_id"))


@pytest.fixture
def builds(identity_sql: DecisionSql) -> Iterator[Builds]:
    with Builds(identity_sql) as opened:
        yield opened
