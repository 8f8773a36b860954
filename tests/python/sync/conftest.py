"""A Mailchimp sandbox on the loopback and a small warehouse by hand, for the tests of the reverse sync."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailhouse import sync
from mailhouse.clock import Clock, FixedClock
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import Row
from mailhouse.settings import Connection, Settings
from mailhouse.warehouse import Warehouse
from tests.python.serving import Serving
from tests.python.sync.decided import DecidedLook

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
LIST = "list1"
MEANT = sync.Approval("the test means it", "a test")
FIELDS = {"first_name": "FNAME", "country": "COUNTRY", "orders": "ORDERS", "last_order_date": "LASTORDER"}


class Esp:
    """The sandbox's Mailchimp, looked at from behind."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        runtime = Runtime(directory)
        runtime.store.set_now(NOW)
        runtime.close()
        self.runtime = Runtime(directory)
        self.store = self.runtime.store
        self.store.put_many("mailchimp.list", [Row(LIST, {"id": LIST, "name": "Customers", "double_optin": False}, NOW)])
        names = [("FNAME", "First name"), ("LNAME", "Last name")]
        self.store.put_many(
            "mailchimp.merge_field",
            [
                Row(str(n), {"merge_id": n, "tag": tag, "name": name, "type": "text", "required": False}, NOW, parent=LIST)
                for n, (tag, name) in enumerate(names, start=1)
            ],
        )
        self.runtime.limits.change({"mailchimp": {"stats_lag_seconds": 0.0}})
        self._serving = Serving(self.runtime)
        self.url = self._serving.url

    def close(self) -> None:
        self._serving.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox{path}", data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.control("POST", "/faults", [{"vendor": "mailchimp", **fault} for fault in faults])

    def writes(self) -> dict[str, int]:
        """Write calls since the last look, by the end of their path; the counter is then zero again."""
        calls = self.control("GET", "/calls")["calls"]
        self.control("DELETE", "/calls")
        names = {"/3.0/lists/{list_id}": "batch", "/3.0/lists/{list_id}/segments/{segment_id}": "leave"}
        found: dict[str, int] = {}
        for call in calls:
            if call["writes"]:
                name = names.get(call["path"], "set-up")
                found[name] = found.get(name, 0) + call["calls"]
        return found

    def member(self, key: str) -> dict[str, Any] | None:
        row = self.store.get("mailchimp.member", key, LIST)
        return row.body if row else None

    def put_member(self, key: str, **body: Any) -> None:
        self.store.put_many("mailchimp.member", [Row(key, {"id": key, "merge_fields": {}, **body}, NOW, parent=LIST)])

    def tag(self, name: str) -> set[str]:
        for row in self.store.page("mailchimp.segment", parent=LIST, limit=1000):
            if row.body["name"] == name:
                return set(self.store.tag_members(LIST, row.id))
        return set()

    def tag_id(self, name: str) -> str:
        return next(row.id for row in self.store.page("mailchimp.segment", parent=LIST, limit=1000) if row.body["name"] == name)


