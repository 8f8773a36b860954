"""The company's website: files of events, the same for the same company, and a new one for each day that passes."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from mailhouse import sandbox
from mailhouse.sandbox.company.website_files import DAYS_OF_HISTORY, FOLDER

PEOPLE = 300


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("website") / "sandbox"
    sandbox.create(path, seed=3, customers=PEOPLE)
    return path


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / FOLDER).iterdir())}


def events(directory: Path) -> list[dict]:
    return [json.loads(line) for content in files(directory).values() for line in gzip.decompress(content).splitlines()]


def test_a_third_of_the_people_come_and_some_say_later_who_they_are(directory: Path) -> None:
    found = events(directory)
    assert len({one["messageId"] for one in found}) == len(found)
    browsers = {one["anonymousId"] for one in found}
    visits = Counter(one["messageId"].split("-")[1] for one in found)
    assert 0.2 < len(visits) / PEOPLE < 0.45
    assert 10 < len(found) / len(visits) < 35
    named = {one["anonymousId"] for one in found if "userId" in one}
    assert 0.05 < len(named) / len(browsers) < 0.6
    first = {}
    for one in found:
        first.setdefault(one["anonymousId"], one)
    assert all("userId" not in one for one in first.values())
    assert {"Product Added", "Checkout Started", "Order Completed"} <= {one.get("event") for one in found}


def test_the_same_company_has_the_same_visitors_and_a_day_brings_one_more_file(directory: Path, tmp_path: Path) -> None:
    sandbox.create(tmp_path, seed=3, customers=PEOPLE)
    before = files(tmp_path)
    assert before == files(directory) and len(before) == DAYS_OF_HISTORY
    sandbox.advance(tmp_path, 2)
    after = files(tmp_path)
    assert len(after) == DAYS_OF_HISTORY + 2 and after.items() > before.items()
