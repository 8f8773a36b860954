"""HubSpot's words for what goes wrong."""

import secrets
from typing import Any

from mailhouse.sandbox.wire import Reply


def refusal(status: int, message: str, category: str, **more: Any) -> Reply:
    """HubSpot's shape of every error."""
    body = {"status": "error", "message": message, "correlationId": secrets.token_hex(16), "category": category, **more}
    return Reply(status, body)
