"""Whatever happens in whatever order, the next clean sync ends in step, at exactly the least calls."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mailhouse import sync
from mailhouse.clock import FixedClock
from mailhouse.destinations import Call, Outcome
from mailhouse.destinations.mailchimp import wire
from mailhouse.settings import Connection, Settings
from mailhouse.sync import state
from mailhouse.sync.journal import Journal

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
MEANT = sync.Approval("the test means it", "a test")
PEOPLE, TAGS, BATCH = 9, ("A", "B", "C"), 3
CONNECTION = Connection("mailchimp", "mailchimp", "http://127.0.0.1:9")


@dataclass
class Esp:
    """What the ESP has: tag -> keys, key -> fields; takes a call as Mailchimp does."""

    tags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    fields: dict[str, str] = field(default_factory=dict)

    def take(self, call: Call) -> list[Outcome]:
        outcomes = []
        for change in call.changes:
            if call.action == "leave":
                self.tags[call.membership].discard(change.key)
            else:
                self.fields[change.key] = change.fields
                for tag in change.add:
                    self.tags[tag].add(change.key)
            outcomes.append(Outcome(change.key, "accepted"))
        return outcomes


@dataclass
class Company:
    """The truth the models would show, and what the test's own formula makes of it."""

    members: dict[str, set[int]] = field(default_factory=lambda: {tag: set() for tag in TAGS})
    denied: set[int] = field(default_factory=set)
    names: dict[int, int] = field(default_factory=dict)
    addresses: dict[int, int] = field(default_factory=dict)

    def key(self, person: int) -> str:
        return wire.key_of(self.address(person))

    def address(self, person: int) -> str:
        return f"person{person}.{self.addresses.get(person, 0)}@example.test"

    def wanted(self) -> dict[str, set[str]]:
        return {tag: {self.key(p) for p in people - self.denied} for tag, people in self.members.items()}

    def fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("delete from profiles.mailchimp_profiles; delete from marts.consent_status")
        people = [
            (f"c{p}", self.address(p), f"Name {self.names.get(p, 0)}", "deny" if p in self.denied else "allow")
            for p in range(PEOPLE)
        ]
        connection.executemany("insert into profiles.mailchimp_profiles values (?, ?, ?)", [row[:3] for row in people])
        connection.executemany(
            "insert into marts.consent_status values (?, 'email', 'news', 'default', ?, 'withdrawn', 'e1', ?)",
            [(row[1], row[3], NOW) for row in people],
        )
        for tag, members in self.members.items():
            connection.execute(f"delete from segments.seg_{tag.lower()}")
            connection.executemany(
                f"insert into segments.seg_{tag.lower()} values (?)", [(f"c{p}",) for p in members] or [(None,)]
            )


