"""Tables of one's own, switched on as the docs say: they join customers, orders, web events and the ledger."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from tests.python.models.conftest import NOW, PROJECT

MARTS = ("customers", "orders", "order_lines", "web_events", "consent_events")
LINKED = ("seeds", "macros", "tests", "profiles.yml")
COLUMN = "      - {name: loyalty_tier, description: 'Tier of the loyalty card.', data_type: varchar}\n"
AT = "2026-05-01 10:00:00+00"
CONTACT = {"origin": "people", "created_at": AT, "updated_at": AT}
ORDER = {"origin": "sales", "currency": "eur", "ordered_at": AT, "updated_at": AT}


def switched_on(folder: Path) -> Path:
    """A copy of the project with both ways on and one enrichment column on `customers`."""
    for name in LINKED:
        (folder / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "models", folder / "models")
    said = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    for was, becomes in {
        "    database: false\n    files: false\n": "    database: true\n    files: true\n",
        "customer_enrichment: {}": "customer_enrichment: {loyalty_tier: text}",
    }.items():
        assert was in said
        said = said.replace(was, becomes)
    (folder / "dbt_project.yml").write_text(said, encoding="utf-8")
    customers = folder / "models" / "marts" / "customers.yml"
    listed = customers.read_text(encoding="utf-8")
    customers.write_text(
        listed.replace("      - {name: count_records,", COLUMN + "      - {name: count_records,"), encoding="utf-8"
    )
    return folder


def land(raw: Any) -> None:
    def put(table: str, connection: str, *rows: Mapping[str, Any]) -> None:
        raw.land(table, [{"connection_id": connection, **row} for row in rows])

    ann, bob = {"email": "ann@mail.example"}, {"email": "bob@mail.example"}
    put(
        "raw_database.contacts",
        "crm",
        {**CONTACT, "id": "people:1", "first_name": "Ann", **ann},
        {**CONTACT, "id": "people:2", **bob},
    )
    put("raw_database.contacts", "second", {**CONTACT, "id": "people:1", "email": "cy@mail.example"})
    put("raw_database.contacts", "crm", {**CONTACT, "id": "people:3", "email": "gone@mail.example"})
    put("raw_database.removed", "crm", {"resource": "contacts", "parent_id": "people", "id": "people:3", "noticed_at": AT})
    put(
        "raw_database.orders",
        "crm",
        {**ORDER, "id": "sales:1", "contact_id": "people:1", "gross_amount": 20, "discount_amount": 5},
    )
    put("raw_database.orders", "second", {**ORDER, "id": "sales:1", "contact_id": "people:1", "gross_amount": 7})
    put("raw_database.orders", "crm", {**ORDER, "id": "sales:2", "contact_id": "people:2", "gross_amount": 9})
    put("raw_database.removed", "crm", {"resource": "orders", "parent_id": "sales", "id": "sales:2", "noticed_at": AT})
    put("raw_files.orders", "stores", {**ORDER, "id": "till:1", "email": "guest@mail.example", "gross_amount": 3})
    line = {"origin": "lines", "id": "lines:1", "order_id": "sales:1", "product_id": "7", "quantity": 2, "unit_price": 10}
    put("raw_database.order_lines", "crm", line)
    seen = {"origin": "seen", "type": "page", "name": "Home", "occurred_at": AT}
    put("raw_files.events", "stores", {**seen, "id": "seen:1", "visitor_id": "v", "unnamed_id": "v"})
    put("raw_database.events", "crm", {**seen, "id": "seen:1", "contact_id": "people:1"})
    said = {"origin": "said", "purpose": "marketing_email", "occurred_at": AT}
    put("raw_database.consent_acts", "crm", {**said, "id": "said:1", "contact_id": "people:1", "act": "withdraw"})
    put("raw_database.consent_acts", "crm", {**said, "id": "said:2", **bob, "act": "grant", "evidence": "form"})
    tier = {"origin": "cards", "name": "loyalty_tier", "updated_at": AT}
    put("raw_files.enrichment", "stores", {**tier, "id": "cards:1", **ann, "value": "gold"}, {**tier, "id": "cards:2", **bob})
    raw.normalise()


@pytest.fixture(scope="module")
def built(raw_factory: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    raw = raw_factory("own-tables")
    project = switched_on(tmp_path_factory.mktemp("project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILHOUSE_WORKDIR", str(raw.workdir))
        patch.setenv("DBT_LOG_PATH", str(raw.workdir / "logs"))
        common = [
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(project),
            "--quiet",
            "--vars",
            json.dumps({"clock_now": NOW}),
        ]
        runner = dbtRunner()
        assert runner.invoke(["parse", *common]).success
        land(raw)
        chosen = ["--resource-type", "seed", "--resource-type", "model", "--select", *(f"+{mart}" for mart in MARTS)]
        done = runner.invoke(["build", *common, *chosen])
        assert done.success, "\n".join(
            f"{one.node.name}: {one.message}" for one in done.result if str(one.status) not in ("success", "pass")
        )
    return raw


def test_two_connections_with_the_same_ids_are_two_people(built: Any) -> None:
    found = built.rows("select email, count_orders, gross_spend, net_spend from marts.customers order by email")
    assert [(email, orders, int(gross), int(net)) for email, orders, gross, net in found] == [
        ("ann@mail.example", 1, 20, 15), ("bob@mail.example", 0, 0, 0), ("cy@mail.example", 1, 7, 7),
        ("guest@mail.example", 1, 3, 3),
    ]  # fmt: skip


def test_what_the_table_no_longer_has_is_gone(built: Any) -> None:
    assert built.rows("select order_id, is_deleted, is_counted from marts.orders order by order_id") == [
        ("crm-sales:1", False, True), ("crm-sales:2", True, False), ("second-sales:1", False, True),
        ("stores-till:1", False, True),
    ]  # fmt: skip
    assert built.rows("select count(*) from marts.order_lines where order_id = 'crm-sales:1'") == [(1,)]
    assert built.rows("select is_deleted from intermediate.int_people_united where record_key = 'crm/own_contact/people:3'") == [
        (True,)
    ]


def test_events_are_somebodys_and_acts_are_heard(built: Any) -> None:
    owned = (
        "select events.connection_id, customers.email from marts.web_events as events"
        " left join marts.customers using (customer_id) order by all"
    )
    assert built.rows(owned) == [("crm", "ann@mail.example"), ("stores", None)]
    # a purchase is an act as well: the address was given, and in some places that implies something
    said = "from marts.consent_events where source in ('database', 'files') and act {} ('collect', 'imply')"
    assert {mailbox for (mailbox,) in built.rows(f"select mailbox {said.format('in')}")} >= {
        "ann@mail.example",
        "guest@mail.example",
    }
    acts = built.rows(f"select mailbox, act, proof {said.format('not in')} order by mailbox")
    assert acts == [("ann@mail.example", "withdraw", None), ("bob@mail.example", "state", "none")]


def test_an_enrichment_reaches_customers_where_the_configuration_says_so(built: Any) -> None:
    found = built.rows("select email, loyalty_tier from marts.customers where loyalty_tier is not null")
    assert found == [("ann@mail.example", "gold")]
