"""Real purchases from a csv or parquet file, checked as a whole before anything of it is taken.

One row is one order line: order_id, customer_ref, ordered_at (UTC where it names no zone), sku, product_title, quantity,
unit_price, currency, country. Lines that repeat another line exactly are real; an order's time is its earliest line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mailhouse.errors import OrdersFileRefused
from mailhouse.sandbox.company.countries import country_code
from mailhouse.sandbox.company.people import Buyer

REQUIRED = ("order_id", "customer_ref", "ordered_at", "sku", "quantity", "unit_price", "currency")
OPTIONAL = ("product_title", "country")
LAYOUT = "order_id, customer_ref, ordered_at, sku, product_title, quantity, unit_price, currency, country"
MOST_QUANTITY = 2**31 - 1  # Shopify's Int
BATCH_ORDERS = 2_000

# (what is wrong, the condition, the column to look at), in the order in which they are told
CHECKS = (
    ("order_id is empty", "order_id is null", "order_id"),
    ("customer_ref is empty", "customer_ref is null", "customer_ref"),
    ("sku is empty", "sku is null", "sku"),
    ("ordered_at is empty", "ordered_at_text is null", "ordered_at"),
    ("ordered_at is not a date and time", "ordered_at is null", "ordered_at"),
    ("ordered_at lies outside 1970 to 2199", "year(ordered_at) not between 1970 and 2199 or isinf(ordered_at)", "ordered_at"),
    ("quantity is empty", "quantity_text is null", "quantity"),
    ("quantity is not a whole number", "quantity_number is null or quantity_number <> floor(quantity_number)", "quantity"),
    ("quantity is zero or negative", "quantity_number <= 0", "quantity"),
    (f"quantity is above {MOST_QUANTITY}", f"quantity_number > {MOST_QUANTITY}", "quantity"),
    ("unit_price is empty", "price_text is null", "unit_price"),
    ("unit_price is not a number", "price_wide is null", "unit_price"),
    ("unit_price is negative", "price_wide < 0", "unit_price"),
    ("unit_price has more than four decimals", "price_is_exact and price_wide <> round(price_wide, 4)", "unit_price"),
    ("unit_price is too large", "price_wide * quantity_number >= 1e13", "unit_price"),
    ("currency is empty", "currency is null", "currency"),
    ("currency is not a three-letter code", "not regexp_full_match(currency, '[A-Z]{3}')", "currency"),
)
FLOATS = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, slots=True)
class FileProduct:
    """A sku with the title of its first line and the price of its last."""

    sku: str
    title: str
    price: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One order; `lines` are (sku, title, quantity, unit_price as text), in the order of the file."""

    order_id: str
    customer_ref: str
    ordered_at: datetime
    currency: str
    country: str | None
    lines: list[dict[str, Any]]


