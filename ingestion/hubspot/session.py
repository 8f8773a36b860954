"""HubSpot's way of saying "slow down": a 429 whose policy tells whether a second, ten seconds or a day is meant."""

import requests

from ingestion.client import parse
from mailhouse.errors import VendorUnreachable

POLICY_WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}


def slow_down(connection_id: str, response: requests.Response) -> float | None:
    """Seconds to wait by the limit's policy. Raises VendorUnreachable when the day's calls are used up."""
    if response.status_code != 429:
        return None
    try:
        body = parse(response.content)
    except ValueError:
        return 10.0
    policy = str(body.get("policyName", "")) if isinstance(body, dict) else ""
    if policy == "DAILY":
        raise VendorUnreachable(
            f"connection {connection_id}: the portal's calls for today are used up; run again after its midnight"
        )
    return POLICY_WAITS.get(policy, 10.0)
