"""A warehouse of its own for a file of records, in which the project's identity models run as they do in the real one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from mailhouse.build import Project
from mailhouse.errors import BuildFailed
from mailhouse.identity.em import NAMES
from mailhouse.identity.weights import Weights
from mailhouse.settings import Settings, prepare_environment
from mailhouse.warehouse import Warehouse

# What the file's records stand in for: these models are not run, and nothing before them.
STAND_INS = ("int_people_united", "int_contact_points_united", "int_record_links_united", "int_identity_records_given")
COMPARED = ("int_identity_pairs_compared", "int_identity_patterns_counted")
RESOLVED = ("int_identities_clustered", "int_identity_reviews")
PEOPLE = """
create schema if not exists intermediate;
create table intermediate.int_people_united as
select record_number, id as record_key, cast(null as varchar) as given_key, cast(null as varchar) as surname_key from taken;
create table intermediate.int_contact_points_united
    (record_key varchar, kind varchar, value varchar, wide_value varchar, is_valid boolean);
create table intermediate.int_record_links_united (record_number bigint, root_number bigint);
"""


class Scratch:
    """The project on a work directory that nobody keeps."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._project = Project(settings)

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with Warehouse(self.settings).write() as connection:
            yield connection

    def stand_in(self) -> None:
        """Put the taken records in the place of the company's people; only their fields speak, no rule."""
        with self.open() as connection:
            connection.execute(PEOPLE)
            fields = ", ".join(NAMES)
            connection.execute(
                f"""
                create table intermediate.int_identity_records_given as
                select record_number, {fields}, false as is_strict from taken
                """
            )

    def put_weights(self, weights: Weights) -> None:
        """The weights, where the seed would be."""
        columns = "comparison varchar, level bigint, m double, u double, weight double, h double, household_weight double"
        with self.open() as connection:
            connection.execute(f"create table intermediate.identity_weights ({columns})")
            connection.executemany("insert into intermediate.identity_weights values (?, ?, ?, ?, ?, ?, ?)", weights.table())

    def compare(self) -> None:
        """Find and compare pairs."""
        self._build(COMPARED, ())

    def resolve(self, done: tuple[str, ...] = COMPARED) -> None:
        """Score the compared pairs, and put together who belongs together; `done` are models that need not run any more."""
        self._build(RESOLVED, done)

    def _build(self, wanted: tuple[str, ...], done: tuple[str, ...]) -> None:
        if self._project.manifest is None:
            self._project.parse()
        left_out = [f"+{name}" for name in (*STAND_INS, *done)] + ["identity_weights"]
        command = ["build", "--select", *(f"+{name}" for name in wanted), "--exclude", *left_out]
        result = self._project.run([*command, "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"])
        if not result.success:
            failed = [run.node.name for run in (result.result.results if result.result else []) if run.status == "error"]
            raise BuildFailed(f"identity: {failed[0] if failed else 'dbt'} could not be built; `mailhouse check` says why")


@contextmanager
def scratch(settings: Settings) -> Iterator[Scratch]:
    """A scratch warehouse beside the work directory, gone afterwards."""
    settings.workdir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="identity-", dir=settings.workdir) as folder:
        try:
            yield Scratch(replace(settings, workdir=Path(folder)))
        finally:
            prepare_environment(settings)
