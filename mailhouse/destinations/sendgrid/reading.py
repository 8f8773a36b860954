"""Reading from a SendGrid account: contacts by address, jobs until they are done, exports, suppressions."""

import asyncio
import gzip
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from mailhouse.clock import Clock
from mailhouse.destinations.base import Change, Outcome
from mailhouse.destinations.keys import key_of, normal
from mailhouse.destinations.paging import all_pages, cursor_in
from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.limits import (
    BY_EMAILS,
    EXPORT,
    EXPORTS,
    IMPORT,
    LIMITS,
    LIST_PAGE,
    LONGEST_ADDRESS,
    LOOKUP_ROWS,
    SUPPRESSED_BY,
    SUPPRESSION_PAGE,
    SUPPRESSIONS,
)
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import Answer, HttpClient, Lane, OutcomeUnknown, pause
from mailhouse.http.download import FileGone, download
from mailhouse.settings import Connection

CURSOR = "page_token"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
ENDED = ("completed", "errored", "failed")


def client_of(connection: Connection, clock: Clock) -> HttpClient:
    """The HTTP client of a connection; open it as an async context manager. Raises CredentialsMissing."""
    connection.secret("api_key")
    headers = {"Accept": "application/json"}
    return HttpClient.of(connection, LIMITS, clock, headers=headers, authorization=partial(connection.authorization, "api_key"))


def document(client: HttpClient, endpoint: str, answer: Answer) -> Mapping[str, Any]:
    """The answer's object. Raises MalformedAnswer when it is something else, or a refusal."""
    if answer.status >= 300 or not isinstance(answer.body, Mapping):
        raise MalformedAnswer(f"{client.name}: {endpoint}: {client.detail(answer)}; look there, run again")
    return answer.body


async def pages(client: HttpClient, path: str) -> list[Mapping[str, Any]]:
    """Everything of a listing that goes by tokens. Raises MalformedAnswer when a page is not what it should be."""

    def page_of(answer: Answer) -> tuple[list[Mapping[str, Any]], str]:
        body = document(client, f"GET {path}", answer)
        found = body.get("result")
        if not isinstance(found, list):
            raise MalformedAnswer(f"{client.name}: GET {path}: no result in the answer; run again later")
        return found, cursor_in((body.get("_metadata") or {}).get("next"), CURSOR)

    return await all_pages(client, path, path, {"page_size": LIST_PAGE}, CURSOR, page_of)


async def by_address(client: HttpClient, addresses: Sequence[str], lane: Lane = "ordinary") -> dict[str, Mapping[str, Any]]:
    """Document key -> contact for those of the addresses that have one; 100 in a call."""
    wanted = [one for one in dict.fromkeys(normal(address) for address in addresses) if len(one) <= LONGEST_ADDRESS]
    chunks = [wanted[start : start + LOOKUP_ROWS] for start in range(0, len(wanted), LOOKUP_ROWS)]
    found = await asyncio.gather(*(_looked_up(client, chunk, lane) for chunk in chunks))
    return {key: contact for part in found for key, contact in part.items()}


async def _looked_up(client: HttpClient, addresses: Sequence[str], lane: Lane) -> dict[str, Mapping[str, Any]]:
    answer = await client.ask(BY_EMAILS, BY_EMAILS, {"emails": list(addresses)}, lane=lane)
    if answer.status == 404:
        return {}
    if answer.status == 400:
        # one of them is no address to SendGrid, and then none is looked up
        if len(addresses) == 1:
            return {}
        middle = len(addresses) // 2
        return await _looked_up(client, addresses[:middle], lane) | await _looked_up(client, addresses[middle:], lane)
    result = document(client, f"POST {BY_EMAILS}", answer).get("result")
    if not isinstance(result, Mapping):
        raise MalformedAnswer(f"{client.name}: POST {BY_EMAILS}: no result in the answer; run again later")
    contacts = {key_of(address): one.get("contact") for address, one in result.items() if isinstance(one, Mapping)}
    return {key: contact for key, contact in contacts.items() if isinstance(contact, Mapping) and contact.get("id")}


async def settled(
    client: HttpClient, changes: Sequence[Change], judged: Callable[[Change, Mapping[str, Any] | None], Outcome]
) -> list[Outcome]:
    """The outcomes of changes by their contacts as they are looked up; who is not yet as wanted is looked up again.

    A job may still be under way, which nobody can ask, and a look-up may show a contact as it was a little earlier.
    """
    outcomes: dict[str, Outcome] = {}
    left, waited, wait = list(changes), 0.0, FIRST_PAUSE
    while left:
        found = await by_address(client, [change.address for change in left])
        outcomes |= {change.key: judged(change, found.get(change.key)) for change in left}
        left = [change for change in left if outcomes[change.key].status == "try_again"]
        if not left or waited >= client.limits.settle_time:
            break
        await pause(client.clock, wait)
        waited, wait = waited + wait, min(LONGEST_PAUSE, wait * 2)
    return [outcomes[change.key] for change in changes]


