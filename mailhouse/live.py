"""Looks at one account as it really is: what its credentials allow, and whether each kind of question is answered."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mailhouse.clock import Clock
from mailhouse.destinations.hubspot import reading as hubspot
from mailhouse.destinations.klaviyo import reading as klaviyo
from mailhouse.destinations.mailchimp import account as mailchimp
from mailhouse.destinations.sendgrid import reading as sendgrid
from mailhouse.errors import MailhouseError
from mailhouse.http import HttpClient
from mailhouse.oauth.store import Grants
from mailhouse.oauth.vendors import VENDORS
from mailhouse.report import Finding
from mailhouse.settings import Connection

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"
# what HubSpot calls the scopes of every app, and those that only what comes later needs
OF_EVERY_APP = frozenset({"oauth"})


@dataclass(frozen=True)
class Questions:
    """How an account is spoken to, and reads that change nothing, by what they need to be allowed: (path, parameters)."""

    client_of: Callable[[Connection, Clock], HttpClient]
    reads: Mapping[str, tuple[str, Mapping[str, str | int]]] = field(default_factory=dict)


_ONE = {"limit": 1}
QUESTIONS: dict[str, Questions] = {
    "hubspot": Questions(
        hubspot.client_of,
        {
            "read contacts": ("{objects}/contacts", _ONE),
            "read properties": ("{properties}", {}),
            "read companies": ("{objects}/companies", _ONE),
            "read deals": ("{objects}/deals", _ONE),
            "read tickets": ("{objects}/tickets", _ONE),
        },
    ),
    "klaviyo": Questions(
        klaviyo.client_of,
        {
            "read the account": ("/api/accounts", {}),
            "read profiles": ("/api/profiles", {"page[size]": 1}),
            "read lists": ("/api/lists", {"page[size]": 1}),
            "read metrics": ("/api/metrics", {}),
            "read events": ("/api/events", {"page[size]": 1}),
            "read segments": ("/api/segments", {"page[size]": 1}),
        },
    ),
    "mailchimp": Questions(
        mailchimp.client_of,
        {
            "read the account": ("/ping", {}),
            "read lists": ("/lists", {"count": 1}),
            "read campaigns": ("/campaigns", {"count": 1}),
        },
    ),
    "sendgrid": Questions(
        sendgrid.client_of,
        {
            "read contacts": ("/v3/marketing/contacts", {}),
            "read lists": ("/v3/marketing/lists", {"page_size": 1}),
            "read fields": ("/v3/marketing/field_definitions", {}),
            "read suppression groups": ("/v3/asm/groups", {}),
        },
    ),
}


def examine_live(connection: Connection, probe: Callable[[Connection], object], clock: Clock) -> Iterator[Finding]:
    """One finding for the round trip, one for the scopes where the vendor tells them, one for each kind of question."""
    try:
        probe(connection)
    except MailhouseError as error:
        yield Finding("round trip", False, str(error))
        return
    yield Finding("round trip", True, f"{connection.vendor} answers at {connection.url} and accepts the credentials")
    asked = QUESTIONS.get(connection.vendor)
    if asked is None:
        return
    if connection.vendor == "hubspot":
        yield asyncio.run(_scopes(connection, clock))
    for what, (path, params) in asked.reads.items():
        yield asyncio.run(_answered(asked, connection, clock, what, path, params))


async def _answered(
    asked: Questions, connection: Connection, clock: Clock, what: str, path: str, params: Mapping[str, str | int]
) -> Finding:
    if connection.vendor == "hubspot":
        paths = hubspot.paths_of(connection)
        path = path.format(objects=paths.contacts.removesuffix("/contacts"), properties=paths.properties)
    try:
        async with asked.client_of(connection, clock) as client:
            answer = await client.read(path, path, params)
            good, says = answer.status == 200, f"GET {path} answers {answer.status}"
            return Finding(what, good, says if good else f"{says}: {client.detail(answer)}; look at what the credentials allow")
    except MailhouseError as error:
        return Finding(what, False, str(error))


async def _scopes(connection: Connection, clock: Clock) -> Finding:
    """What HubSpot says that the token allows, against what landing and sync ask for."""
    try:
        allowed = _granted(connection) or await _told(connection, clock)
    except MailhouseError as error:
        return Finding("scopes", False, str(error))
    if allowed is None:
        return Finding("scopes", False, "HubSpot does not tell them; look at the app's settings")
    wanted = set(VENDORS["hubspot"].scopes) - OF_EVERY_APP
    if missing := sorted(wanted - allowed):
        return Finding("scopes", False, f"lacks {', '.join(missing)}; add them to the app and grant it anew")
    return Finding("scopes", True, f"all {len(wanted)} that landing and sync ask for")


def _granted(connection: Connection) -> set[str] | None:
    """The scopes that came with a grant; None for another kind of token."""
    source = connection.source("token")
    if source is None or source.kind != "oauth" or connection.workdir is None:
        return None
    grant = Grants(connection.workdir).get(connection.id)
    return set(grant.scopes) if grant and grant.scopes else None


async def _told(connection: Connection, clock: Clock) -> set[str] | None:
    """The scopes of a private app's token, as HubSpot tells them."""
    async with hubspot.client_of(connection, clock) as client:
        answer = await client.ask(TOKEN_INFO, TOKEN_INFO, {"tokenKey": connection.secret("token")})
        said = answer.body.get("scopes") if isinstance(answer.body, Mapping) else None
        return {str(one) for one in said} if answer.status == 200 and isinstance(said, list) else None
