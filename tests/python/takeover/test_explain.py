"""One person explained: who they are, where they are, why or why not, and what was delivered when."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pytest

from mailhouse import controls
from mailhouse.errors import ConfigurationError
from mailhouse.explain import explain, tables
from mailhouse.sandbox.store import Row
from mailhouse.takeover import adopt
from tests.python.sync.conftest import LIST, NOW, customer
from tests.python.takeover.conftest import address, key


class Said:
    """Consent as the hand-made warehouse has it, and what was heard since then."""

    def __init__(self, warehouse, heard: Mapping[str, str]) -> None:
        self.warehouse, self.heard = warehouse, heard

    def decide(self, mailboxes, now) -> pa.Table:
        query = "select * exclude (decided_at), null as jurisdiction from marts.consent_status where mailbox = ?"
        (mailbox,) = mailboxes
        rows = self.warehouse.execute(query, [mailbox]).to_arrow_table().to_pylist()
        later = {"decision": "deny", "reason": self.heard.get(mailbox), "event_id": "heard"}
        return pa.Table.from_pylist([row | later if mailbox in self.heard else row for row in rows])

    def acts(self, mailbox) -> pa.Table:
        return pa.Table.from_pylist([{"event_id": "e1", "act": "grant", "mailbox": mailbox, "source": "shopify"}])


def asking(project):
    """Makes the project explain somebody; what was `heard` since the build is address -> reason of a refusal."""

    def ask(text: str, *, heard: Mapping[str, str] | None = None, held_back: Mapping[str, str] | None = None):
        @contextmanager
        def consent(settings, warehouse, manifest) -> Iterator[Said]:
            yield Said(warehouse, heard or {})

        return explain(project.context, text, held_back or {}, consent)

    project.warehouse.execute("create table marts.customers (customer_id varchar, count_orders bigint, last_order_date date)")
    project.warehouse.execute(
        "insert into marts.customers select 'c00000' || n, n, date '2026-01-01' from range(10) as numbers(n)"
    )
    return ask


@pytest.fixture
def ask(project):
    return asking(project)


@pytest.fixture(scope="module")
def ask_synced(shared):
    shared.people(range(6))
    shared.segment("vip", range(4))
    shared.sync()
    return asking(shared)


@pytest.fixture
def looked_at(shared, ask_synced):
    """A project of six people that was synced once; what a test does to the warehouse is undone after it."""
    shared.warehouse.execute("begin transaction")
    yield shared
    shared.warehouse.execute("rollback")


def test_why_somebody_is_written_to_and_what_was_delivered_when(project, ask):
    project.people(range(6))
    project.segment("vip", range(4))
    project.segment("news", range(3, 6))
    project.sync()
    project.rename(2, "New")
    project.later(hours=1)
    run = project.sync().run_id
    found = ask("  Person2@Example.TEST ")
    assert [(row["customer_id"], row["records"], row["count_orders"]) for row in found.customers] == [
        (customer(2), ["shopify customer"], 2)
    ]
    assert {row["segment"]: row["is_in"] for row in found.segments} == {"seg_vip": True, "seg_news": False}
    assert [(row["audience"], row["is_allowed"], row["reason"], row["is_delivered"]) for row in found.audiences] == [
        ("mailchimp: Customers / NEWS", False, "not_in_segment", False),
        ("mailchimp: Customers / VIP", True, None, True),
    ]
    latest, first = found.deliveries
    assert (latest["run_id"], latest["joined"], latest["fields"]) == (run, [], ["FNAME"])
    assert (first["joined"], first["left"]) == (["mailchimp: Customers / VIP"], [])
    assert first["fields"] == ["COUNTRY", "FNAME", "LASTORDER", "ORDERS"]
    assert {(row["decision"], row["valid_to"]) for row in found.decisions} == {("allowed", None)}
    assert [row["decision"] for row in found.consent] == ["allow"]


def test_why_somebody_is_not_written_to(looked_at, ask_synced):
    looked_at.decide(1, "deny", "crm_opt_out")
    looked_at.warehouse.execute("delete from marts.consent_status where mailbox = ?", [address(2)])
    for number, reason in ((1, "crm_opt_out"), (2, "no_consent_record"), (3, None), (5, "not_in_segment")):
        (row,) = ask_synced(address(number)).audiences
        assert (row["is_allowed"], row["reason"]) == (reason is None, reason)


def test_what_was_heard_since_the_models_were_built_is_stronger(looked_at, ask_synced):
    (row,) = ask_synced(address(1), heard={address(1): "unsubscribed"}).audiences
    shown = (row["is_allowed"], row["reason"], row["ledger_event_id"], row["is_delivered"])
    assert shown == (False, "unsubscribed", "heard", True)


def test_what_holds_a_segment_back_is_said(looked_at, ask_synced):
    closed = {"seg_vip": "source shopify did not land"}
    assert ask_synced(address(1), held_back=closed).audiences[0]["held_back"].startswith("source")
    controls.pause(looked_at.settings, "seg_vip", "wrong offer", NOW)
    assert "wrong offer" in ask_synced(address(1)).audiences[0]["held_back"]
    controls.resume(looked_at.settings, "seg_vip", NOW)


def test_what_the_esp_refused_and_what_was_adopted_is_told(project, ask):
    project.people(range(3))
    project.segment("vip", range(3))
    project.put(range(2), "VIP")
    adopt.record(project.context, adopt.look(project.context, "seg_vip"))
    project.esp.store.put_many("mailchimp.forgotten", [Row(key(2), {"id": key(2)}, NOW, parent=LIST)])
    project.sync()
    (refused,) = ask(address(2)).refused
    assert (refused["audience"], refused["code"], refused["attempts"]) == ("mailchimp: Customers", "forgotten", 1)
    (delivery,) = ask(address(1)).deliveries
    assert (delivery["kind"], delivery["joined"]) == ("adopt", ["mailchimp: Customers / VIP"])


def test_people_who_share_a_mailbox_are_all_told(looked_at, ask_synced):
    looked_at.warehouse.execute("insert into marts.customer_records values ('c000009', 'hubspot', 'hubspot', 'contact')")
    looked_at.warehouse.execute("insert into intermediate.int_customer_mailboxes_collected values ('c000009', ?)", [address(1)])
    found = ask_synced(address(1))
    assert [row["customer_id"] for row in found.customers] == [customer(1), "c000009"]
    reasons = [(row["customer_id"], row["reason"]) for row in found.audiences]
    assert reasons == [(customer(1), None), ("c000009", "not_in_segment")]


def test_nobody_else_is_in_the_answer_and_it_can_be_shown(looked_at, ask_synced):
    found = ask_synced(address(1))
    document = json.loads(found.as_json())
    assert document["mailbox"] == address(1)
    assert found.as_json().count("@") == 1
    shown = {table.title: table for table in tables(found)}
    assert "Refused by the ESP" not in shown
    assert shown["Audiences: written to, or the first reason why not"].rows[0][:2] == ["mailchimp: Customers / VIP", "seg_vip"]
    assert all(isinstance(cell, str) for table in shown.values() for row in table.rows for cell in row)


def test_somebody_nobody_knows_and_something_that_is_no_address(looked_at, ask_synced):
    stranger = ask_synced("nobody@example.test")
    assert (stranger.customers, stranger.audiences, stranger.deliveries) == ([], [], [])
    with pytest.raises(ConfigurationError, match="no e-mail address"):
        ask_synced("nobody")
