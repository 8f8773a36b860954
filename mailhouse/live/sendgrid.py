"""SendGrid: an API key tells its own scopes; then each kind is read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.sendgrid.groups import group_of
from mailhouse.destinations.sendgrid.limits import SUPPRESSED_BY, SUPPRESSIONS
from mailhouse.destinations.sendgrid.reading import client_of
from mailhouse.errors import MalformedAnswer
from mailhouse.http import HttpClient
from mailhouse.live.question import LOOK, Question, Read, read
from mailhouse.live.scopes import Scope, compared
from mailhouse.settings import Connection

SCOPES = "/v3/scopes"
# no name of a scope that writes contacts and lists is published, so none is asked for
MARKETING = "marketing.read"
LISTS = (*SUPPRESSED_BY, "blocks")
READS = (
    Read("read contacts", "/v3/marketing/contacts", scope=MARKETING),
    Read("read lists", "/v3/marketing/lists", {"page_size": 1}, MARKETING),
    Read("read fields", "/v3/marketing/field_definitions", scope=MARKETING),
    Read("read single sends", "/v3/marketing/singlesends", {"page_size": 1}, MARKETING),
    Read("read suppression groups", "/v3/asm/groups", scope="asm.groups.read"),
    *(
        Read(f"read {name.replace('_', ' ')}", f"{SUPPRESSIONS}/{name}", {"limit": 1}, f"suppression.{name}.read")
        for name in LISTS
    ),
)


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """The scopes, and one read of each kind."""
    async with client_of(connection, clock) as client:

        async def scopes() -> str:
            cure = "give them to the key under Settings, API keys"
            return compared(await _told(client), _wanted(connection), cure)

        yield [Question("scopes", scopes), *(read(client, one) for one in READS)]


def _wanted(connection: Connection) -> list[Scope]:
    """What landing, a sync and a withdrawal need; messages about events only where the connection sends them."""
    wanted = [Scope(MARKETING), Scope("asm.groups.read"), Scope("asm.groups.suppressions.read")]
    # the wider name is listed beside these; the reads show whether it is enough
    wanted += [Scope(f"suppression.{name}.read", ("suppression.read",)) for name in LISTS]
    into_group = group_of(connection) is not None
    wanted.append(Scope("asm.groups.suppressions.create" if into_group else "asm.suppressions.global.create"))
    if connection.settings.get("events"):
        wanted += [Scope("mail.send"), Scope("templates.read")]
    return [*wanted, Scope("recipients.erasejob.create", without="nobody can be erased there")]


async def _told(client: HttpClient) -> frozenset[str]:
    """The key's scopes. Raises MalformedAnswer."""
    answer = await client.read(SCOPES, SCOPES)
    said = answer.body.get("scopes") if isinstance(answer.body, Mapping) else None
    if answer.status != 200 or not isinstance(said, list):
        raise MalformedAnswer(f"GET {SCOPES} answers {answer.status}: {client.detail(answer)}; {LOOK}")
    return frozenset(map(str, said))
