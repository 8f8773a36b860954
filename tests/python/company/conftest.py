"""Companies that several tests look at, each generated once a worker."""

import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from mailhouse.sandbox import company
from mailhouse.sandbox.store import Row, Store

# pytest imports each test file on its own; the rules beside them are imported by name
sys.path.insert(0, str(Path(__file__).parent))

ORDERS = Path(__file__).parents[4] / "shared" / "data" / "orders"


@dataclass
class Seeded:
    """A company with its store and truth."""

    store: Store
    truth_path: Path
    summary: company.Summary

    def rows(self, kind: str) -> list[Row]:
        """All objects of a kind, archived ones too."""
        return self.store.page(kind, limit=10_000_000, deleted=None)

    def truth(self) -> list[tuple[str, str, str, str | None]]:
        """(source, record_id, person_id, customer_ref)."""
        with duckdb.connect(str(self.truth_path), read_only=True) as connection:
            return connection.execute("select source, record_id, person_id, customer_ref from truth order by all").fetchall()


def make(directory: Path, **arguments) -> Seeded:
    """Seeds a company in a directory of its own."""
    store = Store(directory / "state.db")
    arguments = {"seed": 7, "customers": 300} | arguments
    summary = company.seed(store, directory / "truth.duckdb", **arguments)
    return Seeded(store, directory / "truth.duckdb", summary)


@pytest.fixture(scope="session")
def seeded_5000(tmp_path_factory) -> Seeded:
    return make(tmp_path_factory.mktemp("company_5000"), seed=7, customers=5_000)


@pytest.fixture(scope="session")
def seeded_1500(tmp_path_factory) -> Seeded:
    return make(tmp_path_factory.mktemp("company_1500"), seed=20_261, customers=1_500)


def orders_file(name: str) -> Path:
    """A file of real purchases; skips where it is not at hand."""
    path = ORDERS / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (../shared/data/orders)")
    return path


@pytest.fixture(scope="session")
def seeded_cdnow(tmp_path_factory) -> Seeded:
    return make(tmp_path_factory.mktemp("cdnow"), orders_file=orders_file("cdnow_sample.parquet"))


@pytest.fixture(scope="session")
def seeded_retail(tmp_path_factory) -> Seeded:
    return make(tmp_path_factory.mktemp("retail"), orders_file=orders_file("online_retail_to_2011-08-31.parquet"))
