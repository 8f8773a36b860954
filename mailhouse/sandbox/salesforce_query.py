"""Running a parsed SOQL query on the store, and handing out its records page by page."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from mailhouse.sandbox.salesforce_objects import COLUMNS, SObject, value_of
from mailhouse.sandbox.salesforce_permissions import is_hidden
from mailhouse.sandbox.salesforce_soql import Comparison, Group, Literal, Query, parse
from mailhouse.sandbox.salesforce_words import Refused
from mailhouse.sandbox.store import Row, Store
from mailhouse.sandbox.wire import Call, Reply

MOST_CURSORS = 10  # of one user; the oldest is then given up
TEXTS = ("string", "email", "phone")


def ids_of(store: Store, query: Query, *, deleted: bool) -> list[str]:
    """The ids of all records that the query finds, in its order; `deleted` looks into the recycle bin too."""
    where, values = _where(query)
    live = "" if deleted else " and deleted = 0"
    statement = f"select id from object where kind = ?{live} and ({where}) order by {_ordering(query)} limit ? offset ?"
    limit = -1 if query.limit is None else query.limit
    return [row[0] for row in store.query(statement, (query.of.kind, *values, limit, query.offset))]


def rows_of(store: Store, of: SObject, ids: list[str]) -> list[Row]:
    """Those records that still exist, in that order."""
    found = store.get_many(of.kind, ids)
    return [found[one] for one in ids if one in found]


def totals(store: Store, query: Query, *, deleted: bool) -> dict[str, Any]:
    """The values of a query of aggregates by alias."""
    where, values = _where(query)
    live = "" if deleted else " and deleted = 0"
    chosen = [f"{function.lower()}({_column(query.of, name) if name else '*'})" for function, name, _ in query.aggregates]
    statement = f"select {', '.join(chosen)} from object where kind = ?{live} and ({where})"
    (found,) = store.query(statement, (query.of.kind, *values))
    answer = {}
    for (_, name, alias), value in zip(query.aggregates, found, strict=True):
        is_moment = name and query.of.all_fields[name] == "datetime" and isinstance(value, str)
        answer[alias] = f"{value[:-1]}+0000" if is_moment else value
    return answer


def record(of: SObject, row: Row, fields: tuple[str, ...], version: str) -> dict[str, Any]:
    """A record in the JSON of the REST API."""
    attributes = {"type": of.name, "url": f"/services/data/{version}/sobjects/{of.name}/{row.id}"}
    return {"attributes": attributes, **{name: value_of(of, row, name) for name in fields}}


def _where(query: Query) -> tuple[str, list[Any]]:
    values: list[Any] = []
    text = "1 = 1" if query.where is None else _condition(query.of, query.where, values)
    return text, values


def _condition(of: SObject, one: Comparison | Group, values: list[Any]) -> str:
    if isinstance(one, Group):
        parts = [f"({_condition(of, member, values)})" for member in one.members]
        return f"not {parts[0]}" if one.word == "not" else f" {one.word} ".join(parts)
    column, folds = _column(of, one.field), of.all_fields[one.field] in TEXTS and one.field not in COLUMNS
    if folds:
        column = f"lower({column})"
    is_text = of.all_fields[one.field] in TEXTS
    if one.operator in ("in", "not in"):
        values.extend(_bound(value, is_text) for value in one.values)
        return f"{column} {one.operator} ({', '.join('?' * len(one.values))})"
    value = one.values[0]
    if value.kind == "null":
        if one.operator not in ("=", "!="):
            raise Refused("INVALID_OPERATOR", f"invalid operator {one.operator} on null")
        empty = f"({column} is null or {column} = '')"
        return empty if one.operator == "=" else f"not {empty}"
    values.append(_bound(value, is_text))
    # a field without a value is unlike every value
    return f"{column} is not ?" if one.operator == "!=" else f"{column} {one.operator} ?"


def _bound(value: Literal, is_text: bool) -> Any:
    return value.value.lower() if is_text and isinstance(value.value, str) else value.value


def _column(of: SObject, name: str) -> str:
    if name in COLUMNS and (name != "Email" or of.fields.get("Email") == "email"):
        return COLUMNS[name]
    return f"json_extract(body, '$.{name}')"


def _ordering(query: Query) -> str:
    parts = []
    for name, descending, nulls_last in query.order:
        # what has no value comes first either way, unless the query says otherwise
        nulls = "last" if nulls_last else "first"
        parts.append(f"{_column(query.of, name)} {'desc' if descending else 'asc'} nulls {nulls}")
    return ", ".join(parts) or "id"


class Cursors:
    """The results that are still being paged through; what a record holds is read when its page is asked for."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[Query, list[str]]] = OrderedDict()
        self._made = 0
        self._lock = threading.Lock()

    def first(self, call: Call, text: str, *, deleted: bool) -> Reply:
        """The first page of a query. Raises Refused."""
        query, store = parse(text), call.runtime.store
        if is_hidden(store, query.of):
            raise Refused("INVALID_TYPE", f"sObject type '{query.of.name}' is not supported.")
        if query.aggregates:
            return self._totals(call, query, deleted)
        ids = ids_of(store, query, deleted=deleted)
        with self._lock:
            self._made += 1
            locator = f"01gSb{self._made:013d}"
        return self._page(call, locator, query, ids, 0)

    def next(self, call: Call, locator: str) -> Reply:
        """A further page. Raises Refused for a cursor that was given up or never was."""
        name, _, offset = locator.rpartition("-")
        with self._lock:
            found = self._open.get(name)
        if found is None or not offset.isdigit():
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, name, *found, int(offset))

    def _page(self, call: Call, locator: str, query: Query, ids: list[str], offset: int) -> Reply:
        version, most = call.params["version"], _batch(call)
        rows = rows_of(call.runtime.store, query.of, ids[offset : offset + most])
        done = offset + most >= len(ids)
        body: dict[str, Any] = {"totalSize": len(ids), "done": done}
        if not done:
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}-{offset + most}"
        body["records"] = [record(query.of, row, query.fields, version) for row in rows]
        with self._lock:
            self._open.pop(locator, None)
            if not done:
                self._open[locator] = (query, ids)
                while len(self._open) > MOST_CURSORS:
                    self._open.popitem(last=False)
        return Reply(200, body, rows=len(rows))

    @staticmethod
    def _totals(call: Call, query: Query, deleted: bool) -> Reply:
        found = totals(call.runtime.store, query, deleted=deleted)
        if query.aggregates == (("COUNT", "", "expr0"),):
            return Reply(200, {"totalSize": found["expr0"], "done": True, "records": []})
        return Reply(200, {"totalSize": 1, "done": True, "records": [{"attributes": {"type": "AggregateResult"}, **found}]})


def _batch(call: Call) -> int:
    """How many records a page has: what the caller asks for, within what the limits allow."""
    most = call.runtime.limits["salesforce"]["query_rows"]
    options = dict(_pairs(call.headers.get("sforce-query-options", "")))
    asked = options.get("batchsize", "")
    return min(most, max(200, int(asked))) if asked.isdigit() else most


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            yield name.strip().lower(), value.strip()
