"""A server that answers as it is told and remembers who was there at the same time, and clients of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from mailhouse.clock import FixedClock
from mailhouse.http import (
    HttpClient,
    Limits,
)
from mailhouse.settings import Connection

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Server:
    """Answers as it is told, path by path, and writes down who was there at the same time."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.answers: dict[str, list] = {}
        self.calls: list[tuple[str, float]] = []
        self.open, self.most_open = 0, 0
        self.gate: asyncio.Event | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.calls.append((request.path, self.clock.elapsed()))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if self.gate is not None and not request.query.get("now"):
                await self.gate.wait()
            waiting = self.answers.get(request.path) or [(200, {}, b'{"ok": true}')]
            status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return web.Response(status=status, headers=headers, body=body)
        finally:
            self.open -= 1

    def times(self, path: str) -> list[float]:
        return [at for called, at in self.calls if called == path]


def served(work: Callable[[Server], Awaitable[None]], clock=None) -> Server:
    """Let work talk to a server that lives in the same event loop and the same time."""
    server = Server(clock or FixedClock(NOW))

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            await work(server)
        finally:
            await runner.cleanup()

    asyncio.run(run())
    return server


def client(server: Server, **limits) -> HttpClient:
    known = Limits(**{"connections": 4, "timeout": 5.0, "attempts": 3, **limits})
    return HttpClient("esp", server.url, known, server.clock, headers={"Authorization": "s3cret"}, secrets=("s3cret",))


def connection(url: str, workdir: Path | None = None, **limits) -> Connection:
    return Connection("esp", "mailchimp", url, {"limits": limits}, workdir=workdir)


async def settled(server: Server, calls: int) -> None:
    """Wait until so many calls are at the server, and let everybody else who could come do so, without time passing."""
    for _ in range(5_000):
        if server.open >= calls:
            break
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)
    assert server.open == calls
