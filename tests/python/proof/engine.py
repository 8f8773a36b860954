"""The shipped engine between the truth and the modelled ESPs: builds, syncs, receipts, and processes that die."""

import dataclasses
import functools
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from mailhouse import destinations, sync
from mailhouse.clock import Clock, FixedClock
from mailhouse.consent import ConsentAct, Inbox
from mailhouse.destinations import Rules
from mailhouse.destinations.hubspot import batching as hubspot_batching
from mailhouse.destinations.hubspot import wire as hubspot_wire
from mailhouse.destinations.klaviyo import batching
from mailhouse.destinations.klaviyo import wire as klaviyo_wire
from mailhouse.destinations.klaviyo.arranging import Room
from mailhouse.destinations.mailchimp import wire as mailchimp_wire
from mailhouse.destinations.sendgrid import batching as sendgrid_batching
from mailhouse.destinations.sendgrid import wire as sendgrid_wire
from mailhouse.settings import Connection, Settings
from mailhouse.sync import state
from mailhouse.sync.context import ConsentLook, Ear
from mailhouse.warehouse import Warehouse, in_memory
from tests.python.proof import hubspot_esp
from tests.python.proof.bounds import Sizes
from tests.python.proof.company import CONTAINERS, SEGMENTS, Company
from tests.python.proof.effects import Document
from tests.python.proof.esp import LIMITS, Esp
from tests.python.proof.expected import Delivered
from tests.python.proof.faults import Faults, calm
from tests.python.proof.klaviyo_esp import JOB_ROWS, MEMBER_ROWS, KlaviyoAccount, KlaviyoEsp
from tests.python.proof.life import Killed, Life, MortalConnection
from tests.python.proof.mailchimp_esp import MailchimpAccount
from tests.python.proof.models import Models
from tests.python.proof.sendgrid_esp import LEAVE_ROWS, SendGridAccount, SendGridEsp
from tests.python.proof.sendgrid_esp import ROWS as UPSERT_ROWS

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
MEANT = sync.Approval("the test means it", "a test")
DESTINATIONS = ("mailchimp", "klaviyo", "sendgrid", "hubspot")
SIZES = Sizes(
    mailchimp_batch=120,
    mailchimp_leave=50,
    klaviyo_job=JOB_ROWS,
    klaviyo_members=MEMBER_ROWS,
    sendgrid_upsert=UPSERT_ROWS,
    sendgrid_leave=LEAVE_ROWS,
    hubspot_batch=hubspot_esp.BATCH_ROWS,
    hubspot_members=hubspot_esp.MEMBER_ROWS,
)


@dataclass(frozen=True)
class MortalContext(sync.Context):
    """A context whose crash points are those of one modelled process."""

    life: Life = field(default_factory=Life)

    def crash_points(self) -> Any:
        return self.life


