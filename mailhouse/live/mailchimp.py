"""Mailchimp: an API key allows what its user may do, and nothing tells what that is; so each kind is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.mailchimp.account import client_of
from mailhouse.live.question import Question, Read, read
from mailhouse.settings import Connection

READS = (
    Read("read the account", "/ping"),
    Read("read lists", "/lists", {"count": 1}),
    Read("read campaigns", "/campaigns", {"count": 1}),
)


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """One read of each kind."""
    async with client_of(connection, clock) as client:
        yield [read(client, one) for one in READS]
