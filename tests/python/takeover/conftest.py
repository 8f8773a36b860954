"""A Mailchimp account that somebody else filled for years, badly, and a project that is about to take it over."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.sandbox.store import Row
from mailhouse.settings import Connection
from tests.python.sync.both import Both
from tests.python.sync.conftest import LIST, NOW, Esp, customer, model

OLD_LIST = "list2"
NAMES = {LIST: "Customers", OLD_LIST: "Old newsletter"}
MODELS = {
    "customer_records": "marts",
    "customers": "marts",
    "int_customer_mailboxes_collected": "intermediate",
    "int_engagement_summed": "intermediate",
}
PROJECT = "vars:\n  unengaged_days: 180\n  unengaged_deliveries: 4\n"


def address(number: int) -> str:
    return f"person{number}@example.test"


def key(number: int) -> str:
    return key_of(address(number))


class Project(Both):
    """The small world of the sync, with the models that say who is known and who reacts."""

    price: Mapping[str, str] | None = None
    purposes: Mapping[str, str] = {}
    before: Mapping[str, Any]
    run: str

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.folder / "dbt_project.yml").write_text(PROJECT)
        self.warehouse.execute("create schema if not exists intermediate")
        for column in ("act", "reason"):
            self.warehouse.execute(f"alter table marts.consent_events add column if not exists {column} varchar")
        self.warehouse.execute("create schema if not exists seeds")
        self.warehouse.execute("create table if not exists seeds.consent_block_reasons (reason varchar, reaches varchar)")
        self.warehouse.execute(
            "insert into seeds.consent_block_reasons values ('complaint', 'person'), ('hard_bounce', 'mailbox')"
        )
        self.warehouse.execute(
            "create table if not exists marts.customer_records"
            " (customer_id varchar, connection_id varchar, source varchar, record_type varchar)"
        )
        self.warehouse.execute(
            "create table if not exists intermediate.int_customer_mailboxes_collected (customer_id varchar, mailbox varchar)"
        )
        self.warehouse.execute(
            "create table if not exists intermediate.int_engagement_summed"
            " (customer_id varchar, count_recent_sent bigint, count_recent_reactions bigint)"
        )

    def people(self, numbers: range, **decision: str) -> None:
        super().people(numbers, **decision)
        self.known(numbers, "shopify")

    def refused(self, numbers: range, reason: str, act: str = "withdraw") -> None:
        """Customers who may not be written to, and the ledger's entries that say so."""
        self.people(numbers, decision="deny", reason=reason)
        events = [f"e{number}" for number in numbers]
        self.warehouse.execute(
            "insert into marts.consent_events (event_id, received_at, act, reason) select unnest(?::varchar[]), ?, ?, ?",
            [events, self.clock.now(), act, reason],
        )

    def known(self, numbers: range, connection: str) -> None:
        """Customers with a record at a connection."""
        ids, addresses = [customer(number) for number in numbers], [address(number) for number in numbers]
        self.warehouse.execute(
            "insert into marts.customer_records select unnest(?::varchar[]), ?, ?, 'customer'", [ids, connection, connection]
        )
        self.warehouse.execute(
            "insert into intermediate.int_customer_mailboxes_collected select unnest(?::varchar[]), unnest(?::varchar[])",
            [ids, addresses],
        )

    def consent(self, numbers: range, purpose: str) -> None:
        """Consent of these people to one more purpose."""
        self.warehouse.execute(
            "insert into marts.consent_status"
            " select unnest(?::varchar[]), 'email', ?, 'default', 'allow', 'explicit_grant', '', ?",
            [[address(number) for number in numbers], purpose, self.clock.now()],
        )

    def engagement(self, numbers: range, sent: int, reactions: int) -> None:
        ids = [customer(number) for number in numbers]
        self.warehouse.execute(
            "insert into intermediate.int_engagement_summed select unnest(?::varchar[]), ?, ?", [ids, sent, reactions]
        )

    def segment(self, name: str, people: list[str] | range, *, klaviyo: bool = False, **meta: Any) -> None:
        super().segment(name, people, klaviyo=klaviyo, **meta)
        folder = self.folder / "models" / "segments"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seg_{name}.sql").write_text("select 1")

    def models(self) -> list[dict[str, Any]]:
        found = super().models()
        for one in found:
            if one["name"] == "mailchimp_profiles":
                for column, purpose in self.purposes.items():
                    one["columns"][column]["config"]["meta"]["purpose"] = purpose
        seed = model("consent_block_reasons", "seeds", {}, ["reason"]) | {"resource_type": "seed"}
        return [*found, seed, *(model(name, schema, {}, ["customer_id"]) for name, schema in MODELS.items())]

    @property
    def connection(self) -> Connection:
        made = super().connection
        if self.price is not None:
            made.settings["price_per_contact"] = self.price
        return made

    # -- the account ----------------------------------------------------------------------------------------------------
    def fields_of(self, number: int) -> dict[str, Any]:
        """What we would write of a person, as the account keeps it."""
        row = self.warehouse.execute(
            "select first_name, country, orders, last_order_date::varchar from profiles.mailchimp_profiles where customer_id = ?",
            [customer(number)],
        ).fetchone()
        return dict(zip(("FNAME", "COUNTRY", "ORDERS", "LASTORDER"), row or ("", "", "", ""), strict=True))

    def put(
        self, numbers: range, *tags: str, status: str = "subscribed", list_id: str = LIST, fields: Mapping[str, Any] | None = None
    ) -> set[str]:
        """Members of a list as somebody else put them there, by hand; their keys."""
        rows = [
            Row(
                key(number),
                {
                    "id": key(number),
                    "email_address": address(number),
                    "status": status,
                    "merge_fields": self.fields_of(number) | dict(fields or {}),
                },
                NOW,
                parent=list_id,
                email=address(number),
            )
            for number in numbers
        ]
        self.esp.store.put_many("mailchimp.member", rows)
        for tag in tags:
            self.esp.store.tag_add(list_id, self._tag(list_id, tag), [row.id for row in rows])
        return {row.id for row in rows}

    def _tag(self, list_id: str, name: str) -> str:
        there = self.esp.store.page("mailchimp.segment", parent=list_id, limit=1000)
        for row in there:
            if row.body["name"] == name:
                return row.id
        number = str(100 + len(there))
        body = {"id": int(number), "name": name, "type": "static"}
        self.esp.store.put_many("mailchimp.segment", [Row(number, body, NOW, parent=list_id)])
        return number

    def automation(self, title: str, status: str = "sending", **trigger: Any) -> None:
        """An automation of the list."""
        number = str(self.esp.store.count("mailchimp.automation") + 1)
        starts = {"workflow_type": "tagAdded" if "tags" in trigger else "welcomeSeries", **trigger}
        body = {"status": status, "recipients": {"list_id": LIST}, "settings": {"title": title}, "trigger_settings": starts}
        self.esp.store.put_many("mailchimp.automation", [Row(number, body, NOW)])

    def account(self) -> dict[str, Any]:
        """Everything the account holds that a sync could change: each member, and each tag with its members."""
        members = {
            (list_id, row.id): (row.body["status"], row.body["merge_fields"])
            for list_id in NAMES
            for row in self.esp.store.page("mailchimp.member", parent=list_id, limit=10_000)
        }
        tags = {
            (list_id, row.body["name"]): set(self.esp.store.tag_members(list_id, row.id))
            for list_id in NAMES
            for row in self.esp.store.page("mailchimp.segment", parent=list_id, limit=1000)
        }
        return {"members": members, "tags": tags}


@contextmanager
def opened(folder: Path) -> Iterator[Project]:
    """An empty account on the loopback, and a project beside it."""
    server = Esp(folder / "sandbox")
    body = {"id": OLD_LIST, "name": NAMES[OLD_LIST], "double_optin": False}
    server.store.put_many("mailchimp.list", [Row(OLD_LIST, body, NOW)])
    project = Project(folder / "work", server)
    try:
        yield project
    finally:
        project.close()
        server.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project for the tests of a file that only look at it."""
    with opened(tmp_path_factory.mktemp("shared")) as made:
        yield made
