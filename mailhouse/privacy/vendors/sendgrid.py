"""SendGrid: contacts are deleted, and what is known of the addresses as recipients of mail is erased, both by jobs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.destinations.sendgrid.limits import CONTACTS, ERASE_ROWS, ERASURE, LEAVE_ROWS, LONGEST_ADDRESS
from mailhouse.destinations.sendgrid.reading import by_address, client_of, finished
from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, HttpClient
from mailhouse.privacy.vendors.base import Person, VendorReceipt, until_gone
from mailhouse.settings import Connection


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["SendGridEraser"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield SendGridEraser(client)


class SendGridEraser:
    """Implements `Eraser` for one account. Suppressions stay: they are what keeps the address from being mailed."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def erase(self, person: Person) -> VendorReceipt:
        addresses = [one for one in person.addresses if "@" in one]
        searchable = [one for one in addresses if len(one) <= LONGEST_ADDRESS]
        there = {str(one["id"]) for one in (await by_address(self._client, searchable, lane="withdrawal")).values()}
        await self._delete(sorted(there | set(person.ids("contact"))))
        await self._erase(addresses)
        if not await until_gone(self._client, searchable, lambda _: by_address(self._client, searchable, lane="withdrawal")):
            says = f"{len(there)} contacts deleted, and the erasure of what was sent to {len(addresses)} addresses was taken"
            return VendorReceipt.of_deleted(self._client.name, len(there), says)
        says = f"the deletion of {len(there)} contacts was taken, and they are not gone yet"
        return VendorReceipt(self._client.name, "accepted", len(there), says)

    async def _delete(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), LEAVE_ROWS):
            part = ",".join(ids[start : start + LEAVE_ROWS])
            answer = await self._client.write("DELETE", f"{CONTACTS}?ids={part}", CONTACTS, None, lane="withdrawal")
            if answer.status != 404:
                # 404: all of them are gone already
                job_id = self._job_of(f"DELETE {CONTACTS}", answer)
                await finished(self._client, job_id, lane="withdrawal")

    async def _erase(self, addresses: Sequence[str]) -> None:
        for start in range(0, len(addresses), ERASE_ROWS):
            body = {"email_addresses": list(addresses[start : start + ERASE_ROWS])}
            self._job_of(f"POST {ERASURE}", await self._client.write("POST", ERASURE, ERASURE, body, lane="withdrawal"))

    def _job_of(self, endpoint: str, answer: Answer) -> str:
        job_id = answer.body.get("job_id") if isinstance(answer.body, dict) else None
        if answer.status != 202 or not isinstance(job_id, str):
            raise MalformedAnswer(f"{self._client.name}: {endpoint}: {self._client.detail(answer)}; run again later")
        return job_id
