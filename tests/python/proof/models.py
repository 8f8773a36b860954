"""What dbt would have built of the truth: the tables that the engine reads, and the consent decision by the project's own SQL."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mailhouse import contact_points
from mailhouse.build import Project
from mailhouse.consent import land_inbox
from mailhouse.consent.compiled import STEPS, decision_sql
from mailhouse.privacy import replay
from mailhouse.settings import Settings
from tests.python.proof.acts import OPT_IN_ONLY, PURPOSES, Act
from tests.python.proof.company import FEEDS, SEGMENTS, Company, Feed, speakers
from tests.python.proof.effects import Document

ROOT = Path(__file__).resolve().parents[3]
MOMENT = pa.timestamp("us")
ZONED = pa.timestamp("us", tz="UTC")
FIELDS = {
    "mailchimp": {"first_name": "FNAME", "orders": "ORDERS", "birthday": "BIRTHDAY"},
    "klaviyo": {"first_name": "first_name", "orders": "orders", "birthday": "birthday"},
    "sendgrid": {"first_name": "first_name", "orders": "orders", "birthday": "birthday"},
    # a CRM is told nothing that says who somebody is
    "hubspot": {"first_name": "greeting", "orders": "orders", "birthday": "birthday"},
}
PROFILE_COLUMNS = (
    *("customer_id", "email", "mailbox", "profile_customer_id", "esp_status", "esp_id"),
    *("first_name", "orders", "birthday"),
)
EVENTS = """
    event_id varchar, record_key varchar, connection_id varchar, source varchar, record_id varchar, address varchar,
    mailbox varchar, channel varchar, purpose varchar, brand varchar, act varchar, reason varchar, evidence varchar,
    proof varchar, jurisdiction varchar, is_origin_dated boolean, occurred_at timestamp, received_at timestamp
