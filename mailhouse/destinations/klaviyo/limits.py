"""What Klaviyo allows: each endpoint's own rates, as Klaviyo publishes them, and the sizes of its calls."""

import json
from importlib.resources import files

from mailhouse.http import Limits, Quota

# how many of what one call carries
JOB_ROWS = 10_000
JOB_BYTES = 5_000_000
PROFILE_BYTES = 100_000
MEMBER_ROWS = 1_000
SUPPRESS_ROWS = 100
EVENT_ROWS = 1_000
# some of the 5 MB are left to what stands around the events
EVENT_BYTES = 4_999_000
PAGE = 100
LIST_PAGE = 10
LOOKUP_ROWS = 100
# longer addresses than these would not be taken by every proxy
QUERY_BYTES = 6_000

# the count of a list is so dear that it has a rate of its own, whatever else is asked of that endpoint
PROFILE_COUNT = "/api/lists/{id}?additional-fields[list]=profile_count"


def _published() -> dict[str, Quota]:
    text = files("mailhouse.vendors").joinpath("klaviyo_limits.json").read_text(encoding="utf-8")
    return {
        endpoint: Quota(per_second=windows["burst"], per_minute=windows["steady"], per_day=windows.get("daily"))
        for endpoint, windows in json.loads(text)["endpoints"].items()
    }


# Klaviyo limits calls and not connections: how many are open is our own choice
LIMITS = Limits(
    connections=10,
    timeout=120.0,
    endpoints={**_published(), f"GET {PROFILE_COUNT}": Quota(per_second=1, per_minute=15)},
    reserved_connections=1,
    reserved_share=0.05,
)
