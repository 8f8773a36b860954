"""Salesforce: contacts and leads are deleted past the recycle bin, or into it where the app's user may do no more."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mailhouse.clock import Clock
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, pause
from mailhouse.privacy.vendors.base import Person, VendorReceipt
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_queries import in_list
from mailhouse.withdrawals.lane import RightOfWay
from mailhouse.withdrawals.salesforce import LIMITS, PEOPLE, RECORDS, Records, granted

POLLS, LONGEST_PAUSE = 40, 15.0  # a job of a few records is done in seconds
NOT_ALLOWED = "FEATURENOTENABLED"


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["SalesforceEraser"]:
    """The org of one connection, open for the time of the block. Raises CredentialsMissing, CredentialsRejected."""
    token = await granted(connection, clock)
    more = {"headers": {"Authorization": f"Bearer {token}"}, "secrets": (token,)}
    async with (
        HttpClient.of(connection, LIMITS, clock, **more) as client,
        HttpClient.of(connection, LIMITS, clock, media_type="text/csv", **more) as uploads,
    ):
        yield SalesforceEraser(Records(RightOfWay(client), connection), RightOfWay(uploads))


class SalesforceEraser:
    """Implements `Eraser` for one org."""

    def __init__(self, records: Records, uploads: RightOfWay) -> None:
        self._records, self._uploads = records, uploads
        self._client, self._jobs = records.client, f"{records.data}/jobs/ingest"

    async def erase(self, person: Person) -> VendorReceipt:
        name = self._client.name
        there = await self._there(person)
        if not there:
            return VendorReceipt(name, "not_there", 0, "no contact and no lead of the person")
        allowed = True
        for kind in PEOPLE:
            ids = [one for one, (of, _) in there.items() if of == kind]
            allowed = (not ids or await self._delete_for_good(kind, ids)) and allowed
        if not allowed:
            await self._into_the_bin([one for one, (_, deleted) in there.items() if not deleted])
        left = await self._there(person)
        lying = sum(not deleted for _, deleted in left.values())
        if lying:
            return VendorReceipt(name, "failed", len(there), f"{lying} contacts and leads are still there; run again")
        if left:
            says = (
                f"{len(there)} contacts and leads deleted; {len(left)} lie in the recycle bin, which Salesforce empties by itself"
                " (the permission Bulk API Hard Delete has them gone at once)"
            )
            return VendorReceipt(name, "accepted", len(there), says)
        return VendorReceipt(name, "deleted", len(there), f"{len(there)} contacts and leads deleted past the recycle bin")

    async def _there(self, person: Person) -> dict[str, tuple[str, bool]]:
        """The person's records by id: the object, and whether it lies in the recycle bin."""
        found: dict[str, tuple[str, bool]] = {}
        by_address = await self._records.of_addresses(person.addresses, "IsDeleted", deleted=True)
        for records in by_address.values():
            found |= {str(one["Id"]): (str(one["attributes"]["type"]), bool(one.get("IsDeleted"))) for one in records}
        for kind in PEOPLE:
            ids = person.ids(kind.lower())
            for start in range(0, len(ids), RECORDS):
                soql = f"SELECT Id, IsDeleted FROM {kind} WHERE Id IN {in_list(ids[start : start + RECORDS])}"
                rows = await self._records.query(soql, deleted=True)
                found |= {str(one["Id"]): (kind, bool(one.get("IsDeleted"))) for one in rows}
        return found

    async def _delete_for_good(self, kind: str, ids: Sequence[str]) -> bool:
        """Whether Salesforce took it; False where the app's user has no permission to."""
        asked = {"object": kind, "operation": "hardDelete", "contentType": "CSV", "lineEnding": "LF"}
        job = await self._client.write("POST", self._jobs, "/jobs/ingest", asked)
        if job.status == 400 and any(isinstance(one, Mapping) and one.get("errorCode") == NOT_ALLOWED for one in job.body):
            return False
        path = f"{self._jobs}/{self._id_of(job.body)}"
        lines = "\n".join(["Id", *ids]) + "\n"
        self._taken(await self._uploads.write("PUT", f"{path}/batches", "/jobs/ingest/{id}/batches", lines.encode()), "upload")
        self._taken(await self._client.write("PATCH", path, "/jobs/ingest/{id}", {"state": "UploadComplete"}), "start")
        for poll in range(POLLS):
            answer = await self._client.read(path, "/jobs/ingest/{id}")
            state = answer.body.get("state") if isinstance(answer.body, Mapping) else None
            if state in ("JobComplete", "Failed", "Aborted"):
                # what a failed job left is found when it is read back
                return True
            await pause(self._client.clock, min(LONGEST_PAUSE, 0.5 * 2**poll))
        raise VendorUnreachable(f"{self._client.name}: deleting takes long; run again, and it is looked whether it was done")

    async def _into_the_bin(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), RECORDS):
            named = ",".join(ids[start : start + RECORDS])
            path = f"{self._records.data}/composite/sobjects?ids={named}&allOrNone=false"
            self._taken(await self._client.write("DELETE", path, "/composite/sobjects", {}), "delete")

    def _id_of(self, body: Any) -> str:
        job = str(body.get("id") or "") if isinstance(body, Mapping) else ""
        if not job.isalnum():
            raise MalformedAnswer(f"{self._client.name}: a job without an id; run again later")
        return job

    def _taken(self, answer: Any, what: str) -> None:
        if answer.status not in (200, 201, 204):
            raise MalformedAnswer(f"{self._client.name}: {what}: {self._client.detail(answer)}; run again later")
