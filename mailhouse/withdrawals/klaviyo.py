"""Klaviyo: an address is suppressed, which outweighs whatever it consented to, by jobs of 100."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from mailhouse.clock import Clock
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import SUPPRESS_ROWS
from mailhouse.destinations.klaviyo.reading import by_address, client_of
from mailhouse.destinations.klaviyo.suppression import suppress
from mailhouse.http import HttpClient
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import ALREADY_SET, READ_BACK, UNKNOWN_THERE, Told, Withdrawal


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["KlaviyoWriter"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield KlaviyoWriter(client)


class KlaviyoWriter:
    """Implements `Writer` for one account."""

    batch = SUPPRESS_ROWS
    # a job is waited for; several may be under way
    lanes = 4
    is_dated = True

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        # suppressing an address that nobody has would make a profile of it
        statuses = await self._statuses(unseen)
        found = [one for one in unseen if statuses.get(key_of(one.address), "") not in ("", *wire.BARRED)]
        told = []
        for one in unseen:
            status = statuses.get(key_of(one.address), "")
            if not status or status in wire.BARRED:
                told.append(Told(one, "accepted", ALREADY_SET if status else UNKNOWN_THERE))
        return found, told

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        # a job says how many it changed, not whom: every address is read back
        outcomes = await suppress(self._client, [one.address for one in batch])
        told = []
        for one, outcome in zip(batch, outcomes, strict=True):
            if outcome.status == "accepted":
                told.append(Told(one, "accepted"))
            elif outcome.status == "rejected":
                told.append(Told(one, "rejected", outcome.code, outcome.reason))
            else:
                told.append(Told(one, "unknown", outcome.code, outcome.reason))
        return told

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        statuses = await self._statuses(batch)
        told = []
        for one in batch:
            is_barred = statuses.get(key_of(one.address), "") in wire.BARRED
            told.append(Told(one, "accepted", READ_BACK) if is_barred else Told(one, "unknown"))
        return told

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:  # noqa: ARG002
        return {}

    async def _statuses(self, ones: Sequence[Withdrawal]) -> dict[str, str]:
        """Document key -> Klaviyo's word for whether the profile may be mailed; `never` for one that has none yet."""
        fields = ("email", "subscriptions")
        profiles = await by_address(self._client, [one.address for one in ones], fields, lane="withdrawal")
        return {key: wire.status_of(profile["attributes"]) or "never" for key, profile in profiles.items()}
