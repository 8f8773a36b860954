"""A refused Klaviyo profile through the whole sync: it is tried again with growing distance, and forgotten once it lands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.sync.both import Both
from tests.python.sync.conftest import Esp, esp  # noqa: F401 - a fixture

BAD = "person3@example.test"


@pytest.fixture
def both(tmp_path: Path, esp: Esp) -> Iterator[Both]:  # noqa: F811
    made = Both(tmp_path / "work", esp)
    yield made
    made.close()


def attempts(both: Both) -> list[tuple]:
    return both.warehouse.execute("select action, membership, attempts from reverse_sync.attempts").fetchall()


def refuse(both: Both) -> None:
    fault = {"vendor": "klaviyo", "method": "POST", "path_contains": "bulk-import", "do": "partial", "rows": [BAD], "times": None}
    both.esp.control("POST", "/faults", [fault])


def test_a_refusal_is_one_and_the_same_whichever_list_the_job_carries(both):
    both.people(range(10))
    both.segment("newsletter", range(10), mailchimp=False)
    refuse(both)
    assert both.sync().ok
    # the job carried the list
    assert attempts(both) == [("write", "", 1)]
    assert BAD not in both.listed("Newsletter")
    assert len(both.listed("Newsletter")) == 9
    # this time others of the job join nothing, so that it carries none
    both.later(hours=2)
    both.rename(5, "Another name")
    assert both.sync().ok
    assert attempts(both) == [("write", "", 2)]
    both.later(hours=1)
    assert both.plan().is_empty
    both.later(hours=2)
    both.esp.control("POST", "/faults", [])
    assert both.sync().ok
    assert attempts(both) == []
    assert BAD in both.listed("Newsletter")
    assert both.plan().is_empty
