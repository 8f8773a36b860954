"""One dlt pipeline per connection: how it is configured, finished after a crash, healed, and swept of people's rows."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt

from ingestion.known import loaded_rows
from mailhouse.errors import MailhouseError
from mailhouse.landing_place import LandingPlace
from mailhouse.platforms import Platform
from mailhouse.settings import Connection

log = logging.getLogger("mailhouse.ingestion")

FILE_ROWS = 50_000  # rows a parquet file of a package holds before the next one is begun
LOADS = "_dlt_loads"  # where dlt writes down which loads are done
LOADS_AT_ONCE = 1  # one file after the other: memory stays that of one file


class LoadVanished(MailhouseError):
    """dlt says that it has loaded, and the warehouse does not hold it."""


def configure(platform: Platform) -> None:
    """Say dlt's settings in code: nothing of ours is read from `.dlt/`, nothing is reported anywhere."""
    for key, value in {
        "runtime.dlthub_telemetry": False,
        "runtime.log_level": "CRITICAL",  # dlt's own log lines may quote rows; ours do not
        "enable_runtime_trace": False,  # a trace on disk keeps exceptions word by word
        "normalize.parquet_normalizer.add_dlt_load_id": True,
        "load.delete_completed_jobs": True,
        "load.raise_on_failed_jobs": True,
        "data_writer.file_max_items": FILE_ROWS,
        "data_writer.buffer_max_items": 10_000,
        **platform.dlt_settings,
    }.items():
        dlt.config[key] = value
    # with the first of them dlt has set up its log anew
    logging.getLogger("dlt").setLevel(logging.CRITICAL)


def dataset(connection: Connection) -> str:
    """The schema that a connection lands in."""
    return f"raw_{connection.vendor}"


@contextmanager
def pipeline_of(platform: Platform, connection: Connection, place: LandingPlace | None = None) -> Iterator[dlt.Pipeline]:
    """The connection's pipeline; with `place` it can load into what is open there, without it only extract."""
    platform.pipelines.mkdir(parents=True, exist_ok=True)
    pipeline = dlt.pipeline(
        pipeline_name=connection.id,
        pipelines_dir=str(platform.pipelines),
        # extraction only asks the destination what it is capable of; nothing is opened for it
        destination=platform.destination() if place is None else place.destination,
        dataset_name=dataset(connection),
    )
    try:
        yield pipeline
    finally:
        pipeline.deactivate()


def finish_pending(platform: Platform, connection: Connection, place: LandingPlace) -> bool:
    """Bring in what an earlier landing left half loaded, and get the state back if the directory was lost.

    True when something was pending. Raises what dlt raises when the load fails again.
    """
    heal(platform.pipelines, connection, place)
    with pipeline_of(platform, connection, place) as pipeline:
        pending = pipeline.has_pending_data
        if pending:
            log.info("connection %s: finishing the load that was interrupted", connection.id)
            load(pipeline, place)
        pipeline.sync_destination()
    return pending


def load(pipeline: dlt.Pipeline, place: LandingPlace) -> list[str]:
    """Normalise and load what is extracted; the ids of the loads. Nothing of the rows stays on disk outside the warehouse.

    Raises LoadVanished when the warehouse does not hold afterwards what was loaded.
    """
    normalised = pipeline.normalize()
    packages = list(pipeline.list_normalized_load_packages())
    place.load(pipeline.dataset_name, lambda: pipeline.load(workers=LOADS_AT_ONCE))
    _require(pipeline, place, packages, {table for table, rows in normalised.row_counts.items() if rows})
    sweep(Path(pipeline.working_dir))
    return packages


def _require(pipeline: dlt.Pipeline, place: LandingPlace, packages: list[str], tables: set[str]) -> None:
    """Read back from the warehouse itself that each package is recorded, and that each table has rows of them."""
    schema = pipeline.dataset_name
    missing = [f"load {package}" for package in packages if not is_recorded(schema, place, package)]
    for table in sorted(table for table in tables if not table.startswith("_dlt")):
        if not loaded_rows(place, schema, table, packages):
            missing.append(f"the rows of {table}")
    if missing:
        raise LoadVanished(f"connection {pipeline.pipeline_name}: the warehouse does not hold {missing[0]}; run again")


def heal(pipelines: Path, connection: Connection, place: LandingPlace) -> None:
    """Undo two wedges that a kill leaves in dlt's directory, on which every later landing would stop, and what it dropped.

    Complete but not moved to `loaded/`: thrown away only if the warehouse has recorded that very load as done.
    Normalised but not removed from `extracted/`: the normalised copy is whole, since it appears by one rename.
    """
    work = pipelines / connection.id
    discarded = pipelines / f"{connection.id}.discarded"
    extracted, normalised = work / "normalize" / "extracted", work / "load" / "normalized"
    for package in _packages(normalised):
        if (extracted / package.name).is_dir():
            _discard(extracted / package.name, discarded)
        if (package / "package_completed.json").exists() and is_recorded(dataset(connection), place, package.name):
            log.info("connection %s: load %s was complete already, its package is removed", connection.id, package.name)
            _discard(package, discarded)
    for package in _packages(work / "load" / "new"):  # a normalisation that did not come to its end is begun anew
        _discard(package, discarded)
    drop_unfinished(pipelines, connection)


def drop_unfinished(pipelines: Path, connection: Connection) -> None:
    """Remove what an extraction that did not come to its end has written: it is begun anew, and its rows are of people."""
    discarded = pipelines / f"{connection.id}.discarded"
    for folder in _packages(pipelines / connection.id / "normalize"):
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


def is_recorded(schema: str, place: LandingPlace, load_id: str) -> bool:
    """Whether dlt has written down that the load is done."""
    if LOADS not in place.tables(schema):
        return False
    recorded = f"select count(*) from {place.relation(schema, LOADS)} where load_id = ? and status = 0"
    return bool(place.rows(recorded, [load_id])[0][0])