def build(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse; use warehouse")
    connection.execute("create schema segments; create schema profiles; create schema marts")
    connection.execute("create table profiles.mailchimp_profiles (customer_id varchar, email varchar, name varchar)")
    connection.execute(
        "create table marts.consent_status (mailbox varchar, channel varchar, purpose varchar, brand varchar, decision varchar,"
        " reason varchar, event_id varchar, decided_at timestamp with time zone)"
    )
    profile = {"destination": "mailchimp", "key": "email", "fields": {"name": "FNAME"}}
    models = [_model("mailchimp_profiles", "profiles", {"profile_of": profile}, ("customer_id", "email", "name"))]
    connection.execute("create table marts.consent_events (event_id varchar, received_at timestamp with time zone)")
    models += [_model(name, "marts", {}, ()) for name in ("consent_status", "consent_events")]
    for tag in TAGS:
        connection.execute(f"create table segments.seg_{tag.lower()} (customer_id varchar)")
        entry = {"destination": "mailchimp", "audience": "Customers", "tag": tag, "purpose": "news"}
        models.append(_model(f"seg_{tag.lower()}", "segments", {"reverse_sync": [entry]}, ("customer_id",)))
    (folder / "manifest.json").write_text(json.dumps({"nodes": {model["name"]: model for model in models}}))
    state.migrate(connection)
    return connection


def _model(name, schema, meta, columns):
    place = {"resource_type": "model", "name": name, "schema": schema, "database": "warehouse"}
    return {**place, "config": {"meta": meta}, "columns": {column: {} for column in columns}}


def apply(journal: Journal, plan: sync.Plan, esp: Esp, *, dies_at: int | None, after_taken: bool) -> None:
    """The applier's order of writing down and sending, with a death in between where one is ordered."""
    journal.tidy(plan.wanted, plan.is_complete)
    for number, call in enumerate(plan.calls["mailchimp"]):
        call_id = journal.sending(call, NOW)
        if number == dies_at and not after_taken:
            return
        outcomes = esp.take(call)
        if number == dies_at:
            return
        journal.settled(call_id, call, outcomes, NOW)


people = st.sets(st.integers(0, PEOPLE - 1))
few = st.sets(st.integers(0, PEOPLE - 1), max_size=3)
# a day changes much at once, and ends in a sync that dies at a call (before or after it was taken) or does not
day = st.fixed_dictionaries(
    {
        "members": st.fixed_dictionaries({}, optional=dict.fromkeys(TAGS, people)),
        "denied": st.none() | few,
        "renamed": few,
        "moved": few,
        "dies_at": st.none() | st.integers(0, 3),
        "after_taken": st.booleans(),
    }
)


@settings(
    max_examples=8,
    # shrinking a walk that touches a database takes minutes; the failing walk itself is short enough to read
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(days=st.lists(day, min_size=2, max_size=4))
def test_every_walk_ends_in_step_at_the_least_calls(tmp_path, monkeypatch, days):
    monkeypatch.setattr(wire, "BATCH_ROWS", BATCH)
    monkeypatch.setattr(wire, "LEAVE_ROWS", BATCH)
    connection, company, esp, clean = build(tmp_path), Company(), Esp(), True
    context = sync.Context(
        Settings(tmp_path, tmp_path, {"mailchimp": CONNECTION}), FixedClock(NOW), connection, tmp_path / "manifest.json"
    )
    for number, today in enumerate([*days, {**days[-1], "renamed": set(), "moved": set(), "dies_at": None}]):
        company.members |= {tag: set(members) for tag, members in today["members"].items()}
        company.denied = company.denied if today["denied"] is None else set(today["denied"])
        company.names |= dict.fromkeys(today["renamed"], number)
        company.addresses |= dict.fromkeys(today["moved"], number)
        company.fill(connection)
        plan, wanted = sync.plan(context, approval=MEANT), company.wanted()
        if clean:
            assert plan.calls_by()["mailchimp"] == bound(wanted, company, esp)
        apply(Journal(connection, str(number)), plan, esp, dies_at=today["dies_at"], after_taken=today["after_taken"])
        clean = today["dies_at"] is None or today["dies_at"] >= len(plan.calls["mailchimp"])
        if clean:
            assert {tag: esp.tags[tag] for tag in TAGS} == wanted
            assert delivered(connection) == wanted
            assert sync.plan(context, approval=MEANT).is_empty
    connection.close()


def bound(wanted: dict[str, set[str]], company: Company, esp: Esp) -> dict[str, int]:
    """The least calls, from the truth and from what the ESP has, which after a clean sync is what was delivered."""
    names = {
        company.key(p): json.dumps({"FNAME": f"Name {company.names.get(p, 0)}"}, separators=(",", ":")) for p in range(PEOPLE)
    }
    changed = {key for tag, keys in wanted.items() for key in keys if key not in esp.tags[tag] or esp.fields[key] != names[key]}
    leaves = sum(ceil(len(esp.tags[tag] - keys) / BATCH) for tag, keys in wanted.items())
    return {"write": ceil(len(changed) / BATCH), "join": 0, "leave": leaves}


def delivered(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {tag: set() for tag in TAGS}
    rows = connection.execute("select document_key, cast(memberships as varchar) from reverse_sync.delivered").fetchall()
    for key, memberships in rows:
        for tag in json.loads(memberships):
            found[tag].add(key)
    return found
