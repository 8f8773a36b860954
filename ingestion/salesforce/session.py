"""Salesforce's way of saying "slow down": a 403 whose code is REQUEST_LIMIT_EXCEEDED, which is no refusal of credentials."""

from typing import Any

import requests

from ingestion.client import parse
from mailhouse.vendors.salesforce_grant import LIMIT_EXCEEDED

PAUSE = 30.0  # seconds; nothing says how long, and the calls of 24 hours come back one by one


def slow_down(response: requests.Response) -> float | None:
    """Seconds to wait when the org's calls are used up."""
    if response.status_code != 403:
        return None
    return PAUSE if LIMIT_EXCEEDED in codes(response) else None


def codes(response: requests.Response) -> set[str]:
    """The error codes of an answer, none when it is not in Salesforce's words."""
    try:
        body: Any = parse(response.content)
    except ValueError:
        return set()
    return {str(one.get("errorCode", "")) for one in body if isinstance(one, dict)} if isinstance(body, list) else set()
