"""Real purchases from a file: exact to the last decimal, nothing added, each customer one person for good."""

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import identity_rules
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Seeded, make, orders_file
from test_advance import advance, copied

from mailhouse.errors import OrdersFileRefused

HEADER = "order_id,customer_ref,ordered_at,sku,product_title,quantity,unit_price,currency,country\n"
ODD = HEADER + (
    'A/1 #7,"k, unda",2024-03-01 10:00:00,S-1,Größe „XL“ 日本,2147483647,0.0001,gbp,United Kingdom\n'
    'A/1 #7,"k, unda",2024-03-01 09:59:59.5,S-1,another title,3,1234567.8901,GBP,EIRE\n'
    'A/1 #7,"k, unda",2024-03-01 09:59:59.5,S-1,another title,3,1234567.8901,GBP,EIRE\n'
    "0007,x'y\"z;é,2024-03-05T23:30:00+02:00,S-2,,1,0,EUR,\n"
    "7,007,2024-03-06,S-3,Tea,1,2.5,USD,Unspecified\n"
)


def lines_of(seeded: Seeded) -> dict[str, list[dict]]:
    """Lines of each order by the order's name in the shop."""
    return {row.body["name"]: row.body["lineItems"] for row in seeded.rows("shopify.order")}


def file_totals(path: Path) -> tuple:
    with duckdb.connect() as connection:
        return connection.execute(
            "select count(*), count(distinct order_id), count(distinct customer_ref), sum(quantity), "
            "sum(cast(quantity * cast(unit_price as decimal(18, 4)) as decimal(38, 4))) from read_parquet(?)",
            [str(path)],
        ).fetchall()[0]


@pytest.mark.parametrize(
    ("which", "name"),
    [
        ("seeded_cdnow", "cdnow_sample.parquet"),
        # the larger file goes through the whole chain in tests/python/chain; by itself it is looked at among the long sweeps
        pytest.param("seeded_retail", "online_retail_to_2011-08-31.parquet", marks=pytest.mark.torture),
    ],
)
def test_a_real_file_is_seeded_whole_and_exactly(request, which, name):
    path = orders_file(name)
    seeded = request.getfixturevalue(which)
    orders = seeded.rows("shopify.order")
    lines = [line for row in orders for line in row.body["lineItems"]]
    money = sum(line["quantity"] * Decimal(line["unitPrice"]) for line in lines)
    refs = {ref for source, _, _, ref in seeded.truth() if source == "shopify"}
    found = (len(lines), len(orders), len(refs), sum(line["quantity"] for line in lines), money)
    assert found == file_totals(path)
    assert len(seeded.rows("shopify.customer")) == len(refs)
    for row in orders:
        assert not row.body["test"] and not row.body["refunds"] and row.body["cancelledAt"] is None
    assert all(Decimal(line["discount"]) == 0 for line in lines)


@pytest.mark.torture
def test_each_order_is_its_customers_own_at_its_earliest_line(seeded_retail):
    path = orders_file("online_retail_to_2011-08-31.parquet")
    with duckdb.connect() as connection:
        wanted = connection.execute(
            "select order_id, any_value(customer_ref), strftime(min(ordered_at), '%Y-%m-%dT%H:%M:%S.%gZ'), "
            "any_value(currency), count(*) "
            "from read_parquet(?) group by order_id order by order_id",
            [str(path)],
        ).fetchall()
    ref_of = {record: ref for source, record, _, ref in seeded_retail.truth() if source == "shopify"}
    found = [
        (row.body["name"], ref_of[row.parent], row.body["processedAt"], row.body["currencyCode"], len(row.body["lineItems"]))
        for row in seeded_retail.rows("shopify.order")
    ]
    assert sorted(found) == wanted


