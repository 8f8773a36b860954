"""All vendors on the loopback, a warehouse whose few relations are made by hand, and people who are in all of it."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mailhouse import sync, withdrawals
from mailhouse.consent.acts import ConsentAct
from mailhouse.consent.inbox import Inbox
from mailhouse.sandbox.klaviyo_profiles import PROFILE, new_profile
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.sendgrid_people import CONTACT, contact_row
from mailhouse.sandbox.sendgrid_suppressions import GLOBAL, SUPPRESSION, entry_row, is_suppressed
from mailhouse.sandbox.store import Row, stamp
from mailhouse.settings import Connection, Settings
from mailhouse.warehouse import Warehouse
from mailhouse.withdrawals.base import Withdrawal
from tests.python.destinations.conftest import SharedClock
from tests.python.serving import Serving

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
BEFORE = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
VENDORS = ("hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce")
LIST, OTHER_LIST = "list1", "list2"
SECRETS = {
    "hubspot": ("token",),
    "shopify": ("client_id", "client_secret"),
    "mailchimp": ("api_key",),
    "klaviyo": ("api_key",),
    "sendgrid": ("api_key",),
    "salesforce": ("client_id", "client_secret"),
}
KINDS = {
    "hubspot": ("hubspot.contact",),
    "shopify": ("shopify.customer",),
    "mailchimp": ("mailchimp.member",),
    "klaviyo": (PROFILE,),
    "sendgrid": (CONTACT,),
    "salesforce": ("salesforce.Contact", "salesforce.Lead"),
}
WHERE_PEOPLE_ARE = """
create table intermediate.int_refusals_standing (
    mailbox varchar, purpose varchar, brand varchar, event_id varchar, act varchar, reason varchar, refused_at timestamp
);
create table intermediate.int_addresses_held (
    connection_id varchar, source varchar, container varchar, container_name varchar, record_id varchar, address varchar,
    mailbox varchar, is_mailable boolean, agreed_at timestamp, updated_at timestamp
)
"""
RELATIONS = f"""
create schema marts;
create schema intermediate;
create table marts.consent_status (mailbox varchar, decision varchar, decided_at timestamp);
create table marts.consent_events (event_id varchar);
create table intermediate.int_customer_mailboxes_collected (customer_id varchar, mailbox varchar);
{WHERE_PEOPLE_ARE}
"""


def mart(name: str) -> str:
    """The SQL of a mart as it stands in the project, on the relations made by hand."""
    text = (ROOT / "models" / "marts" / f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"warehouse.intermediate.\1", re.sub(r"\{\{ config.*?\}\}", "", text))


class Vendors:
    """The sandbox with all its vendors, looked at from behind."""

    def __init__(self, directory: Path) -> None:
        runtime = Runtime(directory)
        runtime.store.set_now(NOW)
        runtime.close()
        self.runtime = Runtime(directory)
        self.store = self.runtime.store
        self._serving = Serving(self.runtime)
        self.url = self._serving.url

    def close(self) -> None:
        self._serving.close()

    def empty(self) -> SharedClock:
        """Accounts of which nothing is known but two lists, at the first moment; gives back the clock of it."""
        self.runtime.limits.use("generous")
        self.runtime.settle()
        self.runtime.faults.replace([])
        with self.store.transaction() as state:
            for table in ("object", "list_member", "tag_member"):
                state.execute(f"delete from {table}")
        self.store.set_now(NOW)
        for list_id, name in ((LIST, "Customers"), (OTHER_LIST, "Events")):
            self.store.put("mailchimp.list", Row(list_id, {"id": list_id, "name": name, "double_optin": False}, NOW))
        self.forget()
        return SharedClock(NOW, self.runtime)

    def forget(self) -> None:
        """Forget the calls and effects so far."""
        self.runtime.calls.clear()
        self.runtime.effects.clear()

    def connections(self) -> dict[str, Connection]:
        made = {}
        for vendor in VENDORS:
            secrets = {name: self.runtime.secrets[vendor][name] for name in SECRETS[vendor]}
            names = {name: f"TEST_{vendor}_{name}".upper() for name in secrets}
            settings = {"limits": {"timeout": 10.0}}
            made[vendor] = Connection(vendor, vendor, f"{self.url}/{vendor}", settings, names, secrets)
        return made

    # -- people ---------------------------------------------------------------------------------------------------------
    def put(self, vendor: str, number: int, address: str, *, mailable: bool = True, list_id: str = LIST) -> None:
        """Somebody's record at a vendor, as it has been for a while."""
        at = stamp(BEFORE)
        if vendor == "hubspot":
            properties = {"email": address, "hs_email_optout": None if mailable else "true"}
            body = {"id": str(number), "createdAt": at, "updatedAt": at, "archived": False, "properties": properties}
            self.store.put("hubspot.contact", Row(str(number), body, at, email=address.lower()))
        elif vendor == "shopify":
            consent = {"marketingState": "SUBSCRIBED" if mailable else "UNSUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
            body = {"id": str(number), "email": address, "createdAt": at, "updatedAt": at, "state": "ENABLED"}
            body["emailMarketingConsent"] = {**consent, "consentUpdatedAt": at}
            self.store.put("shopify.customer", Row(str(number), body, at, email=address.lower()))
        elif vendor == "mailchimp":
            from mailhouse.sandbox.mailchimp_words import hash_of

            body = {"id": hash_of(address), "email_address": address, "merge_fields": {}, "last_changed": at}
            body["status"] = "subscribed" if mailable else "unsubscribed"
            self.store.put("mailchimp.member", Row(body["id"], body, at, parent=list_id, email=address.lower()))
        elif vendor == "sendgrid":
            self.store.put(CONTACT, contact_row(f"contact-{number}", address, at))
            if not mailable:
                self.store.put(SUPPRESSION, entry_row(GLOBAL, address, at))
        elif vendor == "salesforce":
            # every other one is a lead still
            kind = OBJECTS["Contact" if number % 2 else "Lead"]
            body = {"LastName": "Person", "Email": address, "HasOptedOutOfEmail": not mailable}
            self.store.put(kind.kind, record_row(kind, identifier(kind.prefix, number), body, at, at))
        else:
            marketing = {"consent": "SUBSCRIBED" if mailable else "UNSUBSCRIBED", "consent_timestamp": at, "last_updated": at}
            self.store.put(PROFILE, new_profile(address, at, marketing=marketing))

    def mailable(self, vendor: str, address: str) -> bool | None:
        """Whether the vendor would mail the address; None when it does not know it."""
        if vendor == "klaviyo":
            self.runtime.settle()
        rows = [row for kind in KINDS[vendor] for row in self.store.by_email(kind, address.lower()) if not row.deleted]
        if not rows:
            return None
        if vendor == "sendgrid":
            return not is_suppressed(self.store, address)
        return any(is_mailable(vendor, row.body) for row in rows)

    def writes(self) -> dict[str, int]:
        """Write calls by vendor since the last look; the counter is then zero again."""
        found: dict[str, int] = {}
        for call in self.runtime.calls.as_json()["calls"]:
            if call["writes"]:
                found[call["vendor"]] = found.get(call["vendor"], 0) + call["calls"]
        self.runtime.calls.clear()
        return found


def is_mailable(vendor: str, body: dict[str, Any]) -> bool:
    if vendor == "hubspot":
        return body["properties"].get("hs_email_optout") != "true"
    if vendor == "shopify":
        return body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED"
    if vendor == "mailchimp":
        return body["status"] in ("subscribed", "pending")
    if vendor == "salesforce":
        return not body["HasOptedOutOfEmail"]
    return not body["marketing"]["suppression"] and body["marketing"]["consent"] != "UNSUBSCRIBED"


class House:
    """A work directory: connections to all vendors, a warehouse as a build left it, an inbox."""

    def __init__(self, folder: Path, vendors: Vendors) -> None:
        self.vendors, self.clock = vendors, vendors.empty()
        self.settings = Settings(folder, folder, vendors.connections())
        self.inbox = Inbox(self.settings.inbox_path)
        self._opened = Warehouse(self.settings).write()
        self.warehouse = self._opened.__enter__()
        self.warehouse.execute(RELATIONS)
        self.warehouse.execute(f"create view marts.withdrawals_owed as {mart('withdrawals_owed')}")
        self.people: dict[str, int] = {}

    def close(self) -> None:
        self._opened.__exit__(None, None, None)

    # -- people, and what lands of them ---------------------------------------------------------------------------------
    def person(self, name: str, vendors: Sequence[str] = VENDORS, refused_in: Sequence[str] = ()) -> str:
        """Somebody in these systems, who has refused in some of them; gives back the address."""
        number = self.people.setdefault(name, len(self.people) + 1)
        address = f"{name}@example.org"
        for vendor in vendors:
            self.vendors.put(vendor, number, address, mailable=vendor not in refused_in)
        self.warehouse.execute("insert into intermediate.int_customer_mailboxes_collected values (?, ?)", [name, address])
        return address

    def land(self) -> None:
        """Everything as the vendors have it now."""
        land_addresses(self.warehouse, self.vendors)

    # -- what the ledger says -------------------------------------------------------------------------------------------
    def refuse(self, name: str, event_id: str = "w", at: datetime = BEFORE, purpose: str = "marketing_email") -> None:
        """The ledger, as it was built last, has a refusal of theirs."""
        address = f"{name}@example.org"
        refused_at = at.replace(tzinfo=None)
        self.warehouse.execute(
            "insert into intermediate.int_refusals_standing values (?, ?, 'default', ?, 'withdraw', 'unsubscribed', ?)",
            [address, purpose, event_id, refused_at],
        )
        self.decide(address, "deny")

    def agree(self, name: str) -> None:
        """The ledger has a newer act of theirs, and nothing stands any more."""
        address = f"{name}@example.org"
        self.warehouse.execute("delete from intermediate.int_refusals_standing where mailbox = ?", [address])
        self.decide(address, "allow")

    def decide(self, address: str, decision: str) -> None:
        self.warehouse.execute("delete from marts.consent_status where mailbox = ?", [address])
        now = self.clock.now().replace(tzinfo=None)
        self.warehouse.execute("insert into marts.consent_status values (?, ?, ?)", [address, decision, now])

    def record(self, act: str, name: str, **more: Any) -> str:
        """Into the inbox; gives back the act's id."""
        given = {"source": "a test", "occurred_at": self.clock.now(), **more}
        (received,) = self.inbox.record([ConsentAct(act, f"{name}@example.org", **given)], self.clock)
        return received.act.event_id

    # -- telling --------------------------------------------------------------------------------------------------------
    @property
    def context(self) -> sync.Context:
        return sync.Context(self.settings, self.clock, self.warehouse, self.settings.manifest)

    def tell(self, **more: Any) -> withdrawals.WithdrawalResult:
        return withdrawals.tell(self.context, lambda _: None, **more)

    def journal(self, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of the journal in the order of system and address."""
        listed = ", ".join(columns or ("connection_id", "status", "code"))
        return self.warehouse.execute(
            f"select {listed} from reverse_sync.withdrawals order by connection_id, container, address, event_id"
        ).fetchall()

    def mailable(self, name: str) -> dict[str, bool | None]:
        return {vendor: self.vendors.mailable(vendor, f"{name}@example.org") for vendor in VENDORS}


def land_addresses(warehouse: duckdb.DuckDBPyConnection, vendors: Vendors) -> None:
    """Put into `int_addresses_held` whom each vendor has now."""
    vendors.runtime.settle()
    store, rows = vendors.store, []
    for row in store.page("hubspot.contact", limit=10_000):
        rows.append(held("hubspot", "", "", row.id, row.body["properties"]["email"], row))
    for row in store.page("shopify.customer", limit=10_000):
        rows.append(held("shopify", "", "", row.id, row.body["email"], row))
    for kept in store.page("mailchimp.list", limit=100):
        for row in store.page("mailchimp.member", parent=kept.id, limit=10_000):
            named = (kept.id, kept.body["name"], f"{kept.id}:{row.id}")
            rows.append(held("mailchimp", *named, row.body["email_address"], row))
    for row in store.page(PROFILE, limit=10_000):
        rows.append(held("klaviyo", "", "", row.id, row.body["email"], row))
    for row in store.page(CONTACT, limit=10_000):
        rows.append(held("sendgrid", "", "", row.id, row.email, row, not is_suppressed(store, row.email)))
    for kind in KINDS["salesforce"]:
        rows += [held("salesforce", "", "", row.id, row.body["Email"], row) for row in store.page(kind, limit=10_000)]
    warehouse.execute("delete from intermediate.int_addresses_held")
    if rows:
        warehouse.executemany("insert into intermediate.int_addresses_held values (?, ?, ?, ?, ?, ?, lower(?), ?, ?, ?)", rows)


def held(
    source: str, container: str, name: str, record_id: str, address: str, row: Row, mailable: bool | None = None
) -> list[Any]:
    updated = datetime.fromisoformat(str(row.updated_at)).replace(tzinfo=None)
    consent = row.body.get("emailMarketingConsent") or {}
    agreed = consent.get("consentUpdatedAt") if source == "shopify" and consent.get("marketingState") == "SUBSCRIBED" else None
    agreed_at = datetime.fromisoformat(agreed).replace(tzinfo=None) if agreed else None
    mailable = is_mailable(source, row.body) if mailable is None else mailable
    return [source, source, container, name, record_id, address, address, mailable, agreed_at, updated]


def owed(vendor: str, number: int, address: str, **more: Any) -> Withdrawal:
    """What a system would be owed of a person who was put there as `number`."""
    place = {"mailchimp": {"container": LIST}, "shopify": {"record_id": str(number)}}.get(vendor, {})
    given = {"refused_at": BEFORE, **place, **more}
    return Withdrawal(vendor, address.lower(), address, f"w{number}", **given)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    made = Vendors(tmp_path_factory.mktemp("withdrawals") / "sandbox")
    yield made
    made.close()


@pytest.fixture
def vendors(served: Vendors) -> Vendors:
    served.empty()
    return served


@pytest.fixture
def house(tmp_path: Path, served: Vendors) -> Iterator[House]:
    made = House(tmp_path / "work", served)
    yield made
    made.close()