"""


def compiled(folder: Path, project: Callable[[Settings], Project] = Project) -> dict[str, Any]:
    """The consent models as dbt compiles them, with what they depend on: a manifest, small enough to be read often."""
    settings = Settings(ROOT, folder, {})
    result = project(settings).run(["compile", "--select", *STEPS])
    assert result.success, "dbt cannot compile the consent models"
    document = json.loads(settings.manifest.read_bytes())
    nodes = {**document["nodes"], **document["sources"]}
    steps = {key for key, node in nodes.items() if node["resource_type"] == "model" and node["name"] in STEPS}
    wanted = steps | {key for step in steps for key in nodes[step]["depends_on"]["nodes"]}
    return {
        "nodes": {key: node for key, node in document["nodes"].items() if key in wanted},
        "sources": {key: node for key, node in document["sources"].items() if key in wanted},
    }


class Models:
    """One project's built models on one warehouse connection."""

    def __init__(self, settings: Settings, consent: Mapping[str, Any]) -> None:
        self.settings, self._consent = settings, consent
        self.manifest = settings.manifest
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        self.describe(FEEDS)
        self._sql = decision_sql(settings, self.manifest)
        self.relations = self._sql.relations

    def describe(self, feeds: Iterable[Feed]) -> None:
        """Write the manifest: what `meta` says of the segments, beside the consent models."""
        entries: dict[str, list[dict[str, object]]] = {segment: [] for segment in SEGMENTS}
        for feed in feeds:
            entries[feed.segment].append(feed.meta)
        models = [_model(name, "segments", {"reverse_sync": said}, ("customer_id",)) for name, said in entries.items()]
        for destination, fields in FIELDS.items():
            profile = {"destination": destination, "key": "email", "fields": fields}
            models.append(_model(f"{destination}_profiles", "profiles", {"profile_of": profile}, PROFILE_COLUMNS))
        document = {**self._consent, "nodes": {**self._consent["nodes"], **{one["name"]: one for one in models}}}
        self.manifest.write_text(json.dumps(document))

    def create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The schemas, the seeds and the tables that only grow."""
        for relation in self.relations.values():
            connection.execute(f"create schema if not exists {relation.rsplit('.', 1)[0]}")
        connection.execute("create schema if not exists segments; create schema if not exists profiles")
        connection.execute(f"create table if not exists {self.relations['consent_events']} ({EVENTS})")
        for name in ("consent_block_reasons", "jurisdictions"):
            path = ROOT / "seeds" / f"{name}.csv"
            connection.execute(f"create or replace table {self.relations[name]} as from read_csv('{path}', header = true)")
        with (ROOT / "seeds" / "consent_purposes.csv").open() as file:
            shipped = {row["purpose"]: row["is_opt_in_only"] == "true" for row in csv.DictReader(file)}
        known = {purpose: purpose in OPT_IN_ONLY for purpose in PURPOSES} | shipped
        purposes = {"channel": ["email"] * len(known), "purpose": list(known), "is_opt_in_only": list(known.values())}
        self._put(connection, self.relations["consent_purposes"], pa.table(purposes))

    def build(
        self, connection: duckdb.DuckDBPyConnection, company: Company, statuses: Mapping[Document, tuple[str, str]], now: datetime
    ) -> None:
        """Build everything anew, as of now. statuses: document -> the ESP's word and its id of the record."""
        land_inbox(connection, self.settings)
        replay.mark(connection, self.settings)
        self._contact_points(connection)
        self._identities(connection, company)
        self._put(connection, self.relations["int_clock_decided"], pa.table({"clock_now": pa.array([_plain(now)], MOMENT)}))
        self._ledger(connection, company.heard(now))
        for name in STEPS[2:]:
            connection.execute(f"create or replace table {self.relations[name]} as {self._sql.steps[name]}")
        for segment in SEGMENTS:
            self._put(connection, f"segments.{segment}", pa.table({"customer_id": _texts(sorted(company.segment(segment)))}))
        self._profiles(connection, company, statuses)

    @staticmethod
    def _contact_points(connection: duckdb.DuckDBPyConnection) -> None:
        """The normal forms of the addresses that the inbox was told, by the shipped rule."""
        connection.execute(contact_points.CREATE)
        new = connection.execute(
            "select distinct 'email' as kind, address as raw_value, '' as region from raw_inbox.consent_acts"
            " where address not in (select raw_value from raw_contact_points.normalised)"
        ).to_arrow_table()
        connection.register("given", contact_points.normal_forms(new))
        connection.execute("insert into raw_contact_points.normalised by name from given")
        connection.unregister("given")

    def _identities(self, connection: duckdb.DuckDBPyConnection, company: Company) -> None:
        people = company.people()
        used = sorted((customer, box) for customer, boxes in people.mailboxes.items() for box in boxes)
        columns = {"customer_id": _texts(one for one, _ in used), "email": _texts(box for _, box in used)}
        self._put(
            connection,
            self.relations["int_customer_mailboxes_collected"],
            pa.table({**columns, "mailbox": columns["email"]}),
        )
        records = sorted(people.customers.items())
        self._put(
            connection,
            self.relations["int_identities_resolved"],
            pa.table({"record_key": _texts(key for key, _ in records), "customer_id": _texts(one for _, one in records)}),
        )
        places = pa.table({"mailbox": _texts(people.countries), "country_code": _texts(map(people.country, people.countries))})
        connection.register("given", places)
        connection.execute(
            f"create or replace table {self.relations['int_mailbox_jurisdictions_decided']} as"
            f" select given.mailbox, policies.* from given inner join {self.relations['jurisdictions']} as policies"
            " on policies.country_code = case given.country_code when '' then '*' else given.country_code end"
        )
        connection.unregister("given")

    def _ledger(self, connection: duckdb.DuckDBPyConnection, new: list[Act]) -> None:
        if new:
            connection.register("given", _events(new))
            connection.execute(f"insert into {self.relations['consent_events']} by name from given")
            connection.unregister("given")
        for name in STEPS[:2]:
            connection.execute(f"create or replace table {self.relations[name]} as {self._sql.steps[name]}")
        connection.execute(
            f"insert into {self.relations['consent_events']} by name select * from {self.relations[STEPS[1]]}"
            f" anti join {self.relations['consent_events']} using (event_id) where mailbox is not null"
        )

    def _profiles(
        self, connection: duckdb.DuckDBPyConnection, company: Company, statuses: Mapping[Document, tuple[str, str]]
    ) -> None:
        people = company.profiles()
        speaks = speakers(people)
        columns = {
            "customer_id": _texts(one.customer_id for one in people),
            "email": _texts(one.address for one in people),
            "mailbox": _texts(one.mailbox for one in people),
            "profile_customer_id": _texts(speaks[one.mailbox] for one in people),
            "first_name": _texts(one.name for one in people),
            "orders": pa.array([one.orders for one in people], pa.int32()),
            "birthday": _texts(one.birthday for one in people),
        }
        for destination in FIELDS:
            found = [statuses.get((destination, "", one.mailbox), (None, None)) for one in people]
            there = {"esp_status": _texts(status for status, _ in found), "esp_id": _texts(one for _, one in found)}
            self._put(connection, f"profiles.{destination}_profiles", pa.table({**columns, **there}))

    @staticmethod
    def _put(connection: duckdb.DuckDBPyConnection, relation: str, table: pa.Table) -> None:
        connection.register("given", table)
        connection.execute(f"create or replace table {relation} as from given")
        connection.unregister("given")


def _texts(values: Iterable[str | None]) -> pa.Array:
    return pa.array(list(values), pa.string())


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _events(acts: list[Act]) -> pa.Table:
    said = {
        "event_id": _texts(one.event_id for one in acts),
        "record_key": _texts(one.speaker or f"esp/record/{one.event_id}" for one in acts),
        "connection_id": _texts("crm" for _ in acts),
        "source": _texts("crm" for _ in acts),
        "record_id": _texts(one.event_id for one in acts),
        "address": _texts(one.address for one in acts),
        "mailbox": _texts(one.mailbox for one in acts),
        "channel": _texts("email" for _ in acts),
        "purpose": _texts(one.purpose for one in acts),
        "brand": _texts("default" for _ in acts),
        "act": _texts(one.act for one in acts),
        "reason": _texts(one.reason for one in acts),
        "proof": _texts(one.proof for one in acts),
        "is_origin_dated": pa.array([one.occurred_at is not None for one in acts]),
        "occurred_at": pa.array([one.occurred_at and _plain(one.occurred_at) for one in acts], MOMENT),
        "received_at": pa.array([_plain(one.known_at) for one in acts], MOMENT),
    }
    return pa.table(said)


def _model(name: str, schema: str, meta: Mapping[str, object], columns: Iterable[str]) -> dict[str, object]:
    # a birthday is somebody's own affair: it has a purpose of its own
    said = {column: {"config": {"meta": {"purpose": "profiling"} if column == "birthday" else {}}} for column in columns}
    place = {"resource_type": "model", "name": name, "schema": schema, "database": "warehouse"}
    return {**place, "config": {"meta": meta}, "columns": said}
