"""No secret and no address of anybody is in any file that a run leaves, after success and after every kind of error."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from mailhouse.pii import personal_columns
from mailhouse.warehouse import Warehouse
from tests.python.keeping.errors import DAILY, ERRORS, VENDORS
from tests.python.keeping.leaks import Canaries, leaks
from tests.python.keeping.world import KEY, PERSON, World

ADDRESS = r"[^\s@\"]+@[^\s@\"]+\.[A-Za-z]{2,}"
STORED = ("raw_hubspot", "raw_shopify", "raw_mailchimp", "raw_klaviyo", "raw_inbox", "raw_contact_points", "reverse_sync")
STORED += ("marts", "profiles")
WORKED_OUT = ("staging", "intermediate")


def test_the_scan_finds_what_is_there_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("sent to ANN@mail.example?")
    (tmp_path / "logs" / "b.gz").write_bytes(gzip.compress(b"/members/ann%40mail.example"))
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "c").write_text("ann@mail.example s3cret")
    (tmp_path / "d").write_text("Authorization: s3cret")
    canaries = Canaries(frozenset({b"ann@mail.example"}), frozenset({b"s3cret"}))
    assert leaks(tmp_path, canaries, apart=["kept"]) == {"logs/a.log": 1, "logs/b.gz": 1, "d": 1}


def test_a_whole_run_leaves_nothing_readable(world: World) -> None:
    assert world.first.problems == []
    assert len(world.canaries.addresses) > 100 and len(world.canaries.secrets) >= 5
    assert world.one("select count(*) from reverse_sync.delivered") > 50
    assert world.leaks() == {}


def test_and_all_of_it_is_in_encrypted_files(world: World) -> None:
    for path in (world.settings.warehouse_path, world.settings.published_path):
        with pytest.raises(duckdb.CatalogException, match="encrypted"):
            duckdb.connect(str(path))
        data = path.read_bytes().lower()
        assert [one for one in (PERSON.encode(), KEY.encode(), *sorted(world.canaries.addresses)[:20]) if one in data] == []
    found = {path.name for path in world.settings.workdir.glob("*.duckdb")}
    assert found == {"warehouse.duckdb", "published.duckdb"}


def columns_with_addresses(world: World, schemas: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Every column of text in which at least one value holds an address."""
    with Warehouse(world.settings).read() as connection:
        columns: dict[tuple[str, str], list[str]] = {}
        for schema, table, column in connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_catalog = 'warehouse' and data_type in ('VARCHAR', 'JSON') and list_contains(?, table_schema)",
            [schemas],
        ).fetchall():
            columns.setdefault((schema, table), []).append(column)
        for (schema, table), names in columns.items():
            asked = ", ".join(f"bool_or(regexp_matches(cast(\"{name}\" as varchar), '{ADDRESS}'))" for name in names)
            (holds,) = connection.execute(f'select {asked} from "{schema}"."{table}"').fetchall()
            yield from ((schema, table, name) for name, holds_one in zip(names, holds, strict=True) if holds_one)


@pytest.mark.parametrize("schemas", [STORED, pytest.param(WORKED_OUT, marks=pytest.mark.torture)], ids=["stored", "worked out"])
def test_every_column_in_which_an_address_stands_is_marked(world: World, schemas: tuple[str, ...]) -> None:
    found = list(columns_with_addresses(world, schemas))
    assert {schema for schema, _, _ in found} == set(schemas)
    marked = {(one.schema, one.table, one.column) for one in personal_columns(world.first.project.read_manifest())}
    assert sorted(set(found) - marked) == []


@pytest.mark.parametrize("name", DAILY)
def test_an_error_shows_nobody(world: World, name: str) -> None:
    provoked(world, ERRORS[name])


def test_there_are_thirty_kinds() -> None:
    kinds = {name.split(" ", 1)[1] if name.startswith(VENDORS) else name for name in ERRORS}
    assert len(kinds) >= 30
    assert set(DAILY) <= set(ERRORS)


@pytest.mark.torture
@pytest.mark.parametrize("name", sorted(set(ERRORS) - set(DAILY)))
def test_no_kind_of_error_shows_anybody(world: World, name: str) -> None:
    provoked(world, ERRORS[name])


@pytest.mark.torture
def test_prefect_keeps_nobody_either(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes well, one without a source, and one in which the engine stumbles over a value."""
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
    from prefect.testing.utilities import prefect_test_harness

    from flows import chain, daily

    def stumble(run: chain.Run) -> None:
        with run.warehouse.write() as connection:
            connection.execute("select cast(email as integer) from marts.customers where email is not null").fetchall()

    monkeypatch.setattr(daily, "LAND_AGAIN", 0)
    with prefect_test_harness(server_startup_timeout=120):
        states = [daily.daily(workdir=str(world.settings.workdir), return_state=True)]
        with monkeypatch.context() as patch:
            patch.setenv("KLAVIYO_API_KEY", "some-other-secret")
            states.append(daily.daily(workdir=str(world.settings.workdir), return_state=True))
        with monkeypatch.context() as patch:
            patch.setattr(chain, "plan_sync", stumble)
            states.append(daily.daily(workdir=str(world.settings.workdir), return_state=True))
        database = Path(PREFECT_API_DATABASE_CONNECTION_URL.value().split("///")[1])
        kept = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
    assert [state.is_completed() for state in states] == [True, False, False]
    assert b"the warehouse refused: Conversion Error" in kept
    assert world.canaries.found_in(kept) == set()
    assert b"some-other-secret" not in kept
    assert world.leaks() == {}


def provoked(world: World, provoke: Callable[[World], str]) -> None:
    """The error happens, says what it is, names nobody, and leaves nobody's address in any file."""
    said = provoke(world)
    assert said.strip()
    assert world.canaries.found_in(said.encode()) == set()
    assert world.leaks() == {}
