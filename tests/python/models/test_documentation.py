"""What people read is described: every column of every mart, profile and segment, and what is personal is marked."""

import json
from collections.abc import Callable
from typing import Any

import pytest

PERSONAL = ("email", "mailbox", "address", "first_name", "last_name", "phone", "city", "zip", "record_key", "record_id")
MARTS = {
    "customers", "customers_history", "customer_records", "customer_id_history", "orders", "order_lines", "products",
    "email_events", "consent_events", "consent_status", "customer_rfm", "customer_purchase_summary", "sync_health",
    "withdrawals_owed", "web_events", "sessions", "carts",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(raw_factory: Callable[[str], Any]) -> dict[str, Any]:
    raw = raw_factory("manifest")
    return json.loads((raw.workdir / "target" / "manifest.json").read_text(encoding="utf-8"))


def models(manifest: dict[str, Any], *layers: str) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["fqn"][1] in layers]


def test_every_mart_promises_and_describes_its_columns(manifest: dict[str, Any]) -> None:
    marts = models(manifest, "marts")
    assert {mart["name"] for mart in marts} == MARTS
    for mart in marts:
        assert mart["config"]["contract"]["enforced"], mart["name"]
        for column in mart["columns"].values():
            assert column["description"].strip() and column["data_type"], (mart["name"], column["name"])


def test_every_model_and_source_table_says_what_a_row_is(manifest: dict[str, Any]) -> None:
    every = [node for node in manifest["nodes"].values() if node["resource_type"] in {"model", "seed"}]
    assert [node["name"] for node in every if not node["description"].startswith("One row")] == []
    for table in manifest["sources"].values():
        assert table["description"].startswith("One row"), table["name"]
        assert all(column["description"] for column in table["columns"].values()), table["name"]


def test_personal_columns_are_marked(manifest: dict[str, Any]) -> None:
    unmarked = {
        (model["name"], name)
        for model in models(manifest, "marts", "profiles")
        for name, column in model["columns"].items()
        if name in PERSONAL and not (column.get("config") or {}).get("meta", {}).get("pii")
    }
    assert unmarked == set()


def test_every_model_of_the_road_has_a_tested_key(manifest: dict[str, Any]) -> None:
    keyed = set()
    for test in manifest["nodes"].values():
        if test["resource_type"] == "test" and (test.get("test_metadata") or {}).get("name") in {"unique", "unique_together"}:
            keyed.add(test["attached_node"])
    people_read = {model["unique_id"] for model in models(manifest, "marts", "profiles", "segments")}
    assert people_read - keyed == set()


def test_every_source_names_its_vendor(manifest: dict[str, Any]) -> None:
    """Whoever depends on a source that failed is found by following the lineage from here."""
    found = {table["source_name"]: (table["config"].get("meta") or {}).get("vendor") for table in manifest["sources"].values()}
    assert found == {
        "hubspot": "hubspot",
        "shopify": "shopify",
        "mailchimp": "mailchimp",
        "klaviyo": "klaviyo",
        "sendgrid": "sendgrid",
        "salesforce": "salesforce",
        "segment": "segment",
        "contact_points": None,
        "privacy": None,
        "inbox": None,
        "reverse_sync": None,
    }
