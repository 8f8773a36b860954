"""The consent models as dbt compiles them, once in a process."""

from typing import Any

import pytest

from tests.python.parsed import parsed_project
from tests.python.proof.models import compiled


@pytest.fixture(scope="session")
def consent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("compiled"), parsed_project)
