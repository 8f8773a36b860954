"""The identity commands, called in this process with a project that is parsed once."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailhouse.build import Project
from mailhouse.cli import main
from tests.python.parsed import parse_once

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
FEBRL = {
    "given_name": "given_name", "family_name": "surname", "birth_date": "date_of_birth", "street_number": "street_number",
    "street": "address_1", "locality": "address_2", "city": "suburb", "postcode": "postcode", "region": "state",
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "parse", parse_once)
        yield


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="session")
def call(workdir: Path) -> Callable[..., Result]:
    """`mailhouse identity …`, whatever it ends with."""
    return lambda *arguments: CliRunner().invoke(main, ["--workdir", str(workdir), "identity", *map(str, arguments)])


@pytest.fixture(scope="session")
def scored(call: Callable[..., Result]) -> Callable[..., dict[str, Any]]:
    """The measures of one file: `scored(path, id, truth, {field: column}, more options)`."""

    def score(path: Path, record: str, truth: str, fields: dict[str, str], *options: Any) -> dict[str, Any]:
        mapped = [part for field, column in fields.items() for part in ("--map", f"{field}={column}")]
        done = call("score", path, "--id", record, "--truth", truth, *mapped, "--json", *options)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return score


@pytest.fixture(scope="session")
def febrl(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """A febrl set with the truth, which its ids spell out, in a column of its own."""

    def made(number: int) -> Path:
        source = SHARED / "data" / "febrl" / f"febrl_dataset{number}.csv"
        if not source.exists():
            pytest.skip(f"{source.name} is not beside this checkout (../shared)")
        with source.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        path = tmp_path_factory.mktemp("febrl") / f"febrl{number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "truth"])
            writer.writeheader()
            writer.writerows(row | {"truth": row["rec_id"].split("-")[1]} for row in rows)
        return path

    return made
