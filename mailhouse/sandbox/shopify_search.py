"""Shopify's search syntax, sort keys and cursors, over the sandbox's store."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from graphql import GraphQLError

from mailhouse.sandbox.store import Row, Store, stamp

CUSTOMER, ORDER, PRODUCT, CHECKOUT = "shopify.customer", "shopify.order", "shopify.product", "shopify.checkout"
MOST = 250
TERM = re.compile(r"""(\w+):\s*(>=|<=|>|<|=)?\s*('[^']*'|"[^"]*"|[^\s()]+)""")
TIMES = {"updated_at": "updated_at", "created_at": "created_at", "customer_date": "created_at"}
SORTS = {
    "UPDATED_AT": "updated_at",
    "CREATED_AT": "created_at",
    "PROCESSED_AT": "json_extract(body, '$.processedAt')",
}
TEXTS = {
    CUSTOMER: {"email": "$.email", "phone": "$.phone", "state": "$.state"},
    ORDER: {"email": "$.email", "name": "$.name", "financial_status": "$.displayFinancialStatus", "source_name": "$.sourceName"},
    CHECKOUT: {},
    PRODUCT: {"title": "$.title", "product_type": "$.productType", "vendor": "$.vendor", "status": "$.status"},
}


class Search:
    """A search text understood: a condition in SQL, its values, and the fields that were not known."""

    def __init__(self, kind: str, text: str | None) -> None:
        self.kind, self.unknown = kind, []
        self.values: list[Any] = []
        alternatives = []
        for part in re.split(r"\bOR\b", text or ""):
            terms = [self._term(*match.groups()) for match in TERM.finditer(part)]
            alternatives.append(" and ".join(term for term in terms if term) or "1")
        self.where = " or ".join(f"({one})" for one in alternatives)

    def _term(self, name: str, operator: str | None, quoted: str) -> str:
        text = quoted[1:-1] if quoted[0] in "'\"" else quoted
        if name in TIMES:
            return self._time(TIMES[name], operator or "=", text)
        if name == "processed_at" and self.kind == ORDER:
            return self._time(SORTS["PROCESSED_AT"], operator or "=", text)
        if name in ("id", "customer_id") and text.isdigit():
            self.values.append(int(text) if name == "id" else text)
            return f"{'num' if name == 'id' else 'parent'} {operator or '='} ?"
        path = TEXTS[self.kind].get(name)
        if path is None:
            # a field that Shopify does not know does not narrow the search: it only warns
            self.unknown.append(name)
            return ""
        self.values.append(text)
        return f"lower(json_extract(body, '{path}')) = lower(?)"

    def _time(self, column: str, operator: str, text: str) -> str:
        """Shopify's times are whole seconds, so a comparison means the whole second."""
        try:
            moment = datetime.fromisoformat(stamp(text)).replace(microsecond=0)
        except ValueError:
            raise GraphQLError(f"Invalid timestamp for query filter: {text}") from None
        start, end = stamp(moment), stamp(moment + timedelta(seconds=1))
        if operator == "=":
            self.values += [start, end]
            return f"{column} >= ? and {column} < ?"
        bound = {">=": (">=", start), ">": (">=", end), "<": ("<", start), "<=": ("<", end)}[operator]
        self.values.append(bound[1])
        return f"{column} {bound[0]} ?"

    def count(self, store: Store) -> int:
        return store.search_count(self.kind, self.where, self.values)


def checked_first(args: dict[str, Any]) -> int:
    """The page size; raises GraphQLError as Shopify does."""
    first = args.get("first")
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 < first <= MOST:
        raise GraphQLError(f"first must be from 1 to {MOST}", extensions={"code": "BAD_REQUEST"})
    return first


def cursor(identifier: str, value: Any = None) -> str:
    """Opaque to callers: the last id, and the last value of the sort key."""
    return base64.b64encode(orjson.dumps({"last_id": identifier, "last_value": value})).decode()


def opened(text: str) -> dict[str, Any]:
    """What a cursor says; raises GraphQLError for one that is not ours."""
    try:
        content = orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error
    if not isinstance(content, dict) or "last_id" not in content:
        raise GraphQLError("Invalid cursor for current pagination sort.")
    return content


def found(
    store: Store,
    search: Search,
    *,
    limit: int,
    after: dict[str, Any] | None,
    sort: str = "ID",
    reverse: bool = False,
    parent: str = "",
) -> list[Row]:
    """The next rows of a search in the order of a sort key."""
    way, beyond = ("desc", "<") if reverse else ("asc", ">")
    column = SORTS.get(sort)
    where, values = f"({search.where})", list(search.values)
    if parent:
        where, values = f"{where} and parent = ?", [*values, parent]
    if column is None:
        ordering = f"num {way}"
        if after is not None:
            where, values = f"{where} and num {beyond} ?", [*values, int(after["last_id"])]
    else:
        ordering = f"{column} {way}, num {way}"
        if after is not None:
            where, values = f"{where} and ({column}, num) {beyond} (?, ?)", [*values, after["last_value"], int(after["last_id"])]
    return store.search(search.kind, where, values, ordering=ordering, limit=limit)


def every(store: Store, search: Search, parent: str = "") -> Iterator[dict[str, Any]]:
    """All objects of a search by id, a page at a time."""
    after = None
    while rows := found(store, search, limit=MOST, after=after, parent=parent):
        yield from (row.body for row in rows)
        after = {"last_id": rows[-1].id}


def sort_value(row: Row, sort: str) -> Any:
    return {"UPDATED_AT": row.updated_at, "CREATED_AT": row.created_at, "PROCESSED_AT": row.body.get("processedAt")}.get(sort)


def connection(edges: Iterable[tuple[str, Any]], *, more: bool, before: bool) -> dict[str, Any]:
    """Relay's shape of one page of (cursor, node)."""
    edges = list(edges)
    return {
        "edges": [{"cursor": key, "node": node} for key, node in edges],
        "nodes": [node for _, node in edges],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": edges[0][0] if edges else None,
            "endCursor": edges[-1][0] if edges else None,
        },
    }


def sliced(items: list[Any], args: dict[str, Any]) -> dict[str, Any]:
    """One page of what an object holds within itself, by position."""
    first = checked_first(args)
    order = list(range(len(items)))
    if args.get("reverse"):
        order.reverse()
    start = 0
    if args.get("after"):
        start = order.index(int(opened(args["after"])["last_id"])) + 1
    page = order[start : start + first]
    return connection(((cursor(str(at)), items[at]) for at in page), more=start + first < len(order), before=start > 0)