class OrdersFile:
    """A checked file, in an in-memory DuckDB."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def span(self) -> tuple[datetime, datetime]:
        """The times of the first and of the last order."""
        return self._connection.execute("select min(ordered_at), max(ordered_at) from orders").fetchall()[0]

    def buyers(self) -> list[Buyer]:
        """Each customer once, with the country of the latest order, in the order of their first one."""
        rows = self._connection.execute(
            "select customer_ref, arg_max(country, ordered_at) filter (where country is not null), min(ordered_at) as first_at, "
            "max(ordered_at) from orders group by customer_ref order by first_at, customer_ref"
        ).fetchall()
        codes = {name: country_code(name) for name in {row[1] for row in rows}}
        return [Buyer(ref, codes[country], first, last) for ref, country, first, last in rows]

    def products(self) -> list[FileProduct]:
        """Each sku once, in the order of the file."""
        rows = self._connection.execute(
            "select sku, coalesce(arg_min(title, number) filter (where title is not null), sku), "
            "cast(arg_max(unit_price, (ordered_at, number)) as varchar), min(ordered_at), max(ordered_at) "
            "from lines group by sku order by min(number)"
        ).fetchall()
        return [FileProduct(*row) for row in rows]

    def orders(self) -> Iterator[FileOrder]:
        """Every order, oldest first, read as a stream."""
        reader = self._connection.cursor().execute(
            "select orders.order_id, orders.customer_ref, orders.ordered_at, orders.currency, orders.country, "
            "list({'sku': sku, 'title': title, 'quantity': quantity, 'unit_price': cast(unit_price as varchar)} "
            "order by number) as lines "
            "from orders join lines using (order_id) group by all order by orders.ordered_at, orders.order_id"
        )
        while rows := reader.fetchmany(BATCH_ORDERS):
            for row in rows:
                yield FileOrder(*row[:4], country_code(row[4]), row[5])


@contextmanager
def read(path: Path | str) -> Iterator[OrdersFile]:
    """The file, wholly checked; raises OrdersFileRefused with one line that names file, column and row."""
    path = Path(path)
    if not path.is_file():
        raise OrdersFileRefused(f"{path}: there is no such orders file; give the path of a csv or parquet file")
    with duckdb.connect(":memory:", config={"threads": 2, "autoinstall_known_extensions": False}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        types = _load(connection, path)
        _type_columns(connection, types)
        _check_rows(connection, path)
        _check_orders(connection, path)
        yield OrdersFile(connection)


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Into the table `file`, values of a csv as text; gives back the columns that count and their types."""
    with path.open("rb") as file:
        head = file.read(4)
    if not head.strip():
        raise OrdersFileRefused(f"{path}: the file is empty; its columns must be {LAYOUT}")
    is_parquet = head == b"PAR1"
    if not is_parquet and path.suffix.lower() in (".parquet", ".pq"):
        raise OrdersFileRefused(f"{path}: this is not a parquet file; write it anew, or give it the ending .csv if it is one")
    if not is_parquet and b"\0" in head:
        raise OrdersFileRefused(f"{path}: this is neither csv nor parquet; export the orders as one of the two")
    source, values = "read_parquet(?)", [str(path)]
    if not is_parquet:
        # left to guess, DuckDB takes a ragged file for one of a single column
        source = "read_csv(?, delim = ?, all_varchar = true, header = true, skip = 0, quote = '\"', escape = '\"', nullstr = '')"
        values.append(_delimiter(path))
    try:
        connection.execute(f"create table file as select row_number() over () as number, * from {source}", values)
    except duckdb.Error as error:
        kind = "parquet" if is_parquet else "csv in UTF-8"
        # the first line only, and without what DuckDB quotes of the file: it may be personal
        reason = str(error).splitlines()[0].split('"')[0].strip(" :")[:100]
        raise OrdersFileRefused(f"{path}: cannot be read as {kind} ({reason}); export the file anew") from error
    found = connection.execute("select column_name, column_type from (describe file)").fetchall()
    names = {name.strip().strip("\ufeff").lower(): (name, kind) for name, kind in found[1:]}
    missing = [column for column in REQUIRED if column not in names]
    if missing:
        several = "s" if len(missing) > 1 else ""
        raise OrdersFileRefused(f"{path}: missing column{several} {', '.join(missing)}; the columns must be {LAYOUT}")
    if not connection.execute("select count(*) from file").fetchall()[0][0]:
        raise OrdersFileRefused(f"{path}: there is no order line below the header; export the orders anew")
    columns = {column: names[column] for column in REQUIRED + OPTIONAL if column in names}
    quoted = ", ".join(f'"{name}" as {column}' for column, (name, _) in columns.items())
    connection.execute(f"create view file_lines as select number, {quoted} from file")
    return {column: kind for column, (_, kind) in columns.items()}


def _delimiter(path: Path) -> str:
    """The one that the header has most of; a comma when it has none."""
    with path.open("rb") as file:
        header = file.readline(65_536)
    return max(",;\t|", key=lambda sign: header.count(sign.encode()))


