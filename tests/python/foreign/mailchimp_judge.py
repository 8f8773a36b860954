"""Judges what goes between our code and the sandbox's Mailchimp by Mailchimp's own description, the old one that there is.

It is of Swagger 2.0 and of years ago: what came later is named here, one by one, and nothing else is let through. A request that
is wrong by it must not be taken; one that the sandbox refused has had its answer.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

from mailhouse.sandbox.judging import Exchange
from tests.python.foreign.openapi_judge import ON_PURPOSE

DESCRIPTION = Path(__file__).parents[4] / "shared" / "specs" / "mailchimp" / "mailchimp_3.0.0_old.json"
ROOT = "/3.0"
VERBS = ("get", "put", "post", "patch", "delete")
# a page is made by one hand throughout: its first and last elements stand for it, and the run stays quick
ENDS = 10

# endpoints that came later
LATER = {
    "/lists/{list_id}/members/{subscriber_hash}/tags",
    "/lists/{list_id}/members/{subscriber_hash}/events",
    "/lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent",
}
LATER_METHODS = {"POST /lists/{list_id}/members", "PUT /lists/{list_id}/members/{subscriber_hash}"}
# names in a query and in a body that came later, by the endpoint
_EVERYBODY = {"include_cleaned", "include_transactional", "include_unsubscribed"}
LATER_QUERY = {
    "GET /automations": {"count", "offset", "status"},
    "GET /lists/{list_id}/members": {"sort_field", "sort_dir"},
    "GET /lists/{list_id}/segments/{segment_id}": _EVERYBODY,
    "GET /lists/{list_id}/segments/{segment_id}/members": _EVERYBODY,
    "GET /reports/{campaign_id}/email-activity": {"since"},
    "POST /lists/{list_id}": {"skip_merge_validation", "skip_duplicate_check"},
    "POST /lists/{list_id}/members": {"skip_merge_validation"},
    "PUT /lists/{list_id}/members/{subscriber_hash}": {"skip_merge_validation"},
    "PATCH /lists/{list_id}/members/{subscriber_hash}": {"skip_merge_validation"},
}
LATER_NAMES = {
    "POST /lists/{list_id}": {"members": {"status_if_new", "tags"}, "": {"sync_tags"}},
    "POST /lists/{list_id}/members": {"": {"tags"}},
}
# values of a name, wherever it stands, that came later
LATER_VALUES = {"status": ["archived"], "workflow_type": ["tagAdded"]}


class MailchimpJudge:
    """The description, with the schema of each body ready to be asked."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._description = _with_later_values(description)
        self._templates = [*description["paths"], *LATER]
        self._validators: dict[tuple[str, str], Draft4Validator] = {}
        self.judged = 0

    def __call__(self, exchange: Exchange) -> list[str]:
        """What is wrong with the exchange, with neither bodies nor addresses in the words."""
        self.judged += 1
        template = self._template(exchange.path.removeprefix(ROOT) or "/")
        if template is None:
            # what is no endpoint of the vendor's must have been refused
            return [f"{exchange.method} {exchange.path}: there is no such endpoint"] if exchange.status != 404 else []
        operation = self._description["paths"].get(template, {}).get(exchange.method.lower())
        endpoint = f"{exchange.method} {template}"
        if operation is None:
            later = template in LATER or endpoint in LATER_METHODS
            return [] if later or exchange.status in (404, 405) else [f"{endpoint}: there is no such method"]
        is_taken = exchange.status < 300 and not exchange.answer_is_bent
        found = list(self._about_request(endpoint, operation, exchange)) if is_taken else []
        if ON_PURPOSE.lower() in exchange.headers:
            found = ["a wrong request was taken"] if found else []
        if is_taken and exchange.answer:
            found += self._about_answer(endpoint, operation, exchange)
        return [f"{endpoint} -> {exchange.status}: {complaint}" for complaint in found]

    def _template(self, path: str) -> str | None:
        fitting = [one for one in self._templates if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path)]
        return min(fitting, key=lambda one: one.count("{"), default=None)

    def _about_request(self, endpoint: str, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        parameters = [self._resolved(one) for one in operation.get("parameters", ())]
        known = {one["name"] for one in parameters if one["in"] == "query"} | LATER_QUERY.get(endpoint, set())
        for name in sorted(exchange.query.keys() - known):
            yield f"the query: {name} is not described"
        schema = next((one["schema"] for one in parameters if one["in"] == "body"), None)
        if schema is None or not exchange.body:
            return
        body = json.loads(exchange.body)
        errors = list(self._validator(endpoint, "body", schema).iter_errors(body))
        for error in errors:
            yield f"the body: {error.validator} at {'/'.join(str(part) for part in error.absolute_schema_path)}"[:200]
        if errors:
            return
        later = LATER_NAMES.get(endpoint, {})
        yield from _undescribed(self._resolved(schema), body, later.get("", set()))
        for name, names in later.items():
            if name:
                members = self._resolved(schema["properties"][name]["items"])
                for one in body.get(name, ())[:ENDS]:
                    yield from _undescribed(members, one, names)

    def _about_answer(self, endpoint: str, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        schema = operation["responses"].get(str(exchange.status), {}).get("schema")
        if schema is not None:
            for error in self._validator(endpoint, "answer", schema).iter_errors(_ends(json.loads(exchange.answer))):
                yield f"the answer: {error.validator} at {'/'.join(str(part) for part in error.absolute_schema_path)}"[:200]

    def _validator(self, endpoint: str, what: str, schema: Mapping[str, Any]) -> Draft4Validator:
        if (endpoint, what) not in self._validators:
            whole = {**schema, "definitions": self._description["definitions"]}
            self._validators[endpoint, what] = Draft4Validator(whole)
        return self._validators[endpoint, what]

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        _, section, name = node["$ref"].split("/")
        return self._description[section][name]


def _with_later_values(description: Mapping[str, Any]) -> Mapping[str, Any]:
    found = json.loads(json.dumps(description))

    def add(node: Any) -> None:
        if isinstance(node, dict):
            for name, values in LATER_VALUES.items():
                if isinstance(node.get(name), dict) and "enum" in node[name]:
                    node[name]["enum"] += values
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                add(one)

    add(found)
    return found


def _undescribed(schema: Mapping[str, Any], body: Any, later: set[str]) -> Iterator[str]:
    if schema.get("properties") and isinstance(body, dict):
        for name in sorted(body.keys() - schema["properties"].keys() - later):
            yield f"the body: {name} is not described"


def _ends(node: Any) -> Any:
    """The same with long lists cut to their first and last elements."""
    if isinstance(node, dict):
        return {name: _ends(value) for name, value in node.items()}
    if isinstance(node, list):
        kept = node if len(node) <= 2 * ENDS else [*node[:ENDS], *node[-ENDS:]]
        return [_ends(one) for one in kept]
    return node


@cache
def mailchimp() -> MailchimpJudge | None:
    """The judge by Mailchimp's description; None where it is not beside this checkout."""
    return MailchimpJudge(json.loads(DESCRIPTION.read_text(encoding="utf-8"))) if DESCRIPTION.exists() else None


def objections(exchange: Exchange) -> list[str]:
    """What is wrong with an exchange with Mailchimp."""
    found = mailchimp()
    return [] if found is None else found(exchange)