def test_the_clock_stands_on_the_morning_after_the_last_order_whatever_as_of_says(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(ODD)
    seeded = make(tmp_path, orders_file=path, as_of=date(2024, 3, 2))
    assert seeded.store.now() == datetime(2024, 3, 7, 6, tzinfo=UTC)
    assert len(lines_of(seeded)) == 3


def test_odd_values_survive(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(ODD)
    seeded = make(tmp_path, orders_file=path)
    orders = {row.body["name"]: row.body for row in seeded.rows("shopify.order")}
    assert set(orders) == {"A/1 #7", "0007", "7"}
    first = orders["A/1 #7"]
    assert [(line["quantity"], line["unitPrice"]) for line in first["lineItems"]] == [
        (2147483647, "0.0001"),
        (3, "1234567.8901"),
        (3, "1234567.8901"),
    ]
    assert first["processedAt"] == "2024-03-01T09:59:59.500Z"
    assert first["currencyCode"] == "GBP"
    assert first["shippingAddress"]["countryCodeV2"] == "IE"  # the earliest line's
    assert orders["0007"]["processedAt"] == "2024-03-05T21:30:00.000Z"
    assert orders["0007"]["shippingAddress"]["countryCodeV2"] is None
    products = {row.body["variants"][0]["sku"]: row.body["title"] for row in seeded.rows("shopify.product")}
    assert products == {"S-1": "Größe „XL“ 日本", "S-2": "S-2", "S-3": "Tea"}
    assert {ref for _, _, _, ref in seeded.truth()} - {None} == {"k, unda", "x'y\"z;é", "007"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_a_byte_order_mark_are_understood(tmp_path, delimiter):
    path = tmp_path / "orders.csv"
    path.write_text("\ufeff" + (HEADER + GOOD).replace(",", delimiter))
    assert [line["unitPrice"] for line in lines_of(make(tmp_path, orders_file=path))["o0"]] == ["2.5000"]


def test_keys_and_prices_that_an_exporter_made_floats_are_read_as_meant(tmp_path):
    path = tmp_path / "orders.parquet"
    table = pa.table(
        {
            "ORDER_ID": pa.array([1, 1, 2], pa.int64()),
            "customer_ref": pa.array([17850.0, 17850.0, 3.5], pa.float64()),
            "ordered_at": pa.array(
                [datetime(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 2)], pa.timestamp("ns", tz="UTC")
            ),
            "sku": ["a", "b", "a"],
            "quantity": pa.array([1.0, 2.0, 3.0], pa.float64()),
            "unit_price": pa.array([0.1 + 0.2, 2.55, 19.99], pa.float64()),
            "currency": ["EUR", "EUR", "EUR"],
        }
    )
    pq.write_table(table, path)
    seeded = make(tmp_path, orders_file=path)
    assert {ref for _, _, _, ref in seeded.truth()} - {None} == {"17850", "3.5"}
    prices = sorted(Decimal(line["unitPrice"]) for lines in lines_of(seeded).values() for line in lines)
    assert prices == [Decimal("0.3"), Decimal("2.55"), Decimal("19.99")]


def row_with(**changes: str) -> str:
    values = {
        "order_id": "o1",
        "customer_ref": "c1",
        "ordered_at": "2024-01-02 03:04:05",
        "sku": "s",
        "product_title": "t",
        "quantity": "1",
        "unit_price": "2.50",
        "currency": "EUR",
        "country": "DE",
    }
    return ",".join((values | changes).values()) + "\n"


GOOD = row_with(order_id="o0", customer_ref="c0")
BAD_ROWS = {
    "an empty order_id": (row_with(order_id=""), "column order_id: order_id is empty in row 2"),
    "a blank customer_ref": (row_with(customer_ref="  "), "column customer_ref: customer_ref is empty in row 2"),
    "an empty sku": (row_with(sku=""), "column sku: sku is empty in row 2"),
    "no date": (row_with(ordered_at=""), "column ordered_at: ordered_at is empty in row 2"),
    "a strange date": (row_with(ordered_at="31.12.2024"), "column ordered_at: ordered_at is not a date and time in row 2"),
    "a far date": (row_with(ordered_at="9999-01-01"), "column ordered_at: ordered_at lies outside 1970 to 2199 in row 2"),
    "an endless date": (row_with(ordered_at="infinity"), "column ordered_at: ordered_at lies outside 1970 to 2199 in row 2"),
    "a word as quantity": (row_with(quantity="two"), "column quantity: quantity is not a whole number in row 2"),
    "half a piece": (row_with(quantity="1.5"), "column quantity: quantity is not a whole number in row 2"),
    "no pieces": (row_with(quantity="0"), "column quantity: quantity is zero or negative in row 2"),
    "a return": (row_with(quantity="-3"), "column quantity: quantity is zero or negative in row 2"),
    "too many pieces": (row_with(quantity="2147483648"), "column quantity: quantity is above 2147483647 in row 2"),
    "a word as price": (row_with(unit_price="free"), "column unit_price: unit_price is not a number in row 2"),
    "not a number": (row_with(unit_price="NaN"), "column unit_price: unit_price is not a number in row 2"),
    "no price": (row_with(unit_price=""), "column unit_price: unit_price is empty in row 2"),
    "a negative price": (row_with(unit_price="-0.01"), "column unit_price: unit_price is negative in row 2"),
    "a fine price": (row_with(unit_price="1.23456"), "column unit_price: unit_price has more than four decimals in row 2"),
    "a huge price": (row_with(unit_price="99999999999999"), "column unit_price: unit_price is too large in row 2"),
    "no currency": (row_with(currency=""), "column currency: currency is empty in row 2"),
    "a sign for a currency": (row_with(currency="€"), "column currency: currency is not a three-letter code in row 2"),
    "two owners": (row_with(order_id="o0"), "column customer_ref: order_id o0 in row 1 has two customer_refs"),
    "two currencies": (
        row_with(order_id="o0", customer_ref="c0", currency="USD"),
        "column currency: order_id o0 in row 1 has two currencies",
    ),
    "several at once": (row_with(quantity="0") * 3, "column quantity: quantity is zero or negative in row 2, and in 2 more"),
}


def refusal(directory: Path, path: Path) -> str:
    """The one line with which a file is refused; nothing is left behind."""
    with pytest.raises(OrdersFileRefused) as refused:
        make(directory, orders_file=path)
    text = str(refused.value)
    assert "\n" not in text
    assert str(path) in text
    assert not (directory / "truth.duckdb").exists()
    return text


@pytest.mark.parametrize("what", BAD_ROWS)
def test_a_bad_row_is_named_with_file_column_and_row(tmp_path, what):
    row, message = BAD_ROWS[what]
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + GOOD + row)
    assert message in refusal(tmp_path, path)


BAD_FILES = {
    "nothing": (b"", "the file is empty"),
    "only a header": (HEADER.encode(), "there is no order line below the header"),
    "missing columns": (b"order_id,sku,quantity\n1,2,3\n", "missing columns customer_ref, ordered_at, unit_price, currency"),
    "one missing column": (HEADER.replace("currency,", "").encode() + b"1,2,3,4,5,6,7,8\n", "missing column currency;"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 9, "orders.csv"),
    "an archive": (b"PK\x03\x04\0\0\0\0" + bytes(300), "orders.csv"),
    "half a parquet file": (b"PAR1" + bytes(500), "cannot be read as parquet"),
    "Latin letters": (HEADER.encode() + GOOD.replace(",t,", ",Caf\u00e9,").encode("latin-1") * 50, "cannot be read as csv"),
    "ragged rows": (HEADER.encode() + GOOD.encode() * 30 + b"a,b\n" + GOOD.encode() * 30, "cannot be read as csv"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_is_none_is_refused(tmp_path, what):
    content, message = BAD_FILES[what]
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    assert message in refusal(tmp_path, path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "there is no such orders file" in refusal(tmp_path, tmp_path / "nowhere.parquet")
    assert "there is no such orders file" in refusal(tmp_path, tmp_path)


def test_text_called_parquet_is_refused(tmp_path):
    path = tmp_path / "orders.parquet"
    path.write_text(HEADER + GOOD)
    assert "this is not a parquet file" in refusal(tmp_path, path)


def linked_refs(seeded: Seeded) -> set[tuple]:
    """Pairs of customer_refs that deterministic identity would make one, directly or through others."""
    ref_of = {(source, record): ref for source, record, _, ref in seeded.truth()}
    refs = defaultdict(set)
    for key, cluster in identity_rules.clusters(identity_rules.records(seeded)).items():
        if ref_of[key] is not None:
            refs[cluster].add(ref_of[key])
    return {tuple(sorted(found)) for found in refs.values() if len(found) > 1}


def keys_of(seeded: Seeded) -> dict[tuple, set[str]]:
    """Every identifier that a record of a customer bears, and the customers that bear it."""
    ref_of = {(source, record): ref for source, record, _, ref in seeded.truth()}
    bearers = defaultdict(set)
    for record in identity_rules.records(seeded):
        ref = ref_of[record.key]
        if ref is None:
            continue
        for email in {record.email, *record.more_emails} - {""}:
            bearers["email", email].add(ref)
        if record.phone:
            bearers["phone", record.phone].add(ref)
        for merged in record.merged:
            bearers["merged", *merged].add(ref)
    return bearers


@pytest.mark.parametrize("which", ["seeded_cdnow", pytest.param("seeded_retail", marks=pytest.mark.torture)])
def test_no_two_customers_of_a_file_can_be_linked(request, which):
    seeded = request.getfixturevalue(which)
    assert {key: refs for key, refs in keys_of(seeded).items() if len(refs) > 1} == {}
    assert linked_refs(seeded) == set()


def test_a_files_customers_are_surrounded_by_duplicates_and_shared_mailboxes(seeded_cdnow):
    contacts, users = defaultdict(int), defaultdict(set)
    person_of = {(source, record): (person, ref) for source, record, person, ref in seeded_cdnow.truth()}
    for record in identity_rules.records(seeded_cdnow):
        person, ref = person_of[record.key]
        contacts[person] += record.key[0] == "hubspot" and ref is not None
        if record.email:
            users[record.email].add(person)
    assert sum(count > 1 for count in contacts.values()) >= 50
    assert sum(len(found) > 1 for found in users.values()) / len(users) >= 0.03


def test_days_add_people_and_consent_but_never_orders_to_a_file(seeded_cdnow, tmp_path):
    seeded = copied(seeded_cdnow, tmp_path)
    before = {row.id: row.body for row in seeded.rows("shopify.order")}
    customers = {row.id for row in seeded.rows("shopify.customer")}
    links = {(source, record): (person, ref) for source, record, person, ref in seeded.truth()}
    summary = advance(seeded, 40)
    assert summary.people > 0 and summary.members_changed > 0 and summary.contacts_merged > 0 and summary.campaigns > 0
    assert (summary.orders, summary.refunds, summary.shop_customers, summary.shop_customers_deleted) == (0, 0, 0, 0)
    assert {row.id: row.body for row in seeded.rows("shopify.order")} == before
    assert {row.id for row in seeded.rows("shopify.customer")} == customers
    after = {(source, record): (person, ref) for source, record, person, ref in seeded.truth()}
    assert {key: after[key] for key in links} == links
    assert linked_refs(seeded) == set()
    assert {key: refs for key, refs in keys_of(seeded).items() if len(refs) > 1} == {}
