"""Reading from a HubSpot portal: pages by cursor, contacts by id or address."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.hubspot.limits import BATCH_ROWS, LIMITS
from mailhouse.destinations.hubspot.paths import API_VERSION, Paths
from mailhouse.destinations.keys import key_of, normal
from mailhouse.destinations.paging import all_pages
from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, HttpClient
from mailhouse.settings import Connection

BATCH_READ = "/contacts/batch/read"


def client_of(connection: Connection, clock: Clock) -> HttpClient:
    """The HTTP client of a connection; open it as an async context manager. Raises CredentialsMissing."""
    connection.secret("token")
    return HttpClient.of(connection, LIMITS, clock, headers={}, authorization=partial(connection.authorization, "token"))


def paths_of(connection: Connection) -> Paths:
    """The addresses of the version that the connection names."""
    return Paths(str(connection.settings.get("api_version", API_VERSION)))


async def pages(client: HttpClient, path: str, template: str, params: Mapping[str, str | int]) -> list[Mapping[str, Any]]:
    """All results of a listing. Raises MalformedAnswer when a page is not what it should be."""

    def page_of(answer: Answer) -> tuple[list[Mapping[str, Any]], str]:
        found = results(client, f"GET {template}", answer)
        after = ((answer.body.get("paging") or {}).get("next") or {}).get("after")
        return found, "" if after is None else str(after)

    return await all_pages(client, path, template, params, "after", page_of)


def results(client: HttpClient, endpoint: str, answer: Answer) -> list[Mapping[str, Any]]:
    """The results of a listing or a batch, part of which may not be there. Raises MalformedAnswer."""
    found = answer.body.get("results") if isinstance(answer.body, Mapping) else None
    if answer.status not in (200, 207) or not isinstance(found, list):
        raise MalformedAnswer(f"{client.name}: {endpoint}: {client.detail(answer)}; look there, run again")
    return found


async def by_address(
    client: HttpClient, paths: Paths, addresses: Sequence[str], properties: Iterable[str] = ()
) -> dict[str, Mapping[str, Any]]:
    """Document key -> contact for those of the addresses that are a contact's first one."""
    asked = [normal(address) for address in addresses]
    found = await _by(client, paths, asked, {"idProperty": "email"}, properties)
    return {key_of(address): one for one in found if (address := address_of(one))}


async def by_id(client: HttpClient, paths: Paths, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """The contacts of these ids, with their addresses."""
    return await _by(client, paths, ids, {}, ())


async def _by(
    client: HttpClient, paths: Paths, keys: Sequence[str], by: Mapping[str, str], properties: Iterable[str]
) -> list[Mapping[str, Any]]:
    async def part(start: int) -> list[Mapping[str, Any]]:
        inputs = [{"id": key} for key in keys[start : start + BATCH_ROWS]]
        body = {**by, "properties": sorted({"email", *properties}), "inputs": inputs}
        answer = await client.ask(f"{paths.contacts}/batch/read", BATCH_READ, body)
        return results(client, f"POST {BATCH_READ}", answer)

    parts = await asyncio.gather(*(part(start) for start in range(0, len(keys), BATCH_ROWS)))
    return [contact for one in parts for contact in one]


def address_of(contact: Mapping[str, Any]) -> str:
    """The first address of a contact, '' when it has none."""
    return str((contact.get("properties") or {}).get("email") or "")
