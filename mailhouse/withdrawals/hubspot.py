"""HubSpot: an address is opted out of all marketing mail, by batches of 100."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.hubspot.paths import Paths
from mailhouse.destinations.hubspot.reading import client_of, paths_of
from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, OutcomeUnknown, redacted
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import ALREADY_SET, READ_BACK, UNKNOWN_THERE, BatchRefused, Told, Withdrawal
from mailhouse.withdrawals.lane import RightOfWay

REFUSED = (400, 413, 422)


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["HubSpotWriter"]:
    """The portal of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield HubSpotWriter(RightOfWay(client), paths_of(connection))


class HubSpotWriter:
    """Implements `Writer` for HubSpot's communication preferences."""

    # what HubSpot takes in one call [the limit of its other batches; none is published for this one]
    batch = 100
    lanes = 4
    # a contact shows that it has opted out, not since when
    is_dated = False

    def __init__(self, client: RightOfWay, paths: Paths) -> None:
        self._client = client
        self._opt_outs = f"{paths.preferences}/statuses/batch/unsubscribe-all"
        self._contacts = f"{paths.contacts}/batch/read"

    def counts(self) -> Mapping[str, int]:
        return self._client.counts()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        # HubSpot keeps the refusal of an address that it does not know yet: that is harmless, and one hole less
        return list(unseen), []

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        unknown = await self._unknown([one.address for one in batch if not one.is_known])
        body = {"inputs": [one.address for one in batch]}
        path = f"{self._opt_outs}?channel=EMAIL&verbose=true"
        answer = await self._client.write("POST", path, "/statuses/batch/unsubscribe-all", body)
        if answer.status in REFUSED:
            raise BatchRefused(self._client.detail(answer), f"http_{answer.status}")
        results, errors = self._said(answer, "unsubscribe-all")
        taken = {str(result.get("subscriberIdString", "")).lower(): result.get("statuses") or [] for result in results}
        told = []
        for one in batch:
            address = one.address.lower()
            if address in errors:
                told.append(Told(one, "rejected", "invalid_address", errors[address]))
            elif address in taken:
                told.append(Told(one, "accepted", UNKNOWN_THERE if address in unknown else _news(taken[address])))
        if len(told) < len(batch):
            raise OutcomeUnknown(f"{self._client.name}: an opt-out's answer leaves some addresses out; they are read back")
        return told

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        since = await self.refused_since([one.address for one in batch])
        return [Told(one, "accepted", READ_BACK) if one.address in since else Told(one, "unknown") for one in batch]

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:
        since: dict[str, datetime] = {}
        for start in range(0, len(addresses), self.batch):
            part = addresses[start : start + self.batch]
            path = f"{self._opt_outs}/read?channel=EMAIL"
            answer = await self._client.ask(path, "/statuses/batch/unsubscribe-all/read", {"inputs": list(part)})
            results, _ = self._said(answer, "unsubscribe-all/read")
            read = {str(result.get("subscriberIdString", "")).lower(): _opted_out(result) for result in results}
            since |= {address: moment for address in part if (moment := read.get(address.lower()))}
        return since

    async def _unknown(self, addresses: Sequence[str]) -> set[str]:
        """Those, in lower case, that no contact has."""
        if not addresses:
            return set()
        body = {"idProperty": "email", "properties": ["email"], "inputs": [{"id": address} for address in addresses]}
        answer = await self._client.ask(self._contacts, "/contacts/batch/read", body)
        results, _ = self._said(answer, "contacts/batch/read")
        known = {str((result.get("properties") or {}).get("email", "")).lower() for result in results}
        return {address.lower() for address in addresses} - known

    def _said(self, answer: Answer, what: str) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
        """The results of a batch, and why which input (in lower case) was refused. Raises MalformedAnswer."""
        results = answer.body.get("results") if isinstance(answer.body, Mapping) else None
        if answer.status not in (200, 207) or not isinstance(results, list):
            raise MalformedAnswer(f"{self._client.name}: {what}: {self._client.detail(answer)}; run again later")
        errors = {}
        for error in answer.body.get("errors") or []:
            for inputs in (error.get("context") or {}).values():
                errors |= {str(given).lower(): redacted(str(error.get("message", "refused"))) for given in inputs}
        return [result for result in results if isinstance(result, Mapping)], errors


def _news(statuses: Sequence[Mapping[str, Any]]) -> str:
    """Whether the opt-out was news to HubSpot."""
    reasons = {status.get("setStatusSuccessReason") for status in statuses}
    return ALREADY_SET if reasons == {"NO_STATUS_CHANGE"} else ""


def _opted_out(result: Mapping[str, Any]) -> datetime | None:
    """Since when the address has opted out of everything; None when it has not, or HubSpot does not say."""
    for status in result.get("wideStatuses") or []:
        if status.get("status") == "UNSUBSCRIBED" and status.get("timestamp"):
            return datetime.fromisoformat(str(status["timestamp"]))
    return None
