"""One dlt pipeline per connection: how it is configured, finished after a crash, healed, and swept of people's rows."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from mailhouse.errors import MailhouseError
from mailhouse.settings import Connection, Settings
from mailhouse.warehouse import DATABASE

log = logging.getLogger("mailhouse.ingestion")

FILE_ROWS = 50_000  # rows a parquet file of a package holds before the next one is begun
FRUGAL_LIMITS = ("64MB", "256MB")  # what a load may take before it is given the warehouse's whole memory
# dlt would keep a gigabyte of changes in the log, and what is not yet in the file stays in memory
STATEMENTS = ["set global checkpoint_threshold = '16MB'"]
LOADS_AT_ONCE = 1  # one file after the other: memory stays that of one file


class LoadVanished(MailhouseError):
    """dlt says that it has loaded, and the warehouse does not hold it."""


def configure() -> None:
    """Say dlt's settings in code: nothing of ours is read from `.dlt/`, nothing is reported anywhere."""
    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    for key, value in {
        "runtime.dlthub_telemetry": False,
        "runtime.log_level": "CRITICAL",  # dlt's own log lines may quote rows; ours do not
        "enable_runtime_trace": False,  # a trace on disk keeps exceptions word by word
        "normalize.parquet_normalizer.add_dlt_load_id": True,
        "load.delete_completed_jobs": True,
        "load.raise_on_failed_jobs": True,
        "data_writer.file_max_items": FILE_ROWS,
        "data_writer.buffer_max_items": 10_000,
    }.items():
        dlt.config[key] = value


def dataset(connection: Connection) -> str:
    """The schema that a connection lands in."""
    return f"raw_{connection.vendor}"


@contextmanager
def pipeline_of(
    settings: Settings, connection: Connection, warehouse: duckdb.DuckDBPyConnection | None = None
) -> Iterator[dlt.Pipeline]:
    """The connection's pipeline; with `warehouse` it can load into that open connection, without it only extract."""
    settings.pipelines.mkdir(parents=True, exist_ok=True)
    # extraction only asks the destination what it is capable of; nothing is opened for it
    credentials = DuckDbCredentials(
        warehouse if warehouse is not None else str(settings.warehouse_path),
        statements=STATEMENTS,
        # the connection to an encrypted warehouse is in memory: dlt's own sessions would land there, and say nothing
        local_config={"schema": f"{DATABASE}.main"} if settings.warehouse_key else None,
    )
    pipeline = dlt.pipeline(
        pipeline_name=connection.id,
        pipelines_dir=str(settings.pipelines),
        destination=dlt.destinations.duckdb(credentials),
        dataset_name=dataset(connection),
    )
    try:
        yield pipeline
    finally:
        pipeline.deactivate()


def finish_pending(settings: Settings, connection: Connection, warehouse: duckdb.DuckDBPyConnection) -> bool:
    """Bring in what an earlier landing left half loaded, and get the state back if the directory was lost.

    True when something was pending. Raises what dlt raises when the load fails again.
    """
    heal(settings, connection, warehouse)
    with pipeline_of(settings, connection, warehouse) as pipeline:
        pending = pipeline.has_pending_data
        if pending:
            log.info("connection %s: finishing the load that was interrupted", connection.id)
            load(pipeline, warehouse)
        pipeline.sync_destination()
    return pending


