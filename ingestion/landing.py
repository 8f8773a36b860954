"""Landing: every connection is read side by side, what was read is loaded one after the other, a broken one stops alone."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dlt
import duckdb

from ingestion import pipelines, quality
from ingestion.known import REMOVED, Known
from ingestion.source import Landing
from ingestion.vendors import VENDORS
from mailhouse.clock import Clock, stopwatch
from mailhouse.errors import ConfigurationError, MailhouseError
from mailhouse.landing_place import LandingPlace
from mailhouse.platforms import Platform
from mailhouse.privacy.arrivals import Arrivals
from mailhouse.settings import Connection, Settings
from mailhouse.warehouse import Warehouse

log = logging.getLogger("mailhouse.ingestion")
Progress = Callable[[str, str, int], None]  # connection id, table, rows read of it so far


class LandingFailed(MailhouseError):
    """A source could not be landed for a reason that is not the vendor's; the cause is attached for `--debug`."""


@dataclass(frozen=True)
class Landed:
    """What landing one connection came to: rows read, new and changed for each table, or the error that stopped it."""

    connection_id: str
    vendor: str
    rows: dict[str, int] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    load_ids: tuple[str, ...] = ()
    finished_pending: bool = False
    seconds: float = 0.0
    error: MailhouseError | None = None

    @property
    def is_complete(self) -> bool:
        return self.error is None

    @property
    def set_aside(self) -> tuple[str, ...]:
        """A line about rows that could not be taken, when there were any."""
        count = self.rows.get("quarantine", 0)
        return (f"{self.connection_id}: {count:,} rows were set aside; {self.schema}.quarantine says why",) if count else ()

    @property
    def schema(self) -> str:
        return f"raw_{self.vendor}"

    @property
    def error_code(self) -> str | None:
        """The kind of error, for tables and dashboards."""
        return type(self.error).__name__ if self.error else None


def land(
    settings: Settings, clock: Clock, *, only: Iterable[str] | None = None, progress: Progress | None = None
) -> list[Landed]:
    """Land the connections (`only` those ids); one result each, in the order of connections.yml.

    What an interrupted landing left is finished first, then new data is read in the same call. Raises ConfigurationError
    for an unknown id, WarehouseBusy, and what the platform raises when nobody gets in; everything else that stops a connection
    is in its result.
    """
    chosen = _chosen(settings, only)
    results = {connection.id: Landed(connection.id, connection.vendor) for connection in chosen}
    warehouse = Warehouse(settings)
    platform = warehouse.platform
    pipelines.configure(platform)
    started = {connection.id: stopwatch() for connection in chosen}
    with warehouse.write() as db, platform.landing_place(db) as place:
        for connection in chosen:
            results[connection.id] = _finish(platform, connection, place, results[connection.id])
    ready = [connection for connection in chosen if results[connection.id].is_complete]
    with ThreadPoolExecutor(max_workers=max(1, len(ready)), thread_name_prefix="landing") as threads:
        waiting: dict[Future[Landing], Connection] = {
            threads.submit(_extract, settings, platform, connection, clock, progress): connection for connection in ready
        }
        for done in as_completed(waiting):
            connection = waiting[done]
            before = results[connection.id]
            with warehouse.write() as db:
                load = partial(_load, settings, platform, connection, done, before, db)
                result = _guarded(platform, before, load)
            results[connection.id] = replace(result, seconds=stopwatch() - started[connection.id])
    landed = list(results.values())
    with warehouse.write() as db:
        quality.record(db, landed, clock.now())
    return landed


def _chosen(settings: Settings, only: Iterable[str] | None) -> list[Connection]:
    if only is None:
        return list(settings.connections.values())
    chosen = []
    for identifier in only:
        if identifier not in settings.connections:
            known = ", ".join(settings.connections) or "none"
            raise ConfigurationError(f"unknown connection `{identifier}`; connections.yml names {known}")
        chosen.append(settings.connections[identifier])
    return chosen


