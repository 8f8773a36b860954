"""Shopify's Admin API: the token grant, GraphQL with its cost bucket, and the files of bulk operations."""

import threading
from datetime import datetime, timedelta
from functools import lru_cache
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLSchema, build_schema, execute_sync, parse, validate

from mailhouse.sandbox.auth import same, shopify_token
from mailhouse.sandbox.limits import Bucket
from mailhouse.sandbox.runtime import BULK as BULK_FILES
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.shopify_bulk import BulkOperations, NotForBulk, understood
from mailhouse.sandbox.shopify_consent import update_consent
from mailhouse.sandbox.shopify_cost import Cost, actual, operation_of
from mailhouse.sandbox.shopify_customers import delete_customer, erase_customer, merge_customers
from mailhouse.sandbox.shopify_fields import FIELDS, KINDS, Object, Shop, bare
from mailhouse.sandbox.shopify_scopes import denied, installation, scopes_of
from mailhouse.sandbox.wire import Call, Reply, Route

SCHEMA = Path(__file__).with_name("shopify_schema.graphql")
GRAPHQL = "/admin/api/{version}/graphql.json"
TOKEN = "/admin/oauth/access_token"
BULK = "/bulk/{name}"
UNAUTHORIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
# a mutation that only starts or stops reading
READING = {"bulkOperationRunQuery", "bulkOperationCancel"}


class Request(Shop):
    """One query with what its root fields need: the shop itself and its bulk operations."""

    def __init__(self, shopify: "Shopify", base_url: str) -> None:
        super().__init__(shopify.runtime.store)
        self.shopify, self.base_url = shopify, base_url


@lru_cache(maxsize=1)
def schema_with_fields() -> GraphQLSchema:
    """The schema with a resolver on every field that has one of its own."""
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    for (type_name, name), resolver in {**FIELDS, **ROOT}.items():
        definition = schema.type_map[type_name].fields[name]
        definition.resolve = lambda item, info, _resolver=resolver, **args: _resolver(item, args, info.context)
    return schema


