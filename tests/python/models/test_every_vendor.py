"""Each vendor's records in `customers`: two accounts with the same ids, somebody deleted, two who were merged."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.python.models.shop_people import member_id

SEEN = {"created_at": "2026-02-01 09:00:00+00", "updated_at": "2026-03-01 09:00:00+00"}
IN_KLAVIYO = {"created": SEEN["created_at"], "updated": SEEN["updated_at"]}
IN_SALESFORCE = {"created_date": SEEN["created_at"], "system_modstamp": SEEN["updated_at"]}
ON_A_LIST = {"list_id": "L1", "status": "subscribed", "last_changed": SEEN["updated_at"], "timestamp_opt": SEEN["created_at"]}

# how a vendor's raw table holds somebody of this id and address
RECORDS: dict[str, tuple[str, Callable[[str, str], dict[str, Any]]]] = {
    "hubspot": ("contacts", lambda key, email: {**SEEN, "id": key, "email": email, "archived": False}),
    "shopify": ("customers", lambda key, email: {**SEEN, "id": key, "email": email}),
    "mailchimp": ("members", lambda key, email: {**ON_A_LIST, "id": member_id(email), "contact_id": key, "email_address": email}),
    "klaviyo": ("profiles", lambda key, email: {**IN_KLAVIYO, "id": key, "email": email}),
    "sendgrid": ("contacts", lambda key, email: {**SEEN, "id": key, "email": email}),
    "salesforce": ("contacts", lambda key, email: {**IN_SALESFORCE, "id": key, "email": email, "is_deleted": False}),
    "segment": (
        "events",
        lambda key, email: {
            "message_id": f"m{key}", "type": "identify", "user_id": key, "email": email, "timestamp": SEEN["updated_at"],
        },
    ),
}  # fmt: skip
# what is landed when the vendor has deleted the record: the record once more, or that it was missed
FLAGGED = {"hubspot": {"archived": True}, "salesforce": {"is_deleted": True}}
MISSED = {"shopify": "customers", "mailchimp": "members", "klaviyo": "profiles", "sendgrid": "contacts"}
# what is landed of a record that went into the one with the id `kept`; the others merge nobody, or tell of none
MERGED: dict[str, Callable[[str, str, str], Iterator[tuple[str, dict[str, Any]]]]] = {
    "hubspot": lambda kept, gone, email: iter(
        [("contacts", {**SEEN, "id": kept, "email": email, "archived": False, "hs_merged_object_ids": gone})]
    ),
    "salesforce": lambda kept, gone, email: iter(
        [("contacts", {**IN_SALESFORCE, "id": gone, "email": f"was.{email}", "is_deleted": True, "master_record_id": kept})]
    ),
    "segment": lambda kept, gone, _: iter(
        [
            (
                "events",
                {
                    "message_id": f"alias-{gone}", "type": "alias", "user_id": kept, "previous_id": gone,
                    "timestamp": SEEN["updated_at"],
                },
            )
        ]
    ),
}  # fmt: skip


def address(vendor: str, connection: str, who: str) -> str:
    return f"{who}.{connection}@{vendor}.example"


@pytest.fixture(scope="module")
def built(raw_factory: Callable[[str], Any]) -> Any:
    """In each of two accounts of each vendor somebody who stays, somebody deleted, and two who were merged."""
    raw = raw_factory("every-vendor")

    def land(table: str, connection: str, *rows: Mapping[str, Any]) -> None:
        raw.land(table, [{"connection_id": connection, **row} for row in rows])

    for vendor, (table, record) in RECORDS.items():
        for connection in (vendor, f"{vendor}-2"):
            place = f"raw_{vendor}"
            if vendor == "mailchimp":
                land(f"{place}.lists", connection, {"id": "L1", "name": "List", "date_created": SEEN["created_at"]})
            people = {who: record(key, address(vendor, connection, who)) for key, who in (("1", "ann"), ("2", "bob"))}
            land(f"{place}.{table}", connection, *people.values())
            if vendor in FLAGGED:
                later = {name: "2026-03-02 09:00:00+00" for name in ("updated_at", "system_modstamp") if name in people["bob"]}
                land(f"{place}.{table}", connection, {**people["bob"], **FLAGGED[vendor], **later})
            elif vendor in MISSED:
                parent = "L1" if vendor == "mailchimp" else ""
                missed = {
                    "resource": MISSED[vendor],
                    "parent_id": parent,
                    "id": people["bob"]["id"],
                    "noticed_at": SEEN["updated_at"],
                }
                land(f"{place}.removed", connection, missed)
            if vendor in MERGED:
                land(f"{place}.{table}", connection, record("3", address(vendor, connection, "cleo")))
                land(f"{place}.{table}", connection, record("4", f"was.{address(vendor, connection, 'cleo')}"))
                for into, row in MERGED[vendor]("3", "4", address(vendor, connection, "cleo")):
                    land(f"{place}.{into}", connection, {**row, **_later(row)})
    raw.normalise()
    raw.build("--resource-type", "model", "--resource-type", "seed", "--select", "+customers", "+customer_records")
    return raw


def _later(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "2026-03-02 09:00:00+00" for name in ("updated_at", "system_modstamp", "timestamp") if name in row}


def customers(built: Any, vendor: str, who: str) -> list[tuple[Any, ...]]:
    """The connections of each customer of this name, one line a customer."""
    return built.rows(f"""
        select list(distinct records.connection_id order by records.connection_id)
        from marts.customers
        inner join marts.customer_records as records using (customer_id)
        where customers.email like '{who}.%@{vendor}.example'
        group by customer_id
        order by 1
    """)


@pytest.mark.parametrize("vendor", RECORDS)
def test_the_same_ids_in_two_accounts_are_two_people(built: Any, vendor: str) -> None:
    assert customers(built, vendor, "ann") == [([vendor],), ([f"{vendor}-2"],)]


@pytest.mark.parametrize("vendor", [*FLAGGED, *MISSED])
def test_whom_the_vendor_deleted_is_gone(built: Any, vendor: str) -> None:
    assert customers(built, vendor, "bob") == []
    flagged = built.rows(
        f"select count(*), bool_and(is_deleted) from marts.customer_records where source = '{vendor}' and is_deleted"
    )
    assert flagged[0][0] >= 2


@pytest.mark.parametrize("vendor", MERGED)
def test_whom_the_vendor_merged_is_one_customer(built: Any, vendor: str) -> None:
    assert customers(built, vendor, "cleo") == [([vendor],), ([f"{vendor}-2"],)]
    assert customers(built, vendor, "was.cleo") == []
    counted = built.rows(f"select count_records from marts.customers where email like 'cleo.%@{vendor}.example'")
    assert all(count >= 2 for (count,) in counted)
