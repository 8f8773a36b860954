"""HubSpot's words for what goes wrong, and the shape of what it does in batches."""

import secrets
from collections.abc import Sequence
from typing import Any

from mailhouse.sandbox.wire import Reply


def refusal(status: int, message: str, category: str, **more: Any) -> Reply:
    """HubSpot's shape of every error."""
    body = {"status": "error", "message": message, "correlationId": secrets.token_hex(16), "category": category, **more}
    return Reply(status, body)


def batch(now: str, results: list[dict[str, Any]], errors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answer of a batch; what went wrong stands beside what did not."""
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    return body | ({"numErrors": len(errors), "errors": list(errors)} if errors else {})
