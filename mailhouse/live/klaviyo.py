"""Klaviyo: a private key tells none of its scopes, so each kind is read; a grant in the browser came with a list of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.klaviyo.reading import client_of
from mailhouse.live.question import Question, Read, read
from mailhouse.live.scopes import Scope, compared, granted
from mailhouse.oauth.vendors import VENDORS
from mailhouse.settings import Connection

READS = (
    Read("read the account", "/api/accounts", scope="accounts:read"),
    Read("read profiles", "/api/profiles", {"page[size]": 1}, "profiles:read"),
    Read("read lists", "/api/lists", {"page[size]": 1}, "lists:read"),
    Read("read metrics", "/api/metrics", scope="metrics:read"),
    Read("read events", "/api/events", {"page[size]": 1}, "events:read"),
    Read("read segments", "/api/segments", {"page[size]": 1}, "segments:read"),
    # the only listing that is refused without a filter
    Read("read campaigns", "/api/campaigns", {"filter": "equals(messages.channel,'email')"}, "campaigns:read"),
)


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """The scopes of a grant, and one read of each kind."""
    allowed = granted(connection)

    async def scopes() -> str:
        wanted = [Scope(name) for name in VENDORS["klaviyo"].scopes]
        return compared(allowed or (), wanted, f"run `mailhouse connect {connection.id}` again")

    async with client_of(connection, clock) as client:
        told = [] if allowed is None else [Question("scopes", scopes)]
        yield told + [read(client, one) for one in READS]
