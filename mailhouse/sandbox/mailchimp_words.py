"""Mailchimp's shapes that every part of its API has: problems, times, partial answers, pages."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from mailhouse.sandbox.wire import Call, Reply

TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"

# what the header X-Trigger-Error provokes, as on the real API
PROBLEMS = {
    "BadRequest": (400, "Bad Request"),
    "InvalidAction": (400, "Invalid Action"),
    "InvalidResource": (400, "Invalid Resource"),
    "JSONParseError": (400, "JSON Parse Error"),
    "APIKeyMissing": (401, "API Key Missing"),
    "APIKeyInvalid": (401, "API Key Invalid"),
    "Forbidden": (403, "Forbidden"),
    "UserDisabled": (403, "User Disabled"),
    "ResourceNotFound": (404, "Resource Not Found"),
    "MethodNotAllowed": (405, "Method Not Allowed"),
    "ResourceNestingTooDeep": (414, "Resource Nesting Too Deep"),
    "TooManyRequests": (429, "Too Many Requests"),
    "InternalServerError": (500, "Internal Server Error"),
    "ComplianceRelated": (599, "Compliance Related"),
}


class Problem(Exception):
    """A refusal on its way to becoming a problem+json answer."""

    def __init__(self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.errors = status, title, detail, errors

    def reply(self) -> Reply:
        body: dict[str, Any] = {
            "type": TYPE,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": str(uuid.uuid4()),
        }
        if self.errors is not None:
            body["errors"] = self.errors
        return Reply(self.status, body, media="application/problem+json; charset=utf-8")


def not_found() -> Problem:
    return Problem(404, "Resource Not Found", "The requested resource could not be found.")


def invalid(field: str, message: str) -> Problem:
    detail = "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
    return Problem(400, "Invalid Resource", detail, [{"field": field, "message": message}])


def speaking(handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """A handler whose Problems become answers, and whose answers are cut to `fields` and `exclude_fields`."""

    def handle(call: Call) -> Reply:
        try:
            reply = handler(call)
        except Problem as problem:
            return problem.reply()
        if isinstance(reply.body, dict):
            reply.body = partial(reply.body, call)
        return reply

    return handle


def partial(body: dict[str, Any], call: Call) -> dict[str, Any]:
    """Only the dotted paths of `fields`, or all but those of `exclude_fields`."""
    only, without = call.query.get("fields"), call.query.get("exclude_fields")
    if only:
        return _keep(body, _tree(only))
    if without:
        return _drop(body, _tree(without))
    return body


def _tree(paths: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths.split(","):
        branch = tree
        for word in path.strip().split("."):
            branch = branch.setdefault(word, {})
    return tree


def _keep(value: Any, tree: dict[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_keep(item, tree) for item in value]
    if isinstance(value, dict):
        return {key: _keep(value[key], branch) for key, branch in tree.items() if key in value}
    return value


def _drop(value: Any, tree: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_drop(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, inner in value.items():
        if key not in tree:
            kept[key] = inner
        elif tree[key]:
            kept[key] = _drop(inner, tree[key])
    return kept


def window(call: Call) -> tuple[int, int]:
    """`count` (1 to 1000, 10 by default) and `offset`."""
    count, offset = call.query.get("count", "10"), call.query.get("offset", "0")
    if not count.isdigit() or not offset.isdigit() or not 1 <= int(count) <= 1000:
        raise invalid("count", "count must be a number from 1 to 1000, offset one from 0")
    return int(count), int(offset)


def shown(moment: str | None) -> str:
    """A kept time as Mailchimp writes it: whole seconds and an offset, '' for none."""
    return f"{moment[:19]}+00:00" if moment else ""


def hash_of(email: str) -> str:
    """The id of a member: MD5 of the lower-case address."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
