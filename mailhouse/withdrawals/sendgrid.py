"""SendGrid: an address is suppressed globally, or in the group that the connection names, by calls of 1,000.

Whoever is added to a group that was deleted is suppressed globally instead, and nobody is told. So a named group is looked at
before every call, and one that is gone stops the telling with a line that says so.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mailhouse.clock import Clock
from mailhouse.destinations.keys import key_of, normal
from mailhouse.destinations.sendgrid.groups import group_of
from mailhouse.destinations.sendgrid.limits import GLOBAL, GROUP, GROUP_SEARCH, GROUP_SUPPRESSIONS, SUPPRESS_ROWS
from mailhouse.destinations.sendgrid.reading import by_address, client_of, document
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import ALREADY_SET, READ_BACK, UNKNOWN_THERE, BatchRefused, Told, Withdrawal

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["SendGridWriter"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing, ConfigurationError."""
    async with client_of(connection, clock) as client:
        yield SendGridWriter(client, group_of(connection))


def _is_address(one: Withdrawal) -> bool:
    return _ADDRESS.fullmatch(one.address.strip()) is not None


class SendGridWriter:
    """Implements `Writer` for one account."""

    batch = SUPPRESS_ROWS
    lanes = 2
    is_dated = True

    def __init__(self, client: HttpClient, group: str | None) -> None:
        self._client, self._group = client, group

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        # an address that nobody has is not mailed from here
        contacts = await by_address(self._client, [one.address for one in unseen], lane="withdrawal")
        known = [one for one in unseen if key_of(one.address) in contacts]
        barred = await self._barred([one.address for one in known])
        told = [Told(one, "accepted", UNKNOWN_THERE) for one in unseen if one not in known]
        told += [Told(one, "accepted", ALREADY_SET) for one in known if normal(one.address) in barred]
        return [one for one in known if normal(one.address) not in barred], told

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        # one that is no address would have the others refused with it
        told = [Told(one, "rejected", "invalid_address", "not an address") for one in batch if not _is_address(one)]
        asked = [one for one in batch if _is_address(one)]
        return told + (await self._tell(asked) if asked else [])

    async def _tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        await self._check_group()
        path, template = GLOBAL, GLOBAL
        if self._group is not None:
            path, template = GROUP_SUPPRESSIONS.format(id=self._group), GROUP_SUPPRESSIONS
        body = {"recipient_emails": list(dict.fromkeys(normal(one.address) for one in batch))}
        answer = await self._client.write("POST", path, template, body, lane="withdrawal")
        said = self._client.detail(answer)
        if answer.status in (400, 413, 422):
            raise BatchRefused(f"{self._client.name}: POST {template}: {said}", f"http_{answer.status}")
        taken = answer.body.get("recipient_emails") if isinstance(answer.body, dict) else None
        if answer.status != 201:
            raise MalformedAnswer(f"{self._client.name}: POST {template}: {said}; look there, run again")
        if not isinstance(taken, list):
            raise OutcomeUnknown(f"{self._client.name}: POST {template}: nobody is named in the answer; it is read back")
        suppressed = {normal(str(one)) for one in taken}
        return [Told(one, "accepted" if normal(one.address) in suppressed else "unknown") for one in batch]

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        barred = await self._barred([one.address for one in batch])
        return [Told(one, "accepted", READ_BACK) if normal(one.address) in barred else Told(one, "unknown") for one in batch]

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:  # noqa: ARG002
        return {}

    async def _check_group(self) -> None:
        """Raises ConfigurationError when the group is gone: its additions would be suppressed from all mail."""
        if self._group is None:
            return
        answer = await self._client.read(GROUP.format(id=self._group), GROUP, lane="withdrawal")
        there = answer.body.get("id") if isinstance(answer.body, Mapping) else None
        if answer.status != 200 or str(there) != self._group:
            raise ConfigurationError(
                f"{self._client.name}: there is no suppression group {self._group}; nobody was added to it, for that would keep"
                " them from all mail. Name another under settings.suppression_group, or leave that out to mean all mail"
            )

    async def _barred(self, addresses: Sequence[str]) -> set[str]:
        """Which of the addresses get no mail: of the account, or of the group."""
        barred = set()
        for address in {normal(one) for one in addresses}:
            path = f"{GLOBAL}/{quote(address)}"
            answer = await self._client.read(path, f"{GLOBAL}/{{email}}", lane="withdrawal")
            if document(self._client, f"GET {GLOBAL}/{{email}}", answer).get("recipient_email"):
                barred.add(address)
        if self._group is not None and (left := [one for one in addresses if normal(one) not in barred]):
            barred |= await self._barred_in_group([normal(one) for one in left])
        return barred

    async def _barred_in_group(self, addresses: Sequence[str]) -> set[str]:
        await self._check_group()
        body: dict[str, Any] = {"recipient_emails": list(dict.fromkeys(addresses))}
        path = GROUP_SEARCH.format(id=self._group)
        answer = await self._client.ask(path, GROUP_SEARCH, body, lane="withdrawal")
        if answer.status != 200 or not isinstance(answer.body, list):
            raise MalformedAnswer(f"{self._client.name}: POST {GROUP_SEARCH}: {self._client.detail(answer)}; run again later")
        return {normal(str(one)) for one in answer.body}
