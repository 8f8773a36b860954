"""Shopify's bulk operations: one query over everything, written line by line into a file that is then fetched."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.type import get_nullable_type

from mailhouse.sandbox.shopify_cost import operation_of
from mailhouse.sandbox.shopify_fields import CHILDREN, FIELDS, Object, Shop, gid
from mailhouse.sandbox.store import Store, stamp

MOST_CONNECTIONS = 5
DEEPEST = 3  # the root connection and two more levels
RUNNING = ("CREATED", "RUNNING")


class NotForBulk(Exception):
    """The query cannot be run in bulk; the text becomes a user error."""


class Selection:
    """A selection set made ready once, so that each object passes through it without a look at the query."""

    def __init__(self, plan: "Plan", selection: SelectionSetNode, parent: GraphQLObjectType, depth: int, in_list: bool) -> None:
        self.values: list[tuple[str, Callable[..., Any], Object, Selection | None, bool]] = []
        self.connections: list[tuple[Callable[..., Any], Object, Selection]] = []
        self.type_name = parent.name
        for node in plan.fields(selection, parent):
            name, key = node.name.value, (node.alias or node.name).value
            if name == "__typename":
                self.values.append((key, lambda _item, _args, _shop, own=parent.name: own, {}, None, False))
                continue
            definition = parent.fields[name]
            kind = get_named_type(definition.type)
            args = {argument.name.value: value_from_ast_untyped(argument.value) for argument in node.arguments}
            if kind.name.endswith("Connection"):
                if in_list:
                    raise NotForBulk("Queries that contain a connection field within a list field are not supported.")
                inner = plan.nodes(node, kind, depth + 1)
                self.connections.append((CHILDREN[parent.name, name], args, inner))
                continue
            many = is_list_type(get_nullable_type(definition.type))
            inner = Selection(plan, node.selection_set, kind, depth, in_list or many) if is_composite_type(kind) else None
            if inner is not None and inner.connections:
                raise NotForBulk("Connections are only possible on the nodes of a connection.")
            resolve = FIELDS.get((parent.name, name)) or _plain(name)
            self.values.append((key, resolve, args, inner, many))

    def project(self, item: Object, shop: Shop) -> Object:
        """The object as one line, without its connections."""
        line = {}
        for key, resolve, args, inner, many in self.values:
            value = resolve(item, args, shop)
            if inner is not None and value is not None:
                value = [inner.project(one, shop) for one in value] if many else inner.project(value, shop)
            line[key] = value
        return line


def _plain(name: str) -> Callable[[Object, Object, Shop], Any]:
    return lambda item, _, __: item.get(name)


class Plan:
    """A bulk query understood; raises NotForBulk."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self.connections = 0
        operation = operation_of(document)
        if operation is None or operation.operation.value != "query":
            raise NotForBulk("The bulk query must be a query.")
        roots = list(self.fields(operation.selection_set, schema.query_type))
        if len(roots) != 1 or ("QueryRoot", roots[0].name.value) not in CHILDREN:
            raise NotForBulk("Bulk queries must contain exactly one top-level field, a connection.")
        root = roots[0]
        kind = get_named_type(schema.query_type.fields[root.name.value].type)
        self.args = {argument.name.value: value_from_ast_untyped(argument.value) for argument in root.arguments}
        self.items = CHILDREN["QueryRoot", root.name.value]
        self.selection = self.nodes(root, kind, 1)

    def fields(self, selection: SelectionSetNode, parent: GraphQLObjectType) -> list[FieldNode]:
        """The fields of a selection set with its fragments opened; those on other types fall away."""
        opened: list[FieldNode] = []
        for node in selection.selections:
            if isinstance(node, FieldNode):
                opened.append(node)
            elif isinstance(node, InlineFragmentNode | FragmentSpreadNode):
                fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                on = fragment.type_condition.name.value if fragment.type_condition else parent.name
                if on == parent.name or on in [interface.name for interface in parent.interfaces]:
                    opened += self.fields(fragment.selection_set, parent)
        return opened

    def nodes(self, node: FieldNode, kind: GraphQLObjectType, depth: int) -> Selection:
        """The selection on the nodes of a connection, wherever it stands: `edges { node }` or `nodes`."""
        self.connections += 1
        if self.connections > MOST_CONNECTIONS:
            raise NotForBulk(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
        if depth > DEEPEST:
            raise NotForBulk("Bulk queries cannot contain connections with a nesting depth greater than 2.")
        for inner in self.fields(node.selection_set, kind):
            if inner.name.value == "nodes":
                return self._of(inner, kind, depth)
            if inner.name.value == "edges":
                edge = get_named_type(kind.fields["edges"].type)
                for deeper in self.fields(inner.selection_set, edge):
                    if deeper.name.value == "node":
                        return self._of(deeper, kind, depth)
        raise NotForBulk("A connection of a bulk query must select its nodes.")

    def _of(self, node: FieldNode, kind: GraphQLObjectType, depth: int) -> Selection:
        return Selection(self, node.selection_set, get_named_type(kind.fields["nodes"].type), depth, False)


def clear_files(directory: Path) -> None:
    """Files are as large as the shop, and nobody can fetch them once the process that made them has ended."""
    for leftover in directory.glob("*.jsonl"):
        leftover.unlink()


class BulkOperations:
    """The bulk operations of one shop; files stay until the process ends."""

    def __init__(self, store: Store, directory: Path) -> None:
        self.store, self.directory = store, directory
        self._operations: dict[str, Object] = {}
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        clear_files(directory)

    def start(self, query: str, plan: Plan, *, concurrent: int, polls: int, base_url: str) -> Object:
        """A new operation, CREATED; raises NotForBulk when too many are running."""
        with self._lock:
            busy = [one["id"] for one in self._operations.values() if one["status"] in RUNNING]
            if len(busy) >= concurrent:
                raise NotForBulk(f"A bulk query operation for this app and shop is already in progress: {busy[0]}.")
            number = str(len(self._operations) + 1)
            operation = {
                "__typename": "BulkOperation",
                "id": gid("BulkOperation", number),
                "type": "QUERY",
                "status": "CREATED",
                "errorCode": None,
                "createdAt": stamp(self.store.now()),
                "completedAt": None,
                "objectCount": "0",
                "rootObjectCount": "0",
                "fileSize": None,
                "query": query,
                "url": None,
                "polls_to_come": polls,
                "done": False,
                "name": f"{secrets.token_urlsafe(24)}.jsonl",
                "base_url": base_url,
            }
            self._operations[number] = operation
            created = dict(operation)
        threading.Thread(target=self._run, args=(operation, plan), name=f"bulk-{number}", daemon=True).start()
        return created

    def _run(self, operation: Object, plan: Plan) -> None:
        # whatever goes wrong must be seen by the one who polls, who would wait for ever otherwise
        path = self.directory / operation["name"]
        shop, counts = Shop(self.store), [0, 0]
        try:
            with path.open("wb", buffering=1 << 20) as file:
                for item in plan.items({}, plan.args, shop):
                    if operation["status"] == "CANCELED":
                        break
                    counts[1] += 1
                    self._write(file, plan.selection, item, None, shop, counts)
        except BaseException:
            operation |= {"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR", "done": True}
            raise
        with self._lock:
            operation |= {
                "objectCount": str(counts[0]),
                "rootObjectCount": str(counts[1]),
                "fileSize": str(path.stat().st_size),
                "done": True,
            }

    def _write(self, file: Any, selection: Selection, item: Object, parent: str | None, shop: Shop, counts: list[int]) -> None:
        line = selection.project(item, shop)
        if parent is not None:
            line["__parentId"] = parent
        file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        counts[0] += 1
        for children, args, inner in selection.connections:
            own = gid(selection.type_name, item["id"])
            for child in children(item, args, shop):
                self._write(file, inner, child, own, shop, counts)

    def poll(self, number: str) -> Object | None:
        """The operation as it stands; it is seen RUNNING at least as often as the limits ask for."""
        with self._lock:
            operation = self._operations.get(number)
            if operation is None:
                return None
            if operation["status"] in RUNNING:
                if operation["done"] and operation["polls_to_come"] <= 0:
                    url = f"{operation['base_url']}/bulk/{operation['name']}" if operation["objectCount"] != "0" else None
                    operation |= {"status": "COMPLETED", "completedAt": stamp(self.store.now()), "url": url}
                else:
                    operation["status"] = "RUNNING"
                    operation["polls_to_come"] -= 1
            return dict(operation)

    def latest(self) -> Object | None:
        with self._lock:
            number = str(len(self._operations))
        return self.poll(number)

    def cancel(self, number: str) -> Object | None:
        with self._lock:
            operation = self._operations.get(number)
            if operation is not None and operation["status"] in RUNNING:
                operation["status"] = "CANCELED"
            return dict(operation) if operation else None

    def file(self, name: str) -> tuple[Path, int] | None:
        """The file of that unguessable name and how many objects are in it."""
        for operation in self._operations.values():
            if operation["name"] == name and operation["status"] == "COMPLETED":
                return self.directory / name, int(operation["objectCount"])
        return None


def understood(schema: GraphQLSchema, document: DocumentNode, errors: list[GraphQLError]) -> Plan:
    """The plan of a parsed and validated bulk query; raises NotForBulk with the first error."""
    if errors:
        raise NotForBulk(f"Invalid bulk query: {errors[0].message}")
    return Plan(schema, document)
