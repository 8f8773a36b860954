"""The sandbox served from a thread of the test's own process, so that a test sees it from in front and from behind."""

import threading
import time
from typing import Any

import uvicorn

from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.server import CuttableProtocol, application


class Serving:
    """A sandbox on a free port of 127.0.0.1, from the moment it is made until it is closed."""

    def __init__(self, runtime: Runtime, **more: Any) -> None:
        """`more` goes to the server's configuration, such as a certificate."""
        self._runtime = runtime
        config = uvicorn.Config(
            application(runtime),
            host="127.0.0.1",
            port=0,
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            log_level="error",
            **more,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"{'https' if config.is_ssl else 'http'}://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Stop serving, and let go of the state."""
        self._server.should_exit = True
        self._thread.join()
        self._runtime.close()
