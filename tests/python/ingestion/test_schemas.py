"""The raw tables in git, in the declarations and in the warehouse are the same."""

import difflib
from pathlib import Path

import pytest

from ingestion import schemas
from ingestion.vendors import VENDORS
from mailhouse.settings import Settings, find_project
from tests.python.ingestion.conftest import connect_files

TYPES = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
}


@pytest.fixture
def project():
    return Settings(project=find_project(Path(__file__).parent), workdir=Path(), connections={})


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_file_in_git_is_what_is_declared(project, vendor):
    kept = (schemas.FOLDER / f"{vendor}.yml").read_text(encoding="utf-8").splitlines()
    declared = schemas.text(vendor, project).splitlines()
    difference = "\n".join(difflib.unified_diff(kept, declared, f"{vendor}.yml", "declared", lineterm=""))
    assert not difference, f"run `python -m ingestion.schemas` if this is meant:\n{difference}"


def test_the_file_is_rewritten_when_the_declaration_changes(project, tmp_path):
    assert len(schemas.export(project, tmp_path)) == len(VENDORS)
    assert schemas.export(project, tmp_path) == []
    (tmp_path / "hubspot.yml").write_text("old", encoding="utf-8")
    assert [path.name for path in schemas.export(project, tmp_path)] == ["hubspot.yml"]


def test_what_lands_has_the_declared_columns_and_types(place, vendors):
    connect_files(place)
    assert all(one.is_complete for one in place.land().values())
    for vendor in VENDORS:
        described = schemas.described(vendor, place.settings)
        for table, said in described["tables"].items():
            found = dict(
                place.rows(
                    "select column_name, data_type from information_schema.columns"
                    f" where table_schema = '{described['schema']}' and table_name = '{table}'"
                )
            )
            expected = {name: TYPES[kind] for name, kind in said["columns"].items()}
            assert found == {**expected, "_dlt_load_id": "VARCHAR"}
