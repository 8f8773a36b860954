"""Nothing that we ship can take a no back: the endpoints that would are named nowhere outside the sandbox."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = [
    path
    for folder in ("mailhouse", "ingestion", "flows")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "sandbox" not in path.parts
]
KLAVIYO = sorted((ROOT / "mailhouse" / "destinations" / "klaviyo").rglob("*"))


@pytest.mark.parametrize(
    "job",
    [
        "subscription-bulk-create",  # subscribes, and lifts suppressions as it does
        "suppression-bulk-delete",  # unsuppresses
    ],
)
def test_no_job_that_subscribes_or_unsuppresses_is_named(job):
    assert [path.relative_to(ROOT).as_posix() for path in SHIPPED if job in path.read_text(encoding="utf-8")] == []


def test_the_klaviyo_destination_knows_no_such_verb():
    verb = re.compile(
        r"unsuppress|resubscribe|(?<!un)subscribe_|def subscribe|subscription-bulk|historical_import|\"SUBSCRIBED\""
    )
    wrong = [path.name for path in KLAVIYO if path.suffix == ".py" and verb.search(path.read_text(encoding="utf-8"))]
    assert KLAVIYO
    assert wrong == []
