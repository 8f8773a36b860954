"""Running on gives the same tables as starting over, late and changed rows included."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.python.models import shop_people
from tests.python.models.shop_people import DAY_ONE

EVERYTHING = ("--resource-type", "seed", "--resource-type", "model")
# a view holds nothing that a run could leave behind
TABLES = ("--resource-type", "model", "--select", "config.materialized:table", "config.materialized:incremental")
LAYERS = ("intermediate", "marts", "profiles", "segments")


def contents(raw: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every table of the layers people read, rows sorted."""
    listed = (
        "select table_schema || '.' || table_name from information_schema.tables"
        f" where table_schema in {LAYERS} and table_type = 'BASE TABLE' order by all"
    )
    with raw.connect() as db:
        return {table: sorted(db.execute(f"from {table}").fetchall(), key=repr) for (table,) in db.execute(listed).fetchall()}


def a_day_passes(raw: Any) -> None:
    """Old events arrive late, a row changes, people merge and part, an order is refunded, a member and a profile leave."""
    members = list(shop_people.members())
    later = DAY_ONE + timedelta(days=80)
    click = {"campaign_id": "k0", "email_id": members[1]["id"], "action": "click", "url": "u"}
    raw.land("raw_mailchimp.email_activity", [{**click, "occurred_at": DAY_ONE + timedelta(days=60)}])
    raw.land("raw_mailchimp.campaigns", [{"id": "k4", "list_id": "L1", "status": "sent", "send_time": later}])
    raw.land("raw_mailchimp.members", [{**members[3], "status": "unsubscribed", "contact_id": "c0", "last_changed": later}])
    raw.land("raw_hubspot.contacts", [{**next(shop_people.contacts()), "updated_at": later, "hs_merged_object_ids": "2;4"}])
    raw.land("raw_shopify.refunds", [{"id": "2", "order_id": "90", "created_at": later, "amount": "1.00", "currency": "EUR"}])
    profile = {**next(shop_people.profiles()), "updated": later, "email": "another@mail.example", "consent": "UNSUBSCRIBED"}
    raw.land("raw_klaviyo.profiles", [profile])
    late = {"id": "late", "metric_id": "opened", "profile_id": profile["id"], "occurred_at": DAY_ONE + timedelta(days=61)}
    raw.land("raw_klaviyo.events", [late])
    # somebody signs in where they looked around weeks ago, somebody else is found to have used another's browser
    sign_in = {"type": "identify", "timestamp": later, "email": shop_people.person(4)["email"]}
    at_two = [
        {"message_id": f"late-{browser}", "user_id": "account-4", "anonymous_id": browser}
        for browser in ("browser-0", "browser-2")
    ]
    raw.land("raw_segment.events", [{**sign_in, **one} for one in at_two])
    early = {"message_id": "early", "type": "page", "timestamp": DAY_ONE + timedelta(days=50), "page_path": "/"}
    raw.land("raw_segment.events", [{**early, "anonymous_id": "browser-5", "unnamed_id": "browser-5"}])
    raw.normalise()


def test_an_incremental_run_equals_a_full_refresh(raw: Any) -> None:
    shop_people.fill(raw)
    raw.build(*EVERYTHING)
    before = contents(raw)
    assert all(
        before[f"marts.{mart}"]
        for mart in ("email_events", "orders", "consent_status", "customer_rfm", "web_events", "sessions", "carts")
    )
    shop_people.fill(raw)
    raw.build(*TABLES)
    repeated = contents(raw)
    # a load that comes twice changes nothing but the number of the load
    numbered = ("marts.email_events", "marts.web_events")
    assert [table for table in before if table not in numbered and before[table] != repeated[table]] == []
    assert [len(before[table]) for table in numbered] == [len(repeated[table]) for table in numbered]
    a_day_passes(raw)
    raw.build(*TABLES)
    running_on = contents(raw)
    changed = {table for table in running_on if running_on[table] != before[table]}
    assert {"marts.email_events", "marts.orders", "marts.consent_status", "marts.customer_records", "marts.web_events"} <= changed
    raw.build(*TABLES, "--full-refresh")
    starting_over = contents(raw)
    assert running_on.keys() == starting_over.keys()
    assert [table for table in running_on if running_on[table] != starting_over[table]] == []