@dataclass
class World:
    """A project's manifest, a warehouse with hand-made segments, and one Mailchimp connection."""

    folder: Path
    esp: Esp
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    segments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    profile_columns: list[str] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=lambda: {"timeout": 10.0, "settle_time": 2.0})

    def __post_init__(self) -> None:
        self.open()
        for schema in ("segments", "profiles", "marts"):
            self.warehouse.execute(f"create schema if not exists {schema}")
        self.warehouse.execute(
            "create table if not exists profiles.mailchimp_profiles (customer_id varchar, email varchar, mailbox varchar,"
            " first_name varchar, country varchar, orders integer, last_order_date date)"
        )
        self.warehouse.execute(
            "create table if not exists marts.consent_status (mailbox varchar, channel varchar, purpose varchar, brand varchar,"
            " decision varchar, reason varchar, event_id varchar, decided_at timestamp with time zone)"
        )
        self.warehouse.execute(
            "create table if not exists marts.consent_events (event_id varchar, received_at timestamp with time zone)"
        )

    def open(self) -> None:
        """Take the warehouse (again, after another process had it)."""
        self._opened = ExitStack()
        self.warehouse = self._opened.enter_context(Warehouse(self.settings).write())

    def close(self) -> None:
        self._opened.close()

    # -- the models -----------------------------------------------------------------------------------------------------
    def segment(self, name: str, people: list[str] | range, **meta: Any) -> None:
        """A segment model of these customers, going to the tag of the same name."""
        entry = {"destination": "mailchimp", "audience": "Customers", "tag": name.upper(), "purpose": "marketing_email", **meta}
        self.segments[f"seg_{name}"] = [entry]
        self.warehouse.execute(f"create or replace table segments.seg_{name} (customer_id varchar)")
        self.members(name, people)

    def members(self, name: str, people: list[str] | range) -> None:
        ids = [person if isinstance(person, str) else customer(person) for person in people]
        self.warehouse.execute(f"delete from segments.seg_{name}")
        self.warehouse.execute(f"insert into segments.seg_{name} select unnest(?::varchar[])", [ids])

    def people(self, numbers: range, *, decision: str = "allow", reason: str = "explicit_grant") -> None:
        """Customers with profiles and a consent decision each."""
        self.warehouse.execute(
            """
            insert into profiles.mailchimp_profiles
            select 'c' || lpad(n::varchar, 6, '0'), 'person' || n || '@example.test', 'person' || n || '@example.test',
                'Name ' || n, 'DE', n % 7, date '2026-01-01' + (n % 90)::integer
            from range(?, ?) as numbers(n)
            """,
            [numbers.start, numbers.stop],
        )
        self.warehouse.execute(
            """
            insert into marts.consent_status
            select 'person' || n || '@example.test', 'email', 'marketing_email', 'default', ?, ?, 'e' || n, ?
            from range(?, ?) as numbers(n)
            """,
            [decision, reason, self.clock.now(), numbers.start, numbers.stop],
        )

    def decide(self, number: int, decision: str, reason: str) -> None:
        self.warehouse.execute(
            "update marts.consent_status set decision = ?, reason = ? where mailbox = ?",
            [decision, reason, f"person{number}@example.test"],
        )

    def rename(self, number: int, name: str) -> None:
        self.warehouse.execute(
            "update profiles.mailchimp_profiles set first_name = ? where customer_id = ?", [name, customer(number)]
        )

    # -- the sync -------------------------------------------------------------------------------------------------------
    @property
    def connection(self) -> Connection:
        secrets = {"api_key": self.esp.runtime.secrets["mailchimp"]["api_key"]}
        return Connection(
            "mailchimp",
            "mailchimp",
            f"{self.esp.url}/mailchimp",
            {"limits": self.limits},
            {"api_key": "TEST_MAILCHIMP_KEY"},
            secrets,
        )

    @property
    def settings(self) -> Settings:
        return Settings(self.folder, self.folder, {"mailchimp": self.connection})

    def manifest(self) -> Path:
        path = self.folder / "target" / "manifest.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"nodes": {f"model.mailhouse.{one['name']}": one for one in self.models()}}))
        return path

    def models(self) -> list[dict[str, Any]]:
        """The models as dbt's manifest has them."""
        profile = {"destination": "mailchimp", "key": "email", "fields": dict(self.fields)}
        found = [model(name, "segments", {"reverse_sync": entries}, ["customer_id"]) for name, entries in self.segments.items()]
        columns = ["customer_id", "email", "mailbox", *FIELDS, *self.profile_columns]
        found.append(model("mailchimp_profiles", "profiles", {"profile_of": profile}, columns))
        found.append(model("consent_status", "marts", {}, ["mailbox", "decision"]))
        found.append(model("consent_events", "marts", {}, ["event_id"]))
        return found

    @property
    def context(self) -> sync.Context:
        return sync.Context(self.settings, self.clock, self.warehouse, self.manifest(), last_look=DecidedLook)

    def plan(
        self,
        segments: list[str] | None = None,
        held_back: Mapping[str, str] | None = None,
        approval: sync.Approval | None = MEANT,
    ) -> sync.Plan:
        return sync.plan(self.context, segments, held_back, approval)

    def sync(self, **more: Any) -> sync.SyncResult:
        return sync.sync(self.context, self.plan(**more))

    def delivered(self, tag: str) -> set[str]:
        rows = self.warehouse.execute(
            "select document_key from reverse_sync.delivered where list_contains(from_json(memberships, '[\"VARCHAR\"]'), ?)",
            [tag],
        ).fetchall()
        return {key for (key,) in rows}

    def count(self, table: str) -> int:
        return self.warehouse.execute(f"select count(*) from reverse_sync.{table}").fetchall()[0][0]

    def later(self, **distance: float) -> None:
        self.clock.sleep(timedelta(**distance).total_seconds())
        self.warehouse.execute("update marts.consent_status set decided_at = ?", [self.clock.now()])


def customer(number: int) -> str:
    return f"c{number:06d}"


def model(name: str, schema: str, meta: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": schema,
        "database": "warehouse",
        "original_file_path": f"models/{schema}/{name}.sql",
        "config": {"meta": dict(meta)},
        "columns": {column: {"name": column, "config": {"meta": {}}} for column in columns},
    }


@pytest.fixture
def esp(tmp_path: Path) -> Iterator[Esp]:
    server = Esp(tmp_path / "sandbox")
    yield server
    server.close()


@pytest.fixture
def world(tmp_path: Path, esp: Esp) -> Iterator[World]:
    made = World(tmp_path / "work", esp)
    yield made
    made.close()
