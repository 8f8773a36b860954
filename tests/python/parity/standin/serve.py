"""Serves the stand-in on a free port of 127.0.0.1 and says on its first line which; ends with a signal.

Runs in a virtual environment of its own (`standin.lock`): it wants another DuckDB than Mailhouse has.
"""

import logging
import socket

import answers
import functions
import repeats
import session
import uvicorn
from fakesnow.server import app, shared_fs


class Server(uvicorn.Server):
    """Tells its port once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


if __name__ == "__main__":
    answers.send_nulls()
    functions.add()
    session.behave_as_dbt_expects(shared_fs)
    # these tell of every login, every statement that fails and every one that is taken unread
    for name in ("fakesnow.server", "sqlglot"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    Server(
        uvicorn.Config(repeats.answer_once(app), host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    ).run()
