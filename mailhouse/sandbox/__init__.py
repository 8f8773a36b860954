"""A company's vendors, HubSpot to Salesforce, as one HTTP server here, so that the chain runs without an account."""

import json
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

from mailhouse.errors import ConfigurationError, VendorUnreachable


def create(
    directory: Path, *, seed: int, customers: int, orders_file: Path | None = None, as_of: date | None = None
) -> dict[str, Any]:
    """Makes a new company in the directory, in place of an older one; what came out, by kind of object.

    Raises ConfigurationError while a sandbox is being served from there.
    """
    from mailhouse.sandbox import company
    from mailhouse.sandbox.company import website_files
    from mailhouse.sandbox.runtime import STATE, TRUTH, Runtime
    from mailhouse.sandbox.server import announced
    from mailhouse.sandbox.store import CLOCK_FILE, Store

    if announced(directory) is not None:
        raise ConfigurationError(f"a sandbox is running in {directory}: end it before seeding anew")
    # the new company is made beside the old one, so that a refused orders file leaves the old one as it was
    fresh = directory / "seeding"
    for leftover in _files(fresh):
        leftover.unlink()
    fresh.mkdir(parents=True, exist_ok=True)
    try:
        runtime = Runtime(fresh)
        try:
            company.seed(runtime.store, runtime.truth_path, seed=seed, customers=customers, orders_file=orders_file, as_of=as_of)
            counts = runtime.store.counts()
        finally:
            runtime.close()
        for name in (STATE, TRUTH, CLOCK_FILE):
            for leftover in directory.glob(f"{name}*"):
                leftover.unlink()
            if (fresh / name).exists():
                (fresh / name).replace(directory / name)
    finally:
        for leftover in _files(fresh):
            leftover.unlink()
        fresh.rmdir()
    store = Store(directory / STATE)
    try:
        website_files.write_history(store, directory / TRUTH, directory / website_files.FOLDER)
    finally:
        store.close()
    return counts


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def serve(directory: Path, *, port: int = 0, limits: str = "generous", judge: str | None = None) -> None:
    """Serves until SIGTERM; `server.json` in the directory says where, as long as it listens.

    `judge` names a callable (`module:callable`) that every exchange is held against: how tests judge a served sandbox.
    """
    from mailhouse.sandbox.judging import appoint_by_name
    from mailhouse.sandbox.server import announced, run

    if announced(directory) is not None:
        raise ConfigurationError(f"a sandbox is already running in {directory}: end it first")
    if judge is not None:
        appoint_by_name(judge)
    run(directory, port=port, limits=limits)


def advance(directory: Path, days: int) -> dict[str, Any]:
    """Lets days pass, through the running server when there is one; the status afterwards."""
    from mailhouse.sandbox.controls import advance as pass_days
    from mailhouse.sandbox.runtime import Runtime
    from mailhouse.sandbox.server import announced

    running = announced(directory)
    if running is not None:
        return _ask(running["url"], "/_sandbox/advance", {"days": days})
    runtime = Runtime(directory)
    try:
        return pass_days(runtime, {"days": days})
    finally:
        runtime.close()


def status(directory: Path) -> dict[str, Any]:
    """`{clock, limits, counts, url}`; url is None when no server is running."""
    from mailhouse.sandbox.controls import status_of
    from mailhouse.sandbox.runtime import STATE, Runtime
    from mailhouse.sandbox.server import announced

    if not (directory / STATE).exists():
        raise ConfigurationError(f"there is no sandbox in {directory}: run `mailhouse sandbox seed` first")
    running = announced(directory)
    if running is not None:
        return {**_ask(running["url"], "/_sandbox/status"), "url": running["url"]}
    runtime = Runtime(directory)
    try:
        return {**status_of(runtime), "url": None}
    finally:
        runtime.close()


def _ask(url: str, path: str, body: Any = None) -> dict[str, Any]:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=content, headers={"Content-Type": "application/json"})
    # a proxy of the environment has no business on the loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ConfigurationError(json.load(error).get("error", f"the sandbox answered {error.code} to {path}")) from error
    except urllib.error.URLError as error:
        raise VendorUnreachable(f"the sandbox at {url} does not answer: see whether its process still runs") from error
