"""Staging leaves out who was erased, also when the rows came in another way than through a landing of ours."""

from datetime import UTC, datetime

import pytest

from mailhouse.privacy import replay
from mailhouse.privacy.tombstones import EMAIL, RECORD, Tombstones
from mailhouse.settings import load_settings
from tests.python.models.conftest import PROJECT, Raw

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
ERASED, OTHER = "Ann@Example.org", "bob@example.org"
# raw table -> key column and address column of a row, where it has them; staging model -> its key column
ROWS = {
    "raw_hubspot.contacts": {"id": "1", "email": ERASED, "hs_additional_emails": "old@example.org", "hs_merged_object_ids": "4"},
    "raw_hubspot.subscription_statuses": {
        "contact_id": "1",
        "subscriber": ERASED,
        "subscription_id": "1",
        "status": "UNSUBSCRIBED",
    },
    "raw_hubspot.email_events": {"id": "h", "type": "OPEN", "recipient": ERASED},
    "raw_shopify.customers": {"id": "5", "email": ERASED},
    "raw_shopify.orders": {"id": "6", "customer_id": "5", "email": ERASED, "name": "#6", "total_amount": 10, "currency": "EUR"},
    "raw_mailchimp.members": {"list_id": "l", "id": "m", "email_address": ERASED},
    "raw_mailchimp.sent_to": {"campaign_id": "c", "email_id": "m", "email_address": ERASED},
    "raw_mailchimp.email_activity": {"campaign_id": "c", "email_id": "m", "action": "open", "url": ""},
    "raw_mailchimp.unsubscribes": {"campaign_id": "c", "email_id": "m", "email_address": ERASED},
    "raw_mailchimp.abuse_reports": {"id": "3", "list_id": "l", "email_id": "m", "email_address": ERASED},
    "raw_klaviyo.profiles": {
        "id": "p",
        "email": ERASED,
        "suppressions": '[{"reason": "X", "timestamp": "2026-01-01T00:00:00Z"}]',
    },
    "raw_klaviyo.list_members": {"list_id": "l", "id": "p"},
    "raw_klaviyo.events": {"id": "e", "profile_id": "p", "recipient": ERASED},
    "raw_klaviyo.removed": {"resource": "profiles", "parent_id": "", "id": "p"},
    "raw_sendgrid.contacts": {"id": "s", "email": ERASED},
    "raw_sendgrid.list_contacts": {"list_id": "l", "id": "s"},
    "raw_sendgrid.suppressions": {"id": "u", "suppression_list": "unsubscribes", "email": ERASED},
    "raw_sendgrid.removed": {"resource": "contacts", "parent_id": "", "id": "s"},
    "raw_mailchimp.member_interests": {"list_id": "l", "id": "m", "interest_id": "i", "is_chosen": True},
    "raw_salesforce.contacts": {"id": "003", "email": ERASED},
    "raw_salesforce.leads": {"id": "00Q", "email": ERASED},
    "raw_salesforce.campaign_members": {"id": "00v", "contact_id": "003"},
    "raw_salesforce.tasks": {"id": "00T", "who_id": "00Q"},
    "raw_salesforce.cases": {"id": "500", "contact_id": "003"},
    "raw_segment.events": {"message_id": "v", "type": "page", "user_id": "u", "email": ERASED, "timestamp": NOW},
    "raw_inbox.consent_acts": {"event_id": "a", "address": ERASED},
}
INBOX = {"inbox_id": "i", "seq": 1, "act": "withdraw", "channel": "*", "purpose": "*", "brand": "*", "source": "s"}
INBOX |= {"reason": "r", "recorded_by": "w", "received_at": NOW}
MODELS = {
    "hubspot": ("contacts", "additional_emails", "merged_contacts", "subscription_statuses", "email_events"),
    "shopify": ("customers",),
    "mailchimp": ("members", "deliveries", "email_activities", "unsubscribes", "complaints", "member_interests"),
    "klaviyo": ("profiles", "suppressions", "list_members", "events", "removed_profiles"),
    "sendgrid": ("contacts", "suppressions", "list_contacts", "removed_contacts"),
    "salesforce": ("contacts", "leads", "campaign_members", "tasks", "cases"),
    "segment": ("events",),
    "inbox": ("consent_acts",),
}


def others(row: dict) -> dict:
    """The same of somebody else."""
    ids = ("id", "email_id", "profile_id", "customer_id", "contact_id", "who_id", "event_id", "message_id", "user_id")
    changed = {name: f"x{value}" for name, value in row.items() if name in ids}
    changed |= {name: OTHER for name, value in row.items() if value == ERASED}
    return row | changed


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    """Both have rows in every raw table, one of them is erased, and nothing was taken out."""
    made = Raw(tmp_path_factory.mktemp("staged"))
    for table, row in ROWS.items():
        rows = [row, others(row)]
        if table.startswith("raw_inbox"):
            rows = [INBOX | row, INBOX | others(row) | {"seq": 2}]
            columns, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
            with made.connect() as db:
                for given in rows:
                    db.execute(f"insert into {table} (connection_id, {columns}) values ('inbox', {marks})", list(given.values()))
        else:
            made.land(table, rows)
    settings = load_settings(made.workdir, project=PROJECT)
    records = ["mailchimp/member/m", "klaviyo/profile/p", "sendgrid/contact/s", "salesforce/contact/003", "salesforce/lead/00Q"]
    Tombstones(settings).write([(EMAIL, ERASED.lower()), *((RECORD, name) for name in records)], "e", "erased-abc", NOW)
    made.normalise()
    with made.connect() as db:
        assert replay.mark(db, settings) > 0
    made.build("--select", "path:models/staging", "--exclude-resource-type", "test")
    return made


@pytest.mark.parametrize(("source", "model"), [(source, model) for source, models in MODELS.items() for model in models])
def test_only_the_other_person_is_staged(staged, source, model):
    assert staged.rows(f"select count(*) from staging.stg_{source}__{model}") == [(1,)]


def test_an_order_is_staged_without_the_person(staged):
    found = staged.rows(
        "select shop_customer_id, order_name, email, mailbox from staging.stg_shopify__orders order by charged_amount, 1"
    )
    assert found == [("erased-abc", None, None, None), ("x5", "#6", OTHER, OTHER)]
