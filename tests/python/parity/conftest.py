"""One stand-in for the tests of a module that need no company."""

from collections.abc import Iterator

import pytest

from tests.python.parity.server import StandIn, stand_in


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running
