"""What a query costs before it runs, and what it has cost afterwards, in Shopify's points."""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.type import get_nullable_type

MUTATION = 10.0
CONNECTION = 2.0
# an object costs a point, a scalar none; that the money types count as scalars is our reading, not a documented rule
FREE = {"MoneyBag", "MoneyV2", "PageInfo", "UserError", "BulkOperationUserError", "Count"}
LIST_SIZE = 10


def operation_of(document: DocumentNode) -> OperationDefinitionNode | None:
    """The one operation of a document."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return operations[0] if operations else None


class Cost:
    """Adds up a document that is already known to be valid."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> None:
        self.schema, self.document, self.variables = schema, document, variables
        self.fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

    def requested(self) -> float:
        operation = operation_of(self.document)
        if operation is None:
            return 0.0
        if operation.operation.value == "mutation":
            return MUTATION * len(operation.selection_set.selections)
        return self._selection(operation.selection_set, self.schema.query_type)

    def _selection(self, selection: SelectionSetNode | None, parent: GraphQLCompositeType | None) -> float:
        total = 0.0
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                inner = self.schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                total += self._selection(node.selection_set, inner)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                total += self._selection(fragment.selection_set, self.schema.get_type(fragment.type_condition.name.value))
        return total

    def _field(self, node: FieldNode, parent: GraphQLCompositeType | None) -> float:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None:  # __typename and introspection
            return 0.0
        kind = get_named_type(definition.type)
        if not is_composite_type(kind):
            return 0.0
        args = {argument.name.value: value_from_ast_untyped(argument.value, self.variables) for argument in node.arguments}
        inside = self._selection(node.selection_set, kind)
        if kind.name.endswith("Connection"):
            # edges and nodes are lists of the connection itself, sized by `first`
            return CONNECTION + (args.get("first") or 0) * inside
        if isinstance(parent, GraphQLObjectType) and parent.name.endswith("Connection") and node.name.value == "edges":
            return inside
        each = (0.0 if kind.name in FREE else 1.0) + inside
        if isinstance(parent, GraphQLObjectType) and parent.name.endswith("Connection"):
            return each
        if is_list_type(get_nullable_type(definition.type)):
            ids = args.get("ids")
            return each * (len(ids) if isinstance(ids, list) else args.get("first") or LIST_SIZE)
        return each


def actual(data: Any) -> float:
    """The points of the objects that were really answered."""
    if isinstance(data, list):
        return sum(actual(item) for item in data)
    if not isinstance(data, dict):
        return 0.0
    inside = sum(actual(value) for value in data.values())
    if "edges" in data or "nodes" in data:
        return CONNECTION + inside
    shell = data.keys() & {"node", "shopMoney", "presentmentMoney", "amount", "hasNextPage", "endCursor"}
    return inside if shell else 1.0 + inside