def _finish(platform: Platform, connection: Connection, place: LandingPlace, before: Landed) -> Landed:
    finish = partial(pipelines.finish_pending, platform, connection, place)
    return _guarded(platform, before, lambda: replace(before, finished_pending=finish()))


def _extract(settings: Settings, platform: Platform, connection: Connection, clock: Clock, progress: Progress | None) -> Landing:
    landing = Landing(connection, clock, arrivals=Arrivals(settings))
    if progress is not None:
        landing.progress = lambda table, rows: progress(connection.id, table, rows)
    make = VENDORS[connection.vendor].source
    with pipelines.pipeline_of(platform, connection) as pipeline:
        try:
            pipeline.extract(make(landing, settings), loader_file_format="parquet")
            while landing.package_is_full:
                landing.begin_package()
                pipeline.extract(make(landing, settings), loader_file_format="parquet")
        finally:
            pipelines.drop_unfinished(platform.pipelines, connection)
    return landing


def _load(
    settings: Settings,
    platform: Platform,
    connection: Connection,
    extracted: Future[Landing],
    before: Landed,
    db: duckdb.DuckDBPyConnection,
) -> Landed:
    landing = extracted.result()
    with platform.landing_place(db) as place:
        known = Known(db, place, connection)
        had = known.counts()
        with pipelines.pipeline_of(platform, connection, place) as pipeline:
            load_ids = pipelines.load(pipeline, place)
            vendor = VENDORS[connection.vendor]
            if vendor.gone is not None:
                gone = vendor.gone(landing, settings, known)
                if gone:
                    pipeline.extract(_removed(Landing(connection, landing.clock), gone), loader_file_format="parquet")
                    load_ids += pipelines.load(pipeline, place)
        return _counted(before, landing, known, had, load_ids)


def _counted(before: Landed, landing: Landing, known: Known, had: dict[str, int], load_ids: list[str]) -> Landed:
    new, changed = {}, {}
    for table, count in known.counts().items():
        new[table] = max(0, count - had.get(table, 0))
        changed[table] = max(0, known.loaded(table, load_ids) - new[table])
    return replace(
        before,
        rows=dict(landing.read),
        new=new,
        changed=changed,
        unlisted=tuple(landing.unlisted.named),
        load_ids=tuple(load_ids),
    )


def _removed(landing: Landing, gone: list[dict[str, Any]]) -> Any:
    @dlt.source(name=landing.connection.vendor)
    def removed() -> Any:
        return landing.resource(REMOVED, lambda: [gone])

    return removed()


def _guarded(platform: Platform, before: Landed, work: Callable[[], Landed]) -> Landed:
    """The result of `work`, or `before` with the error that stopped it, as one line that names no person."""
    try:
        return work()
    except MailhouseError as error:
        found = error
    except Exception as failed:  # noqa: BLE001  kept as the cause; whatever stops one source must not stop the others
        found = _cause(platform, failed, before.connection_id)
    log.error("%s", found)
    return replace(before, error=found)


def _cause(platform: Platform, failed: BaseException, connection_id: str) -> MailhouseError:
    """An error of ours or of the platform inside dlt's wrapping, else a line that names the kind of failure.

    The rest is kept for `--debug`.
    """
    inner: BaseException | None = failed
    deepest = failed
    while inner is not None:
        if isinstance(inner, MailhouseError):
            return inner
        if refused := platform.refused(inner):
            refused.__cause__ = failed
            return refused
        deepest = inner
        inner = getattr(inner, "exception", None) or inner.__cause__
    return _unexpected(deepest, connection_id, failed)


def _unexpected(error: BaseException, connection_id: str, whole: BaseException | None = None) -> LandingFailed:
    failed = LandingFailed(
        f"connection {connection_id}: landing stopped on {type(error).__name__};"
        " nothing was lost, run again, and with --debug to see the whole"
    )
    failed.__cause__ = whole or error
    return failed