@lru_cache(maxsize=256)
def parsed(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """A query and what is wrong with it."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema_with_fields(), document))


class Shopify:
    """One shop and one app."""

    name = "shopify"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.bulk = BulkOperations(runtime.store, runtime.directory / BULK_FILES)
        self._bucket = Bucket(runtime.ticks)
        self._tokens: dict[str, tuple[datetime, int | None]] = {}
        self._lock = threading.Lock()
        self.routes = [Route("POST", TOKEN, self.grant), Route("POST", GRAPHQL, self.graphql), Route("GET", BULK, self.download)]

    def describe(self, call: Call) -> tuple[str, bool | None]:
        """The root fields of the query; a mutation writes, unless it only starts a bulk query."""
        if call.template != GRAPHQL:
            return "", False
        text = _asked(call).get("query")
        document = parsed(text)[0] if isinstance(text, str) else None
        operation = operation_of(document) if document else None
        if operation is None:
            return "", False
        roots = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
        # what is asked for many times under aliases is one thing
        return ",".join(dict.fromkeys(roots)), operation.operation.value == "mutation" and not set(roots) <= READING

    def authenticate(self, call: Call) -> Reply | None:
        # the grant brings its own credentials, a bulk file is opened by its unguessable name
        if call.template in (TOKEN, BULK):
            return None
        token = call.headers.get("x-shopify-access-token", "")
        with self._lock:
            expires_at, calls_left = self._tokens.get(token, (None, None))
            if expires_at is None or expires_at <= self.runtime.store.now() or calls_left == 0:
                self._tokens.pop(token, None)
                return Reply(401, {"errors": UNAUTHORIZED})
            if calls_left is not None:
                self._tokens[token] = (expires_at, calls_left - 1)
        return None

    def admit(self, _: Call) -> Reply | None:
        """Nothing is counted but the points of a query, and those only once it is understood."""
        return None

    def stamp(self, call: Call, reply: Reply) -> None:
        version = call.params.get("version")
        if version:
            reply.headers["X-Shopify-API-Version"] = version

    def refuse(self, status: int) -> Reply:
        if status == 429:
            return self._throttled(None)
        return Reply(status, {"errors": responses.get(status, "Error")})

    # -- the grant ----------------------------------------------------------------------------------------------------
    def grant(self, call: Call) -> Reply:
        """POST access_token: client credentials for a token that lives for a day of the sandbox's clock."""
        asked = _form_or_json(call)
        secrets, limits = self.runtime.secrets["shopify"], self.runtime.limits["shopify"]
        if asked.get("grant_type") != "client_credentials":
            return Reply(400, {"error": "unsupported_grant_type", "error_description": "The grant type is not supported."})
        known = same(str(asked.get("client_id", "")), secrets["client_id"])
        if not (same(str(asked.get("client_secret", "")), secrets["client_secret"]) and known):
            return Reply(401, {"error": "invalid_client", "error_description": "Client authentication failed."})
        token = shopify_token()
        lives, scope = timedelta(seconds=limits["token_seconds"]), ",".join(scopes_of(self.runtime.store))
        with self._lock:
            self._tokens[token] = (self.runtime.store.now() + lives, limits["token_calls"])
        return Reply(200, {"access_token": token, "scope": scope, "expires_in": max(0, limits["token_seconds"] - 1)})

    # -- GraphQL ------------------------------------------------------------------------------------------------------
    def graphql(self, call: Call) -> Reply:
        asked = call.json()
        text = asked.get("query") if isinstance(asked, dict) else None
        if not isinstance(text, str):
            return Reply(400, {"errors": {"query": "Required parameter missing or invalid"}})
        document, errors = parsed(text)
        if document is None or errors:
            return Reply(200, {"errors": [error.formatted for error in errors]})
        if refused := denied(self.runtime.store, document):
            return Reply(200, {"data": None, "errors": refused})
        variables = asked.get("variables") or {}
        limits = self.runtime.limits["shopify"]
        requested = Cost(schema_with_fields(), document, variables).requested()
        if requested > limits["most_per_query"]:
            message = (
                f"Query cost is {requested:.0f}, which exceeds the single query max cost limit ({limits['most_per_query']})."
            )
            error = {"message": message, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": requested}}
            return Reply(200, {"errors": [error]})
        if not self._bucket.take(requested, limits["bucket"], limits["restored_per_second"]):
            return self._throttled(requested)
        request = Request(self, call.base_url)
        operation = operation_of(document)
        is_mutation = operation is not None and operation.operation.value == "mutation"
        if is_mutation:
            with self.runtime.store.transaction():
                result = execute_sync(schema_with_fields(), document, {}, request, variables)
        else:
            result = execute_sync(schema_with_fields(), document, {}, request, variables)
        # the root itself is no object; a mutation costs what it costs, whatever it answers
        used = requested if is_mutation else min(requested, sum(actual(value) for value in (result.data or {}).values()))
        self._bucket.give_back(requested - used)
        body: Object = {"data": result.data, "extensions": {"cost": self._cost(requested, used)}}
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        if request.warnings:
            body["extensions"]["search"] = request.warnings
        return Reply(200, body, rows=_rows(result.data))

    def _cost(self, requested: float | None, used: float | None) -> Object:
        limits = self.runtime.limits["shopify"]
        available = self._bucket.available(limits["bucket"], limits["restored_per_second"])
        return {
            "requestedQueryCost": None if requested is None else round(requested),
            "actualQueryCost": None if used is None else round(used),
            "throttleStatus": {
                "maximumAvailable": float(limits["bucket"]),
                "currentlyAvailable": int(available),
                "restoreRate": float(limits["restored_per_second"]),
            },
        }

    def _throttled(self, requested: float | None) -> Reply:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        body = {"errors": [error], "extensions": {"cost": self._cost(requested, None)}}
        return Reply(self.runtime.limits["shopify"]["throttle_status"], body)

    def download(self, call: Call) -> Reply:
        """GET a bulk operation's file: a stream of JSON lines."""
        found = self.bulk.file(call.params["name"])
        if found is None:
            return self.refuse(404)
        path, rows = found
        return Reply(200, rows=rows, media="application/jsonl", file=path)


# -- root fields that need the app, not only the data -------------------------------------------------------------------
def node(_: Object, args: Object, request: Request) -> Object | None:
    """Any object by its global id; null when there is none."""
    type_name = args["id"].removeprefix("gid://shopify/").partition("/")[0]
    number = bare(args["id"])
    if type_name == "BulkOperation":
        return request.shopify.bulk.poll(number)
    if type_name not in KINDS:
        raise GraphQLError(f"Invalid global id '{args['id']}'")
    item = request.load(type_name, number)
    return None if item is None else {**item, "__typename": type_name}


def run_bulk_query(_: Object, args: Object, request: Request) -> Object:
    limits = request.shopify.runtime.limits["shopify"]
    document, errors = parsed(args["query"])
    try:
        plan = understood(schema_with_fields(), document, list(errors))
        operation = request.shopify.bulk.start(
            args["query"], plan, concurrent=limits["bulk_concurrent"], polls=limits["bulk_polls"], base_url=request.base_url
        )
    except NotForBulk as refused:
        return {"bulkOperation": None, "userErrors": [{"field": ["query"], "message": str(refused)}]}
    return {"bulkOperation": operation, "userErrors": []}


def cancel_bulk_query(_: Object, args: Object, request: Request) -> Object:
    operation = request.shopify.bulk.cancel(bare(args["id"], "BulkOperation"))
    errors = [] if operation else [{"field": ["id"], "message": "Bulk operation does not exist."}]
    return {"bulkOperation": operation, "userErrors": errors}


ROOT: dict[tuple[str, str], Any] = {
    ("QueryRoot", "node"): node,
    ("QueryRoot", "nodes"): lambda _, args, request: [node({}, {"id": one}, request) for one in args["ids"]],
    ("QueryRoot", "currentAppInstallation"): lambda _, __, request: installation(request.store),
    ("QueryRoot", "bulkOperation"): lambda _, args, request: request.shopify.bulk.poll(bare(args["id"], "BulkOperation")),
    ("QueryRoot", "currentBulkOperation"): lambda _, __, request: request.shopify.bulk.latest(),
    ("Mutation", "bulkOperationRunQuery"): run_bulk_query,
    ("Mutation", "bulkOperationCancel"): cancel_bulk_query,
    ("Mutation", "customerEmailMarketingConsentUpdate"): lambda _, args, request: update_consent(request, args["input"]),
    ("Mutation", "customerDelete"): lambda _, args, request: delete_customer(request, args["input"]["id"]),
    ("Mutation", "customerRequestDataErasure"): lambda _, args, request: erase_customer(request, args["customerId"]),
    ("Mutation", "customerMerge"): lambda _, args, request: merge_customers(
        request, args["customerOneId"], args["customerTwoId"]
    ),
}


def _asked(call: Call) -> Object:
    """The JSON body if it is an object; what is wrong with another is answered by the handler."""
    from mailhouse.sandbox.wire import BodyNotReadable

    try:
        asked = call.json()
    except BodyNotReadable:
        return {}
    return asked if isinstance(asked, dict) else {}


def _form_or_json(call: Call) -> Object:
    if "json" in call.headers.get("content-type", ""):
        asked = call.json()
        return asked if isinstance(asked, dict) else {}
    return {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}


def _rows(data: Any) -> int:
    """The nodes that were answered, nested ones included."""
    if isinstance(data, list):
        return sum(_rows(item) for item in data)
    if not isinstance(data, dict):
        return 0
    inside = sum(_rows(value) for value in data.values())
    own = next((len(data[name]) for name in ("edges", "nodes") if isinstance(data.get(name), list)), 0)
    return inside + own
