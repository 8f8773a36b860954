"""Makes klaviyo_limits.json from `x-klaviyo-ratelimit` of Klaviyo's OpenAPI description.

`python -m mailhouse.vendors.klaviyo_limits DESCRIPTION.json` writes the file beside this one. Its shape:
`{"revision": "2026-07-15", "endpoints": {"GET /api/lists/{id}": {"burst": 75, "steady": 750}}}`, where burst is calls a
second, steady calls a minute and daily, where there is one, calls a day.
"""

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
METHODS = ("get", "post", "put", "patch", "delete")


def limits_of(description: dict[str, Any]) -> dict[str, Any]:
    """The table of one description; raises KeyError where an endpoint states no limit."""
    endpoints = {
        f"{method.upper()} {path}": {
            window: int(text.partition("/")[0]) for window, text in operation["x-klaviyo-ratelimit"].items()
        }
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    }
    return {"revision": description["info"]["version"], "endpoints": dict(sorted(endpoints.items()))}


def text_of(description: dict[str, Any]) -> str:
    """The file's text: one endpoint a line, so that a change shows as what it is."""
    table = limits_of(description)
    lines = [f"    {json.dumps(endpoint)}: {json.dumps(limits)}" for endpoint, limits in table["endpoints"].items()]
    body = ",\n".join(lines)
    return f'{{\n  "revision": {json.dumps(table["revision"])},\n  "endpoints": {{\n{body}\n  }}\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