def load(pipeline: dlt.Pipeline, warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """Normalise and load what is extracted; the ids of the loads. Nothing of the rows stays on disk outside the warehouse.

    Raises LoadVanished when the warehouse does not hold afterwards what was loaded.
    """
    normalised = pipeline.normalize()
    packages = list(pipeline.list_normalized_load_packages())
    for limit in (*FRUGAL_LIMITS, None):
        try:
            with _memory(warehouse, limit):
                pipeline.load(workers=LOADS_AT_ONCE)
        except PipelineStepFailed as failed:
            if limit is None or "Out of Memory Error" not in str(failed):
                raise
            # the package stays pending and its transaction was rolled back: the same load goes on with more memory
            log.info("pipeline %s: %s are too little for this load, trying with more", pipeline.pipeline_name, limit)
            continue
        break
    _require(pipeline, warehouse, packages, {table for table, rows in normalised.row_counts.items() if rows})
    sweep(Path(pipeline.working_dir))
    return packages


def _require(pipeline: dlt.Pipeline, warehouse: duckdb.DuckDBPyConnection, packages: list[str], tables: set[str]) -> None:
    """Read back from the warehouse's own file that each package is recorded, and that each table has rows of them."""
    schema = pipeline.dataset_name
    missing = [f"load {package}" for package in packages if not _is_recorded(schema, warehouse, package)]
    for table in sorted(table for table in tables if not table.startswith("_dlt")):
        loaded = f'select count(*) from "{schema}"."{table}" where list_contains(?, _dlt_load_id)'
        if not warehouse.execute(loaded, [packages]).fetchall()[0][0]:
            missing.append(f"the rows of {table}")
    if missing:
        raise LoadVanished(f"connection {pipeline.pipeline_name}: the warehouse does not hold {missing[0]}; run again")


@contextmanager
def _memory(warehouse: duckdb.DuckDBPyConnection, limit: str | None) -> Iterator[None]:
    """DuckDB kept to `limit` and one thread, so that a large merge spills to disk; None leaves the warehouse's own limit."""
    names = ("memory_limit", "threads", "preserve_insertion_order")
    before = [str(warehouse.execute(f"select current_setting('{name}')").fetchall()[0][0]) for name in names]
    wanted = [limit, "1", "false"] if limit is not None else before
    try:
        for name, value in zip(names, wanted, strict=True):
            warehouse.execute(f"set global {name} = '{value}'")
        yield
    finally:
        for name, value in zip(names, before, strict=True):
            warehouse.execute(f"set global {name} = '{value}'")


def heal(settings: Settings, connection: Connection, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Undo two wedges that a kill leaves in dlt's directory, on which every later landing would stop, and what it dropped.

    Complete but not moved to `loaded/`: thrown away only if the warehouse has recorded that very load as done.
    Normalised but not removed from `extracted/`: the normalised copy is whole, since it appears by one rename.
    """
    work = settings.pipelines / connection.id
    discarded = settings.pipelines / f"{connection.id}.discarded"
    extracted, normalised = work / "normalize" / "extracted", work / "load" / "normalized"
    for package in _packages(normalised):
        if (extracted / package.name).is_dir():
            _discard(extracted / package.name, discarded)
        if (package / "package_completed.json").exists() and _is_recorded(dataset(connection), warehouse, package.name):
            log.info("connection %s: load %s was complete already, its package is removed", connection.id, package.name)
            _discard(package, discarded)
    for package in _packages(work / "load" / "new"):  # a normalisation that did not come to its end is begun anew
        _discard(package, discarded)
    drop_unfinished(settings, connection)


def drop_unfinished(settings: Settings, connection: Connection) -> None:
    """Remove what an extraction that did not come to its end has written: it is begun anew, and its rows are of people."""
    discarded = settings.pipelines / f"{connection.id}.discarded"
    for folder in _packages(settings.pipelines / connection.id / "normalize"):
        if folder.name != "extracted":
            _discard(folder, discarded)
    if discarded.is_dir():
        shutil.rmtree(discarded)


def _packages(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _discard(package: Path, discarded: Path) -> None:
    # moved away in one step first: half a package would be another wedge
    discarded.mkdir(parents=True, exist_ok=True)
    package.rename(discarded / f"{package.parent.parent.name}-{package.parent.name}-{package.name}")


def sweep(working_dir: Path) -> None:
    """Remove finished packages: they hold people's rows in plain text."""
    loaded = working_dir / "load" / "loaded"
    if loaded.is_dir():
        for package in loaded.iterdir():
            shutil.rmtree(package) if package.is_dir() else package.unlink()


def _is_recorded(schema: str, warehouse: duckdb.DuckDBPyConnection, load_id: str) -> bool:
    try:
        found = warehouse.execute(
            f'select count(*) from "{schema}"."_dlt_loads" where load_id = ? and status = 0', [load_id]
        ).fetchall()
    except duckdb.CatalogException:
        return False
    return bool(found[0][0])