async def finished(client: HttpClient, job_id: str, lane: Lane = "ordinary") -> Mapping[str, Any] | None:
    """A job once it has ended, None when SendGrid does not know it; asked with growing pauses.

    Raises OutcomeUnknown when that cannot be learnt: the job was taken, whatever became of it.
    """
    waited, wait = 0.0, FIRST_PAUSE
    while True:
        try:
            answer = await client.read(IMPORT.format(id=quote(job_id)), IMPORT, lane=lane)
            if answer.status == 404:
                return None
            job = document(client, f"GET {IMPORT}", answer)
        except (VendorUnreachable, MalformedAnswer) as error:
            unknown = f"{client.name}: what became of job {job_id} cannot be learnt ({error}); it is read back"
            raise OutcomeUnknown(unknown) from error
        if job.get("status") in ENDED:
            return job
        if job.get("status") != "pending":
            raise OutcomeUnknown(f"{client.name}: job {job_id} is in a state nobody knows; it is read back")
        if waited >= client.limits.job_seconds:
            raise OutcomeUnknown(f"{client.name}: job {job_id} is not done after {waited:.0f} s; it is read back")
        await pause(client.clock, wait)
        waited, wait = waited + wait, min(LONGEST_PAUSE, wait * 2)


async def fetched(client: HttpClient, url: str) -> str:
    """A file of SendGrid's, unpacked. Raises FileGone, VendorUnreachable, MalformedAnswer."""
    raw = await download(client.name, url, client.base_url, client.clock)
    try:
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise MalformedAnswer(f"{client.name}: a file that cannot be unpacked; run again later") from error


async def exported(client: HttpClient, list_ids: Sequence[str] = ()) -> list[dict[str, str]]:
    """Every contact of the account, or of these lists: an export is made, waited for and fetched."""
    try:
        return await _exported(client, list_ids)
    except FileGone:
        # its address has expired while it was waited for: another export has another one
        return await _exported(client, list_ids)


async def _exported(client: HttpClient, list_ids: Sequence[str]) -> list[dict[str, str]]:
    body = {"file_type": "csv", **({"list_ids": list(list_ids)} if list_ids else {})}
    export_id = document(client, f"POST {EXPORTS}", await client.ask(EXPORTS, EXPORTS, body)).get("id")
    if not isinstance(export_id, str) or not export_id:
        raise MalformedAnswer(f"{client.name}: POST {EXPORTS}: an export without an id in the answer; run again later")
    waited, wait = 0.0, FIRST_PAUSE
    while True:
        export = document(client, f"GET {EXPORT}", await client.read(EXPORT.format(id=quote(export_id)), EXPORT))
        if export.get("status") == "ready":
            break
        if export.get("status") != "pending" or waited >= client.limits.job_seconds:
            raise VendorUnreachable(f"{client.name}: an export of contacts did not come about; run again later")
        await pause(client.clock, wait)
        waited, wait = waited + wait, min(LONGEST_PAUSE, wait * 2)
    rows = [row for url in export.get("urls") or () for row in wire.table(await fetched(client, str(url)))]
    count = export.get("contact_count")
    if isinstance(count, int) and count != len(rows):
        raise MalformedAnswer(f"{client.name}: an export of {count} contacts has {len(rows)}; run again later")
    return rows


async def suppressed(client: HttpClient) -> dict[str, str]:
    """Document key -> why SendGrid mails nothing to that address, for all whom a list of the account keeps out."""
    found: dict[str, str] = {}
    for name, status in SUPPRESSED_BY.items():
        path = f"{SUPPRESSIONS}/{name}"
        offset, page = 0, [{}] * SUPPRESSION_PAGE
        while len(page) == SUPPRESSION_PAGE:
            answer = await client.read(path, path, {"limit": SUPPRESSION_PAGE, "offset": offset})
            if answer.status >= 300 or not isinstance(answer.body, list):
                raise MalformedAnswer(f"{client.name}: GET {path}: {client.detail(answer)}; look there, run again")
            page = answer.body
            offset += len(page)
            found |= {key_of(str(one.get("email") or "")): status for one in page}
    return found
