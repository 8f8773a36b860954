"""The null ESP as a process of its own: what it costs to answer is not in the figures of the process that asks."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from mailhouse.bench.null_esp import NullEsp
from mailhouse.errors import VendorUnreachable
from mailhouse.settings import Connection

HOST = "127.0.0.1"
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Served:
    """A null ESP that runs."""

    url: str

    def counts(self) -> dict[str, int]:
        """Write calls (`calls`) and the records they carried (`records`) since it was started."""
        # straight there, whatever proxy the environment names
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/counts", timeout=STOP_SECONDS) as answer:
            return {"calls": 0, "records": 0, **json.load(answer)}

    def connection(self, vendor: str) -> Connection:
        """The account of that vendor, with nothing that limits its calls but the number of connections."""
        settings = {"limits": {"endpoints": False}}
        return Connection(vendor, vendor, f"{self.url}/{vendor}", settings, {"api_key": "BENCH_API_KEY"}, {"api_key": "bench"})


@contextmanager
def serving(audience: str, latency: float) -> Iterator[Served]:
    """Start it for the time of the block; `latency` is in seconds, of every answer. Raises VendorUnreachable."""
    command = [sys.executable, "-m", "mailhouse.bench.serving", audience, str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        if not port:
            raise VendorUnreachable("the benchmark's server did not start; see what it said above")
        yield Served(f"http://{HOST}:{port}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


async def serve(audience: str, latency: float) -> None:
    """Answer on a free port, which is said on standard output, until the process is ended."""
    runner = web.AppRunner(NullEsp(audience, latency).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
