"""Reading from a Klaviyo account: pages by cursor, profiles by address, and jobs until they are done."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from mailhouse.clock import Clock
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import LIMITS, LOOKUP_ROWS, PAGE, QUERY_BYTES
from mailhouse.destinations.paging import all_pages, cursor_in
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import Answer, HttpClient, Lane, OutcomeUnknown, pause
from mailhouse.settings import Connection

REVISION = "2026-07-15"
MEDIA_TYPE = "application/vnd.api+json"
PROFILES, MEMBERS = "/api/profiles", "/api/lists/{id}/profiles"
# what of a list's members must be asked for: Klaviyo promises the time of joining in every answer
MEMBER_FIELDS = ("email", "joined_group_at")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
CURSOR = "page[cursor]"
OPEN = ("queued", "processing")
_STATUSES = (*OPEN, "complete", "cancelled")


def client_of(connection: Connection, clock: Clock) -> HttpClient:
    """The HTTP client of a connection; open it as an async context manager. Raises CredentialsMissing."""
    connection.secret("api_key")
    headers = {"revision": REVISION, "Accept": MEDIA_TYPE}
    authorization = partial(connection.authorization, "api_key", "Klaviyo-API-Key")
    return HttpClient.of(connection, LIMITS, clock, headers=headers, authorization=authorization, media_type=MEDIA_TYPE)


async def pages(
    client: HttpClient, path: str, template: str, params: Mapping[str, str | int], lane: Lane = "ordinary"
) -> list[Mapping[str, Any]]:
    """All resources of a listing. Raises MalformedAnswer when a page is not what it should be."""

    def page_of(answer: Answer) -> tuple[list[Mapping[str, Any]], str]:
        body = document(client, f"GET {template}", answer)
        if not isinstance(body["data"], list):
            raise MalformedAnswer(f"{client.name}: GET {template}: no list of resources in the answer; run again later")
        return body["data"], cursor_in((body.get("links") or {}).get("next"), CURSOR)

    return await all_pages(client, path, template, params, CURSOR, page_of, lane)


def document(client: HttpClient, endpoint: str, answer: Answer) -> Mapping[str, Any]:
    """The answer's document. Raises MalformedAnswer when it has no `data`."""
    if answer.status >= 300 or not isinstance(answer.body, Mapping) or "data" not in answer.body:
        raise MalformedAnswer(f"{client.name}: {endpoint}: {client.detail(answer)}; look there, run again")
    return answer.body


async def by_address(
    client: HttpClient,
    addresses: Iterable[str],
    fields: Sequence[str] = ("email",),
    *,
    path: str = PROFILES,
    template: str = PROFILES,
    lane: Lane = "ordinary",
) -> dict[str, Mapping[str, Any]]:
    """Document key -> profile for those of the addresses that are there (in the account, or on the list of `path`)."""
    params: dict[str, str | int] = {"fields[profile]": ",".join(fields), "page[size]": PAGE}
    if "subscriptions" in fields:
        params["additional-fields[profile]"] = "subscriptions"
    asked = [{**params, "filter": wire.any_of("email", chunk)} for chunk in _chunks(addresses)]
    found = await asyncio.gather(*(pages(client, path, template, one, lane) for one in asked))
    profiles = (profile for page in found for profile in page)
    return {key_of(address): one for one in profiles if (address := address_of(one))}


def address_of(profile: Mapping[str, Any]) -> str:
    """The address of a profile, '' when it has none."""
    return str((profile.get("attributes") or {}).get("email") or "")


def _chunks(addresses: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    filled = 0
    for address in addresses:
        length = len(quote(address)) + 9  # its quotation marks and comma, escaped
        if chunk and (len(chunk) == LOOKUP_ROWS or filled + length > QUERY_BYTES):
            yield chunk
            chunk, filled = [], 0
        chunk.append(address)
        filled += length
    if chunk:
        yield chunk


async def finished(client: HttpClient, kind: str, job_id: str, lane: Lane = "ordinary") -> Mapping[str, Any]:
    """The attributes of a job once it is complete or cancelled; asked with growing pauses.

    Raises OutcomeUnknown when that cannot be learnt: the job was taken, whatever became of it.
    """
    waited, wait = 0.0, FIRST_PAUSE
    while True:
        try:
            answer = await client.read(f"/api/{kind}/{job_id}", f"/api/{kind}/{{job_id}}", lane=lane)
            attributes = document(client, f"GET /api/{kind}", answer)["data"]["attributes"]
            status = attributes["status"]
        except (VendorUnreachable, MalformedAnswer, KeyError, TypeError) as error:
            raise OutcomeUnknown(
                f"{client.name}: what became of job {job_id} cannot be learnt ({error}); it is read back"
            ) from error
        if status not in _STATUSES:
            raise OutcomeUnknown(f"{client.name}: job {job_id} is in a state nobody knows; it is read back")
        if status not in OPEN:
            return attributes
        if waited >= client.limits.job_seconds:
            raise OutcomeUnknown(f"{client.name}: job {job_id} is not done after {waited:.0f} s; it is read back")
        await pause(client.clock, wait)
        waited, wait = waited + wait, min(LONGEST_PAUSE, wait * 2)


async def none_open(client: HttpClient, kind: str) -> None:
    """Wait until the account has no job of that kind under way. Raises VendorUnreachable when one does not end."""
    waited, wait = 0.0, FIRST_PAUSE
    params: dict[str, str | int] = {"filter": wire.any_of("status", OPEN), "page[size]": 1}
    while True:
        body = document(client, f"GET /api/{kind}", await client.read(f"/api/{kind}", f"/api/{kind}", params))
        if not body["data"]:
            return
        if waited >= client.limits.job_seconds:
            raise VendorUnreachable(f"{client.name}: a job under /api/{kind} is not done after {waited:.0f} s; run again later")
        await pause(client.clock, wait)
        waited, wait = waited + wait, min(LONGEST_PAUSE, wait * 2)
