"""The only place that opens the warehouse: one writer, and a published copy for everyone who reads."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import duckdb

from mailhouse import encryption
from mailhouse.backup import swap
from mailhouse.errors import WarehouseBusy, WarehouseLocked, WarehouseMissing
from mailhouse.files import flush
from mailhouse.platforms import Manifest, Platform, Prepared, platform_of
from mailhouse.settings import WAREHOUSE_KEY, Settings

DATABASE = "warehouse"
MEMORY_LIMIT = "1GB"
CONFIG = {"autoinstall_known_extensions": "false", "memory_limit": MEMORY_LIMIT}
# not part of CONFIG: DuckDB takes the zone only once its extension for time zones is loaded, and the bar for one connection
# alone. Left on, it would be written into what a command says
SET = "set TimeZone = 'UTC'; set enable_progress_bar = false"


class Warehouse:
    """The DuckDB file of a work directory, called `warehouse` inside SQL.

    `guard` is asked before each opening for writing, and raises when this process may not write (any more).
    """

    def __init__(self, settings: Settings, guard: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self._guard = guard

    @cached_property
    def platform(self) -> Platform:
        """Where dbt builds."""
        return platform_of(self.settings)

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write; the file is made when absent. Raises WarehouseBusy when another process holds it.

        What is written to the sync's state is kept on the platform as well, before it is committed.
        """
        with self._writing() as connection, self.platform.recorded(connection) as recorded:
            yield recorded

    def refresh(self, manifest: Callable[[], Manifest]) -> None:
        """Bring what the platform has of this warehouse, where that is another; `manifest` is only asked for then."""
        self.platform.refresh(self._writing, manifest)

    def prepare_raw(self, manifest: Manifest) -> Prepared:
        """Make the raw tables ready for a build, wherever they are."""
        prepared = self.platform.prepare_raw(self._writing, manifest)
        if prepared.taken_out:
            # who was erased came another way than through a landing: their bytes go as well
            self.rewrite()
        return prepared

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._guard()
        self.settings.workdir.mkdir(parents=True, exist_ok=True)
        swap.finish(self.settings)
        connection = self._open(self.settings.warehouse_path, read_only=False)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection on the published copy, under the warehouse's own name, which nothing can change."""
        path = self.settings.published_path
        if not path.exists():
            raise WarehouseMissing(f"{path}: no published warehouse yet; run `mailhouse run` or `mailhouse demo` first")
        connection = self._open(path, read_only=True)
        try:
            yield connection
        finally:
            connection.close()

    def publish(self) -> Path:
        """Swap in a fresh read-only copy, with the manifest beside it; readers of the old one keep it until they close.

        The warehouse must have no writer in this process: the copy is of the file as it is on disk.
        """
        self.platform.settle(self._writing)
        fresh = self.settings.published_path.with_suffix(".fresh")
        self.copy_to(fresh)
        os.replace(fresh, self.settings.published_path)
        if self.settings.manifest.exists():
            self.settings.published_target.mkdir(parents=True, exist_ok=True)
            fresh_manifest = self.settings.published_target / "manifest.fresh"
            shutil.copyfile(self.settings.manifest, fresh_manifest)
            os.replace(fresh_manifest, self.settings.published_target / "manifest.json")
        return self.settings.published_path

    def copy_to(self, path: Path) -> None:
        """Copy all that is in the warehouse into another file, on disk when this returns; no writer may be in this process."""
        with self._writing() as connection:
            connection.execute("checkpoint")
        shutil.copyfile(self.settings.warehouse_path, path)
        flush(path)

    def rewrite(self, before_swap: Callable[[], None] = lambda: None) -> None:
        """Copy all that there is into a new file and put it in the place of the old one, whose bytes go with it.

        DuckDB keeps what was deleted in its file, whatever is done to it in place. The warehouse must have no writer in this
        process. Whoever dies in the middle leaves the old file; the half of a new one is removed by the next.
        """
        path = self.settings.warehouse_path
        fresh = path.with_suffix(".rewritten")
        self._remove(fresh)
        with self._writing() as connection:
            connection.execute("checkpoint")
        connection = duckdb.connect(config=CONFIG)
        try:
            connection.execute(SET)
            self._attach(connection, path, "written_before", read_only=True)
            self._attach(connection, fresh, DATABASE, read_only=False)
            # the new file has the warehouse's own name, which its views say
            connection.execute(f"copy from database written_before to {DATABASE}")
            connection.execute(f"checkpoint {DATABASE}")
        finally:
            connection.close()
        flush(fresh)
        before_swap()
        os.replace(fresh, path)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        flush(path.parent)

    @staticmethod
    def _remove(path: Path) -> None:
        for leftover in (path, path.with_name(f"{path.name}.wal")):
            leftover.unlink(missing_ok=True)

    def _open(self, path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        key = self.settings.warehouse_key
        try:
            if key is None and not read_only:
                connection = duckdb.connect(str(path), config=CONFIG)
            else:
                connection = duckdb.connect(config=CONFIG)
                self._attach(connection, path, DATABASE, read_only=read_only)
                connection.execute(f"use {DATABASE}")
            connection.execute(SET)
            return connection
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise WarehouseBusy(f"{path}: another process is writing; wait for it, or read with `mailhouse sql`") from error
            raise
        except duckdb.CatalogException as error:
            if key is None and "encrypted" in str(error).lower():
                raise WarehouseLocked(f"{path}: is encrypted; set {WAREHOUSE_KEY} to the key it was made with") from error
            raise

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool) -> None:
        """Give a connection in memory the file under a name, with the key where there is one."""
        key = self.settings.warehouse_key
        if key is None:
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name}{' (read_only)' if read_only else ''}")
        else:
            if not read_only:
                encryption.allow_writing(connection)
            encryption.attach(connection, path, name, key, read_only=read_only)


@contextmanager
def in_memory(databases: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in memory, in UTC, in which these databases are called as they are in the real one."""
    connection = duckdb.connect(config=CONFIG)
    try:
        connection.execute(SET)
        for database in databases:
            quoted = database.replace('"', '""')
            connection.execute(f"attach ':memory:' as \"{quoted}\"")
        yield connection
    finally:
        connection.close()
