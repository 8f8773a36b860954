"""The sandbox as a process: all vendors on one loopback port, announced in server.json while it listens."""

import asyncio
import json
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailhouse.sandbox.controls import control_routes
from mailhouse.sandbox.gateway import Gateway
from mailhouse.sandbox.hubspot import HubSpot
from mailhouse.sandbox.klaviyo import Klaviyo
from mailhouse.sandbox.mailchimp import Mailchimp
from mailhouse.sandbox.runtime import BULK, SERVER, Runtime
from mailhouse.sandbox.salesforce import Salesforce
from mailhouse.sandbox.sendgrid import SendGrid
from mailhouse.sandbox.shopify import Shopify
from mailhouse.sandbox.shopify_bulk import clear_files

HOST = "127.0.0.1"


class CuttableProtocol(H11Protocol):
    """HTTP whose application can see the connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def application(runtime: Runtime) -> Starlette:
    """The ASGI application of one sandbox."""
    vendors = (HubSpot, Shopify, Mailchimp, Klaviyo, SendGrid, Salesforce)
    mounts = [Mount(f"/{vendor.name}", app=Gateway(vendor(runtime), runtime)) for vendor in vendors]
    return Starlette(routes=[Mount("/_sandbox", routes=control_routes(runtime)), *mounts])


class AnnouncedServer(uvicorn.Server):
    """Tells where it is once it listens, and takes that back at its end."""

    def __init__(self, config: uvicorn.Config, announcement: Path, content: dict[str, Any]) -> None:
        super().__init__(config)
        self.announcement, self.content = announcement, content

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            announce(self.announcement, self.content)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        withdraw(self.announcement)
        await super().shutdown(sockets)


def announce(path: Path, content: dict[str, Any]) -> None:
    """All of it at once, and readable by the owner alone: it holds the secrets."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    os.replace(unfinished, path)


def announced(directory: Path) -> dict[str, Any] | None:
    """What the server of this directory says of itself, None when there is none or its process is gone."""
    try:
        content = json.loads((directory / SERVER).read_text(encoding="utf-8"))
        os.kill(content["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return content


def withdraw(path: Path) -> None:
    """Takes an announcement back if it is this process's own."""
    try:
        mine = json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid()
    except FileNotFoundError:
        return
    if mine:
        path.unlink(missing_ok=True)


def server_of(runtime: Runtime, listener: socket.socket) -> AnnouncedServer:
    """The server of a sandbox on a socket that is already bound."""
    content = {
        "url": f"http://{HOST}:{listener.getsockname()[1]}",
        "pid": os.getpid(),
        "secrets": runtime.secrets,
    }
    config = uvicorn.Config(
        application(runtime),
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return AnnouncedServer(config, runtime.directory / SERVER, content)


def bound(port: int) -> socket.socket:
    """A loopback socket; port 0 takes a free one."""
    # only with the protocol named does asyncio switch Nagle's delay off, which costs 40 ms an answer
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def run(directory: Path, *, port: int, limits: str) -> None:
    """Serves until SIGTERM or SIGINT, which are a clean end and no error."""
    if threading.current_thread() is threading.main_thread():
        # the server takes these signals itself while it runs and raises them once more when it has ended
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
    runtime = Runtime(directory, limits)
    runtime.store.now()  # a sandbox that was never seeded says so here, before it listens
    try:
        with bound(port) as listener:
            server_of(runtime, listener).run(sockets=[listener])
    finally:
        withdraw(directory / SERVER)
        runtime.close()
        clear_files(directory / BULK)
