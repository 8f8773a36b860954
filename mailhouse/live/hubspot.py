"""HubSpot: the scopes of a grant came with it, those of a private app's token HubSpot tells; then each kind is read."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.hubspot.reading import client_of, paths_of
from mailhouse.errors import NotAllowed
from mailhouse.http import HttpClient
from mailhouse.live.question import Question, Read, read
from mailhouse.live.scopes import Scope, compared, granted
from mailhouse.oauth.vendors import VENDORS
from mailhouse.settings import Connection

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"
# what HubSpot calls the scopes of every app
OF_EVERY_APP = frozenset({"oauth"})
# what `settings: {leave_out: [table]}` makes needless
OF_TABLES = {
    "companies": "crm.objects.companies.read",
    "deals": "crm.objects.deals.read",
    "tickets": "tickets",
    "email_events": "content",
}
_ONE = {"limit": 1}


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """The scopes, and one read of each kind that lands."""
    left_out = connection.settings.get("leave_out") or ()
    needless = OF_EVERY_APP | {scope for table, scope in OF_TABLES.items() if table in left_out}
    wanted = [Scope(name) for name in VENDORS["hubspot"].scopes if name not in needless]

    async with client_of(connection, clock) as client:

        async def scopes() -> str:
            allowed = granted(connection) or await _told(client, connection)
            return compared(allowed, wanted, "add them to the app and grant it anew")

        yield [Question("scopes", scopes), *(read(client, one) for one in _reads(connection, left_out))]


def _reads(connection: Connection, left_out: Collection[str]) -> list[Read]:
    paths = paths_of(connection)
    records = ("companies", "deals", "tickets")
    of_tables = {table: Read(f"read {table}", paths.objects(table), _ONE, OF_TABLES[table]) for table in records}
    of_tables["email_events"] = Read("read mail events", "/email/public/v1/events", _ONE, OF_TABLES["email_events"])
    return [
        Read("read contacts", paths.contacts, _ONE, "crm.objects.contacts.read"),
        Read("read properties", paths.properties, scope="crm.schemas.contacts.read"),
        *(one for table, one in of_tables.items() if table not in left_out),
    ]


async def _told(client: HttpClient, connection: Connection) -> frozenset[str]:
    """The scopes of a private app's token, as HubSpot tells them. Raises NotAllowed when it does not."""
    answer = await client.ask(TOKEN_INFO, TOKEN_INFO, {"tokenKey": connection.secret("token")})
    said = answer.body.get("scopes") if isinstance(answer.body, Mapping) else None
    if answer.status != 200 or not isinstance(said, list):
        raise NotAllowed("HubSpot does not tell them; look at the app's settings")
    return frozenset(map(str, said))