@dataclass
class Engine:
    """Everything outside of the truth. The process's memory is new with every `process`; the rest survives it."""

    folder: Path
    consent: Mapping[str, Any]
    company: Company
    on_file: bool = False
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    connections: Mapping[str, Connection] | None = None

    def __post_init__(self) -> None:
        modelled_ones = {name: Connection(name, name, "http://127.0.0.1:9") for name in DESTINATIONS}
        connections = self.connections or modelled_ones
        self.settings = Settings(self.folder, self.folder, connections)
        for segment in SEGMENTS:
            path = self.folder / "models" / "segments" / f"{segment}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("select 1", encoding="utf-8")
        self.esps: dict[str, Esp] = {
            "mailchimp": Esp("mailchimp", self.clock, mailchimp_wire.keeps, CONTAINERS["mailchimp"]),
            "klaviyo": KlaviyoEsp("klaviyo", self.clock, klaviyo_wire.keeps, CONTAINERS["klaviyo"]),
            "sendgrid": SendGridEsp("sendgrid", self.clock, sendgrid_wire.keeps, CONTAINERS["sendgrid"]),
            "hubspot": Esp("hubspot", self.clock, hubspot_wire.keeps, CONTAINERS["hubspot"]),
        }
        self.models = Models(self.settings, self.consent)
        self.inbox = Inbox(self.settings.inbox_path)
        self._opened = Warehouse(self.settings).write() if self.on_file else in_memory(["warehouse"])
        self._connection = self._opened.__enter__()
        self.connection = self._fresh()
        self.models.create(self.connection)
        state.migrate(self.connection)

    def close(self) -> None:
        self.connection.close()
        self._opened.__exit__(None, None, None)

    # -- the process ----------------------------------------------------------------------------------------------------
    def _fresh(self) -> duckdb.DuckDBPyConnection:
        """A connection with nothing of an earlier one's memory: no temporary table, no transaction."""
        connection = self._connection.cursor()
        connection.execute("use warehouse; set TimeZone = 'UTC'")
        return connection

    @contextmanager
    def process(self, life: Life | None = None, faults: Faults | None = None) -> Iterator[MortalContext]:
        """One process that has the warehouse; raises Killed when its life ends early. All its memory is gone afterwards."""
        life = life or Life()
        for esp in self.esps.values():
            esp.taken.clear()
            esp.calls.clear()
            esp.life, esp.faults = life, faults or calm(Random(0))
        context = MortalContext(
            self.settings, self.clock, MortalConnection(self.connection, life), self.models.manifest, life=life
        )
        try:
            yield context
        finally:
            # closing a connection ends its transaction as the death of its process does
            self.connection.close()
            self.connection = self._fresh()
            for esp in self.esps.values():
                esp.life, esp.faults = Life(), None

    def run(
        self,
        life: Life | None = None,
        faults: Faults | None = None,
        approval: sync.Approval | None = MEANT,
        *,
        recovers: bool = True,
        held_back: Mapping[str, str] | None = None,
        look: Callable[[sync.Context], ConsentLook] | None = None,
        sealed: Path | None = None,
        ear: Callable[[sync.Context], Ear] | None = None,
    ) -> sync.SyncResult | None:
        """As the chain does it: settle what an earlier run left, plan, apply; None when the process was killed.

        sealed: the plan that this run is held to. Raises SyncRefused when it does not fit any more.
        """
        try:
            with self.process(life, faults) as context:
                context = dataclasses.replace(context, last_look=look or context.last_look, ear=ear)
                if recovers:
                    sync.recover(context)
                plan = sync.plan(context, held_back=held_back, approval=approval)
                if sealed is not None:
                    document = sync.document.read(sealed)
                    sync.document.approved(document, approval)
                    sync.document.hold_to(document, plan)
                return sync.sync(context, plan)
        except Killed:
            return None

    def seal(self) -> tuple[Path, Mapping[str, Any]]:
        """Plan, and write the plan down; gives back where, and what was written."""
        path = self.folder / "plan.json"
        with self.process() as context:
            return path, sync.document.write(context, sync.plan(context, approval=MEANT), path)

    def recover(self) -> sync.Recovered:
        with self.process() as context:
            return sync.recover(context)

    def planned(self, approval: sync.Approval | None = MEANT) -> sync.Plan:
        with self.process() as context:
            return sync.plan(context, approval=approval)

    def receipts(self, result: sync.SyncResult, *, with_fields: bool = False) -> list[sync.Receipt]:
        with self.process() as context:
            return sync.receipt(context, result.plan, result.run_id, with_fields=with_fields)

    # -- the world around it --------------------------------------------------------------------------------------------
    def build(self) -> None:
        """Land what the ESPs say of their records, and build the models of the truth as it is now."""
        statuses: dict[Document, tuple[str, str]] = {}
        for name, esp in self.esps.items():
            for kept in esp.records[esp.containers_known[0]].values():
                status = "subscribed" if kept.status in ("never_subscribed", "not_suppressed") else kept.status
                statuses[name, "", kept.address.lower()] = (status, kept.vendor_id)
        self.statuses = {(name, mailbox): status for (name, _, mailbox), (status, _) in statuses.items()}
        self.models.build(self.connection, self.company, statuses, self.clock.now())

    def record(self, acts: list[ConsentAct]) -> None:
        """Acts that reach the inbox, whatever else is going on."""
        self.inbox.record(acts, self.clock)

    def pass_time(self, distance: timedelta) -> None:
        self.clock.sleep(distance.total_seconds())

    # -- what the engine believes ---------------------------------------------------------------------------------------
    def delivered(self) -> dict[Document, Delivered]:
        rows = self.connection.execute(
            "select destination, container, document_key, address, mailbox, cast(fields as varchar),"
            " cast(memberships as varchar) from reverse_sync.delivered"
        ).fetchall()
        lists = {memberships: frozenset(json.loads(memberships)) for memberships in {row[6] for row in rows}}
        return {
            (destination, container, key): Delivered(address, mailbox, fields, lists[memberships])
            for destination, container, key, address, mailbox, fields, memberships in rows
        }

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, list(values)).fetchall()


@contextmanager
def quick_values() -> Iterator[None]:
    """DuckDB looks for pandas with every single value that it is given; where there is none, that is half of a walk's time."""
    absent = [name for name in ("pandas", "numpy") if name not in sys.modules and importlib.util.find_spec(name) is None]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def in_small_calls(sizes: Sizes) -> Iterator[None]:
    """Let the vendors' rules make calls of few rows; their formulas stay the shipped ones."""
    rows = (mailchimp_wire.BATCH_ROWS, mailchimp_wire.LEAVE_ROWS)
    mailchimp_wire.BATCH_ROWS, mailchimp_wire.LEAVE_ROWS = sizes.mailchimp_batch, sizes.mailchimp_leave
    room = Room(job_rows=sizes.klaviyo_job, member_rows=sizes.klaviyo_members)
    few = sendgrid_batching.Room(rows=sizes.sendgrid_upsert, leave_rows=sizes.sendgrid_leave)
    calls = {
        "klaviyo": functools.partial(batching.calls, room=room),
        "sendgrid": functools.partial(sendgrid_batching.calls, room=few),
        "hubspot": functools.partial(hubspot_batching.calls, rows=sizes.hubspot_batch, member_rows=sizes.hubspot_members),
    }
    shipped = {name: destinations._RULES[name] for name in calls}
    destinations._RULES.update({name: dataclasses.replace(rules, calls=calls[name]) for name, rules in shipped.items()})
    try:
        yield
    finally:
        destinations._RULES.update(shipped)
        mailchimp_wire.BATCH_ROWS, mailchimp_wire.LEAVE_ROWS = rows


@contextmanager
def modelled(esps: Callable[[], Mapping[str, Esp]]) -> Iterator[None]:
    """Let the vendors' rules speak to the modelled ESPs."""
    accounts = {
        "mailchimp": MailchimpAccount,
        "klaviyo": KlaviyoAccount,
        "sendgrid": SendGridAccount,
        "hubspot": hubspot_esp.HubSpotAccount,
    }
    with in_small_calls(SIZES):
        shipped = dict(destinations._RULES)
        for vendor, account in accounts.items():
            destinations._RULES[vendor] = _with(shipped[vendor], account, esps)
        try:
            yield
        finally:
            destinations._RULES.update(shipped)


def _with(rules: Rules, account: Any, esps: Callable[[], Mapping[str, Esp]]) -> Rules:
    @asynccontextmanager
    async def connect(connection: Connection, clock: Clock) -> AsyncIterator[Any]:
        yield account(esps()[connection.id])

    return dataclasses.replace(rules, connect=connect, limits=LIMITS)