def _type_columns(connection: duckdb.DuckDBPyConnection, types: dict[str, str]) -> None:
    """The table `typed`: every value in its type, or null where it does not fit."""

    def text(column: str) -> str:
        if column not in types:
            return "cast(null as varchar)"
        if types[column] in FLOATS:
            # exporters turn integer keys with gaps into floats: 17850.0 means 17850
            is_whole = f"{column} = floor({column}) and abs({column}) < 9e15"
            return f"case when {is_whole} then cast(cast({column} as bigint) as varchar) else cast({column} as varchar) end"
        return f"cast({column} as varchar)"

    def kept(column: str) -> str:
        return f"case when trim({text(column)}) = '' then null else {text(column)} end"

    kind = types["ordered_at"]
    moment = "try_cast(cast(ordered_at as varchar) as timestamptz) at time zone 'UTC'"  # text without a zone is UTC
    if kind == "TIMESTAMP WITH TIME ZONE":
        moment = "ordered_at at time zone 'UTC'"
    elif kind == "DATE" or kind.startswith("TIMESTAMP"):
        moment = "cast(ordered_at as timestamp)"
    is_float = types["unit_price"] in FLOATS
    price = "round(unit_price, 4)" if is_float else "trim(cast(unit_price as varchar))"
    connection.execute(
        f"""
        create table typed as
        select
            number,
            {kept("order_id")} as order_id,
            {kept("customer_ref")} as customer_ref,
            {kept("sku")} as sku,
            {kept("product_title")} as title,
            {kept("country")} as country,
            upper(trim({kept("currency")})) as currency,
            {kept("ordered_at")} as ordered_at_text,
            {moment} as ordered_at,
            {kept("quantity")} as quantity_text,
            try_cast(trim(cast(quantity as varchar)) as decimal(38, 6)) as quantity_number,
            {kept("unit_price")} as price_text,
            try_cast({price} as decimal(38, 10)) as price_wide,
            {"false" if is_float else "true"} as price_is_exact
        from file_lines
        """
    )


def _check_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The first broken rule with its first row and the number of rows that break it; row 1 is the first below the header."""
    counted = ", ".join(
        f"count(*) filter (where {condition}), min(number) filter (where {condition})" for _, condition, _ in CHECKS
    )
    found = connection.execute(f"select {counted} from typed").fetchall()[0]
    for (what, _, column), rows, first in zip(CHECKS, found[::2], found[1::2], strict=True):
        if rows:
            many = f", and in {rows - 1} more" if rows > 1 else ""
            raise OrdersFileRefused(f"{path}: column {column}: {what} in row {first}{many}; correct or leave out these rows")


def _check_orders(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Builds `lines` and `orders`; an order belongs to one customer and is paid in one currency."""
    connection.execute(
        "create table lines as select number, order_id, customer_ref, sku, title, country, currency, ordered_at, "
        "cast(quantity_number as integer) as quantity, cast(price_wide as decimal(18, 4)) as unit_price from typed"
    )
    for column, what in (("customer_ref", "two customer_refs"), ("currency", "two currencies")):
        rows = connection.execute(
            f"select arg_min(order_id, number), min(number), count(*) from (select order_id, min(number) as number from lines "
            f"group by order_id having count(distinct {column}) > 1)"
        ).fetchall()
        order_id, number, orders = rows[0]
        if orders:
            many = f" ({orders} such orders)" if orders > 1 else ""
            raise OrdersFileRefused(
                f"{path}: column {column}: order_id {order_id} in row {number} has {what}{many}; an order_id must mean one order"
            )
    connection.execute(
        "create table orders as select order_id, any_value(customer_ref) as customer_ref, min(ordered_at) as ordered_at, "
        "any_value(currency) as currency, arg_min(country, (ordered_at, number)) as country from lines group by order_id"
    )
