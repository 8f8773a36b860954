"""A warehouse with raw tables as ingestion lands them, made by hand: the models are tested before any vendor is asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mailhouse.contact_points import normalise
from tests.python.models import shop_people

PROJECT = Path(__file__).resolve().parents[3]
DBT = Path(sys.executable).with_name("dbt")
NOW = "2026-07-01 06:00:00"
TIME = "timestamp with time zone"

TABLES: Mapping[str, Mapping[str, str]] = {
    "raw_hubspot.contacts": {
        "id": "varchar", "created_at": TIME, "updated_at": TIME, "archived": "boolean", "archived_at": TIME,
        "email": "varchar", "firstname": "varchar", "lastname": "varchar", "phone": "varchar", "mobilephone": "varchar",
        "company": "varchar", "city": "varchar", "zip": "varchar", "country": "varchar", "hs_language": "varchar",
        "lifecyclestage": "varchar", "hs_email_optout": "boolean", "hs_additional_emails": "varchar",
        "hs_merged_object_ids": "varchar", "loyalty_tier": "varchar", "newsletter_consent_at": TIME,
        "newsletter_consent_source": "varchar",
    },
    "raw_shopify.customers": {
        "id": "varchar", "first_name": "varchar", "last_name": "varchar", "email": "varchar", "phone": "varchar",
        "state": "varchar", "locale": "varchar", "tags": "varchar", "created_at": TIME, "updated_at": TIME,
        "address_line": "varchar", "city": "varchar", "zip": "varchar", "country_code": "varchar",
        "email_marketing_state": "varchar", "email_marketing_opt_in_level": "varchar",
        "email_marketing_consent_updated_at": TIME, "favourite_category": "varchar",
    },
    "raw_shopify.orders": {
        "id": "varchar", "name": "varchar", "customer_id": "varchar", "email": "varchar", "created_at": TIME,
        "processed_at": TIME, "updated_at": TIME, "cancelled_at": TIME, "financial_status": "varchar",
        "currency": "varchar", "total_amount": "decimal(18, 4)", "total_refunded_amount": "decimal(18, 4)",
        "country_code": "varchar", "source_name": "varchar", "test": "boolean",
    },
    "raw_shopify.order_lines": {
        "id": "varchar", "order_id": "varchar", "position": "bigint", "product_id": "varchar", "variant_id": "varchar",
        "sku": "varchar", "title": "varchar", "quantity": "bigint", "unit_price": "decimal(18, 4)",
        "discount_amount": "decimal(18, 4)", "currency": "varchar",
    },
    "raw_shopify.refunds": {
        "id": "varchar", "order_id": "varchar", "created_at": TIME, "amount": "decimal(18, 4)", "currency": "varchar",
        "lines": "varchar",
    },
    "raw_shopify.products": {
        "id": "varchar", "title": "varchar", "product_type": "varchar", "vendor": "varchar", "status": "varchar",
        "created_at": TIME, "updated_at": TIME, "variants": "varchar",
    },
    "raw_shopify.removed": {"resource": "varchar", "parent_id": "varchar", "id": "varchar", "noticed_at": TIME},
    "raw_mailchimp.lists": {
        "id": "varchar", "name": "varchar", "date_created": TIME, "double_optin": "boolean", "member_count": "bigint",
        "unsubscribe_count": "bigint", "cleaned_count": "bigint",
    },
    "raw_mailchimp.members": {
        "list_id": "varchar", "id": "varchar", "contact_id": "varchar", "email_address": "varchar", "status": "varchar",
        "unsubscribe_reason": "varchar", "full_name": "varchar", "merge_fields": "varchar", "tags": "varchar",
        "timestamp_signup": TIME, "timestamp_opt": TIME, "ip_signup": "varchar", "ip_opt": "varchar",
        "last_changed": TIME, "language": "varchar", "vip": "boolean", "source": "varchar", "country_code": "varchar",
    },
    "raw_mailchimp.campaigns": {
        "id": "varchar", "list_id": "varchar", "type": "varchar", "status": "varchar", "create_time": TIME,
        "send_time": TIME, "title": "varchar", "subject_line": "varchar", "emails_sent": "bigint",
    },
    "raw_mailchimp.sent_to": {
        "campaign_id": "varchar", "email_id": "varchar", "email_address": "varchar", "list_id": "varchar",
        "status": "varchar", "open_count": "bigint",
    },
    "raw_mailchimp.email_activity": {
        "campaign_id": "varchar", "email_id": "varchar", "action": "varchar", "occurred_at": TIME, "url": "varchar",
        "type": "varchar",
    },
    "raw_mailchimp.unsubscribes": {
        "campaign_id": "varchar", "email_id": "varchar", "list_id": "varchar", "email_address": "varchar",
        "reason": "varchar", "occurred_at": TIME,
    },
    "raw_mailchimp.abuse_reports": {
        "list_id": "varchar", "id": "varchar", "campaign_id": "varchar", "email_id": "varchar",
        "email_address": "varchar", "reported_at": TIME,
    },
    "raw_mailchimp.removed": {"resource": "varchar", "parent_id": "varchar", "id": "varchar", "noticed_at": TIME},
}  # fmt: skip
EXTRA = {"connection_id": "varchar", "_dlt_load_id": "varchar"}


class Raw:
    """A work directory with a warehouse of raw tables, and dbt to build on them."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.path = workdir / "warehouse.duckdb"
        self.load = 1_700_000_000
        with self.connect() as db:
            for table, columns in TABLES.items():
                db.execute(f"create schema if not exists {table.split('.')[0]}")
                listed = ", ".join(f'"{name}" {kind}' for name, kind in {**columns, **EXTRA}.items())
                db.execute(f"create table {table} ({listed})")

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def land(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows as one load would, without merging: repeats are what staging must cope with."""
        columns = {**TABLES[table], **EXTRA}
        connection_id = table.split(".")[0].removeprefix("raw_")
        self.load += 1
        ours = {"connection_id": connection_id, "_dlt_load_id": f"{self.load}.5"}
        values = [[{**ours, **row}.get(name) for name in columns] for row in rows]
        with self.connect() as db:
            db.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", values)

    def normalise(self) -> None:
        """As the run does it between landing and build."""
        manifest = json.loads((self.workdir / "target" / "manifest.json").read_text(encoding="utf-8"))
        with self.connect() as db:
            normalise(db, manifest)

    def dbt(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Plain dbt, no wrapper; fails with what dbt said."""
        # the same variables every time: dbt parses everything anew when they change
        command = [str(DBT), *arguments, "--no-use-colors", "--vars", json.dumps({"clock_now": NOW, **variables})]
        environment = {**os.environ, "MAILHOUSE_WORKDIR": str(self.workdir), "DBT_LOG_PATH": str(self.workdir / "logs")}
        environment.pop("MAILHOUSE_DATABASE", None)
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            pytest.fail(f"dbt {' '.join(arguments)}\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as db:
            return db.execute(query).fetchall()


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    """An empty warehouse: every raw table there, no row in any."""
    made = Raw(tmp_path)
    made.dbt("parse")
    return made


@pytest.fixture(scope="session")
def raw_factory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Raw]:
    """Empty warehouses for fixtures that live longer than a test."""

    def make(name: str) -> Raw:
        made = Raw(tmp_path_factory.mktemp(name))
        made.dbt("parse")
        return made

    return make


@pytest.fixture(scope="session")
def published(raw_factory: Callable[[str], Raw]) -> Raw:
    """A built warehouse with its published copy and manifest, as a run leaves them; ask for it in one xdist group."""
    made = raw_factory("published")
    shop_people.fill(made)
    made.dbt("build", "--exclude-resource-type", "unit_test")
    shutil.copyfile(made.path, made.workdir / "published.duckdb")
    (made.workdir / "published_target").mkdir()
    shutil.copyfile(made.workdir / "target" / "manifest.json", made.workdir / "published_target" / "manifest.json")
    return made
