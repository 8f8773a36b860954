"""What all tests share: the companies that several tests look at are made once, on one worker."""

from pathlib import Path

import pytest

# Folders whose fixtures cost more than their tests: a second worker would only make everything twice.
ONE_WORKER = {"company"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = Path(item.path).parent.name
        if folder in ONE_WORKER and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(folder))
