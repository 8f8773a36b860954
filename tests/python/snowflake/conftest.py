"""A stand-in for a Snowflake account, and machines that work on one database of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mailhouse.settings import Settings, load_settings
from mailhouse.warehouse import Warehouse
from tests.python.parity.server import ROOT, StandIn, stand_in

# nothing was built: only the state is looked at
NOTHING_BUILT = {"nodes": {}, "exposures": {"one": {"name": "mailhouse", "depends_on": {"nodes": []}}}}
numbers = count(1)


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@dataclass(frozen=True)
class Account:
    """One database of the stand-in."""

    standin: StandIn
    database: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.standin.session(database=self.database) as session:
            return session.cursor().execute(query).fetchall()

    def run(self, statement: str) -> None:
        with self.standin.session(database=self.database) as session:
            session.cursor().execute(statement)


@pytest.fixture
def account(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An empty database, to which dbt's target points."""
    database = f"mailhouse_{next(numbers)}"
    with standin.session() as session:
        session.cursor().execute(f"create database {database}")
    for name, value in {**standin.environment, "MAILHOUSE_DATABASE": database, "DBT_TARGET": "snowflake"}.items():
        monkeypatch.setenv(name, value)
    return Account(standin, database)


class Machine:
    """A work directory that works on it."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = load_settings(folder, project=ROOT)
        self.warehouse = Warehouse(self.settings)

    def begin(self) -> None:
        """What every run does first."""
        self.warehouse.refresh(lambda: NOTHING_BUILT)

    def state(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        with self.warehouse.write() as connection:
            return {
                name: connection.execute(f"select * from warehouse.reverse_sync.{name} order by all").fetchall()
                for name in tables
            }


@pytest.fixture
def machine(account: Account, tmp_path: Path) -> Callable[[str], Machine]:
    """Makes a machine by its name, or gives it back as it was left."""

    def made(name: str) -> Machine:
        (tmp_path / name).mkdir(exist_ok=True)
        return Machine(tmp_path / name)

    return made
