"""With a key the warehouse is encrypted, or nothing is written: there is never a plain file that nobody asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailhouse import encryption
from mailhouse.backup.create import create
from mailhouse.backup.restore import restore
from mailhouse.cli import main
from mailhouse.errors import CredentialsMissing, EncryptionUnavailable, WarehouseLocked
from mailhouse.settings import WAREHOUSE_KEY
from mailhouse.warehouse import Warehouse
from tests.python.keeping.conftest import Keeping

KEY = "a key of the test's own, with a 'quote'"
NEEDLE = "needle-in-the-file@mail.example"


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAREHOUSE_KEY, KEY)


@pytest.fixture
def unable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine whose extension is nowhere to be found."""
    monkeypatch.setattr(encryption, "EXTENSION", "an extension that is not there")
    monkeypatch.setattr(encryption, "WHEEL", "a_wheel_that_is_not_there")


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.usefixtures("unable")
def test_with_a_key_and_an_engine_that_cannot_nothing_is_written(here: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    before = here.settings.warehouse_path.read_bytes()
    monkeypatch.setenv(WAREHOUSE_KEY, KEY)
    for work in (lambda: here.live(2), lambda: create(here.settings), Warehouse(here.settings).publish):
        with pytest.raises(EncryptionUnavailable, match="httpfs") as raised:
            work()
        assert "\n" not in str(raised.value) and KEY not in str(raised.value)
    assert here.settings.warehouse_path.read_bytes() == before


@pytest.mark.usefixtures("unable")
def test_no_file_is_made_and_the_command_says_why_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAREHOUSE_KEY, KEY)
    done = CliRunner().invoke(main, ["--workdir", str(tmp_path / "new"), "run"])
    assert done.exit_code == 1
    assert "httpfs" in done.output and KEY not in done.output and "Traceback" not in done.output
    assert list(tmp_path.glob("new/*.duckdb")) == []


def test_an_empty_key_is_a_mistake_and_no_plain_file(here: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAREHOUSE_KEY, " ")
    with pytest.raises(CredentialsMissing, match="empty"):
        here.live(2)


@pytest.mark.usefixtures("keyed")
class TestEncrypted:
    @pytest.fixture
    def sealed(self, keeping: Callable[[str], Keeping], keyed: None) -> Keeping:
        made = keeping("sealed")
        made.live(1)
        with Warehouse(made.settings).write() as connection:
            connection.execute("set force_compression = 'uncompressed'")
            connection.execute(f"create table marts.people as select '{NEEDLE}' as email from range(2000)")
        Warehouse(made.settings).publish()
        return made

    def test_nothing_can_be_read_in_the_files(self, sealed: Keeping) -> None:
        assert NEEDLE.encode() not in bytes_of(sealed.workdir)
        assert KEY.encode() not in bytes_of(sealed.workdir)
        with Warehouse(sealed.settings).read() as connection:
            assert connection.execute("select count(*) from marts.people where email = ?", [NEEDLE]).fetchall() == [(2000,)]
            (sealing,) = connection.execute(
                "select encrypted from duckdb_databases() where database_name = 'warehouse'"
            ).fetchall()
        assert sealing == (True,)
        assert sealed.generations() == {1}

    def test_nor_in_the_log_of_changes(self, sealed: Keeping) -> None:
        with Warehouse(sealed.settings).write() as connection:
            connection.execute("insert into marts.people select 'another-needle@mail.example' from range(10)")
            assert b"another-needle" not in bytes_of(sealed.workdir)

    def test_nor_in_what_does_not_fit_into_memory(self, sealed: Keeping) -> None:
        with Warehouse(sealed.settings).write() as connection:
            connection.execute("set memory_limit = '60MB'")
            connection.execute("set threads = 1")
            noise = "md5(number::varchar) || md5((number + 1)::varchar)"
            connection.execute(
                f"create temp table many as select 'needle-' || number || '@mail.example' as email, {noise} as noise"
                " from range(900000) as numbers (number)"
            )
            spilled = bytes_of(sealed.workdir / "warehouse.duckdb.tmp")
        assert len(spilled) > 1_000_000
        assert b"@mail.example" not in spilled

    def test_another_key_or_none_does_not_open_it(self, sealed: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
        for key in ("another key", None):
            monkeypatch.delenv(WAREHOUSE_KEY)
            if key:
                monkeypatch.setenv(WAREHOUSE_KEY, key)
            for opened in (Warehouse(sealed.settings).read, Warehouse(sealed.settings).write):
                with pytest.raises(WarehouseLocked, match=WAREHOUSE_KEY) as raised, opened():
                    pass
                assert KEY not in str(raised.value)

    def test_a_plain_warehouse_is_not_opened_with_a_key(
        self, keeping: Callable[[str], Keeping], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = keeping("plain")
        with monkeypatch.context() as patch:
            patch.delenv(WAREHOUSE_KEY)
            plain.live(1)
        with pytest.raises(WarehouseLocked):
            plain.live(2)

    def test_a_backup_of_it_is_encrypted_and_comes_back(self, sealed: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
        path = create(sealed.settings)
        sealed.live(2)
        restore(sealed.settings, path)
        assert sealed.generations() == {1}
        assert NEEDLE.encode() not in bytes_of(sealed.workdir)
        monkeypatch.setenv(WAREHOUSE_KEY, "another key")
        with pytest.raises(WarehouseLocked):
            restore(sealed.settings, path)
