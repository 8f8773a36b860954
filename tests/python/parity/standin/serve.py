"""Serves the stand-in on a free port of 127.0.0.1 and says on its first line which; ends with a signal.

Runs in a virtual environment of its own (`standin.lock`): it wants another DuckDB than Mailhouse has.
"""

import logging
import socket

import functions
import session
import uvicorn
from fakesnow.server import app, shared_fs


class Server(uvicorn.Server):
    """Tells its port once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


if __name__ == "__main__":
    functions.add()
    session.behave_as_dbt_expects(shared_fs)
    # its own log names every login and every statement that fails, with its text
    logging.getLogger("fakesnow.server").setLevel(logging.CRITICAL)
    Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")).run()
