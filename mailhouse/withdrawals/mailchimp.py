"""Mailchimp: a member's status is set to unsubscribed on every list it is on, by batches of 500; nobody is ever added."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.mailchimp.account import client_of
from mailhouse.destinations.mailchimp.setup import Lists
from mailhouse.destinations.mailchimp.wire import BATCH_ROWS, key_of, refusal
from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, OutcomeUnknown
from mailhouse.settings import Connection
from mailhouse.withdrawals.base import ALREADY_SET, READ_BACK, UNKNOWN_THERE, BatchRefused, Told, Withdrawal
from mailhouse.withdrawals.lane import RightOfWay

REFUSED = (400, 413, 422)
# members that campaigns are sent to, or would be as soon as they click the link they were sent
MAILABLE = ("subscribed", "pending")
# per-row errors that say there is nobody to be mailed
HARMLESS = {"compliance_state": ALREADY_SET, "forgotten": UNKNOWN_THERE}


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["MailchimpWriter"]:
    """The account of one connection, open for the time of the block. Raises CredentialsMissing."""
    async with client_of(connection, clock) as client:
        yield MailchimpWriter(RightOfWay(client))


class MailchimpWriter:
    """Implements `Writer` for one account; a container is a list's id."""

    batch = BATCH_ROWS
    lanes = 2
    # a status has no date of its own, but nobody is subscribed again without a new `timestamp_opt`
    is_dated = True

    def __init__(self, client: RightOfWay) -> None:
        self._client = client
        self._lists = Lists(client)

    def counts(self) -> Mapping[str, int]:
        return self._client.counts()

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        params = {"fields": "lists.id,total_items"}
        lists = [str(entry["id"]) for entry in await self._lists.pages("/lists", "/lists", "lists", params)]
        found, told = [], []
        for one in unseen:
            statuses = {list_id: await self._status(replace(one, container=list_id)) for list_id in lists}
            mailable = [list_id for list_id, status in statuses.items() if status in MAILABLE]
            found += [replace(one, container=list_id, is_known=True) for list_id in mailable]
            if not mailable:
                told.append(Told(one, "accepted", ALREADY_SET if any(statuses.values()) else UNKNOWN_THERE))
        return found, told

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        list_id = batch[0].container
        members = [{"email_address": one.address, "status": "unsubscribed"} for one in batch]
        body = {"members": members, "update_existing": True}
        answer = await self._client.write("POST", f"/lists/{list_id}?skip_merge_validation=true", "/lists/{id}", body)
        if answer.status == 404:
            # with the list every member of it is gone
            return [Told(one, "accepted", UNKNOWN_THERE) for one in batch]
        if answer.status in REFUSED:
            raise BatchRefused(self._client.detail(answer), f"http_{answer.status}")
        if answer.status != 200:
            raise MalformedAnswer(f"{self._client.name}: a withdrawal: {self._client.detail(answer)}; run again later")
        taken, errors = self._rows(answer)
        return [_outcome(one, taken.get(key_of(one.address)), errors.get(key_of(one.address))) for one in batch]

    def _rows(self, answer: Answer) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
        """Status by member, and error by member. Raises OutcomeUnknown for an answer that contradicts itself."""
        try:
            body = answer.body
            rows = [*body["new_members"], *body["updated_members"]]
            if (body["total_created"] + body["total_updated"], body["error_count"]) != (len(rows), len(body["errors"])):
                raise ValueError("the counts are not those of the rows")
            taken = {key_of(row["email_address"]): str(row["status"]) for row in rows}
            return taken, {key_of(error["email_address"]): error for error in body["errors"]}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise OutcomeUnknown(
                f"{self._client.name}: the answer to a withdrawal contradicts itself; it is read back"
            ) from error

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        told = []
        for one in batch:
            status = await self._status(one)
            if status in MAILABLE:
                told.append(Told(one, "unknown"))
            else:
                told.append(Told(one, "accepted", READ_BACK if status else UNKNOWN_THERE))
        return told

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:  # noqa: ARG002
        return {}

    async def _status(self, one: Withdrawal) -> str:
        """The member's status on its list, '' when it is not on it. Raises MalformedAnswer."""
        key, template = key_of(one.address), "/lists/{id}/members/{member}"
        answer = await self._client.read(f"/lists/{one.container}/members/{key}", template, {"fields": "id,status"})
        if answer.status == 404:
            return ""
        if answer.status != 200 or not isinstance(answer.body, Mapping) or not answer.body.get("status"):
            raise MalformedAnswer(f"{self._client.name}: reading member {key}: {self._client.detail(answer)}; run again later")
        return str(answer.body["status"])


def _outcome(one: Withdrawal, status: str | None, error: Mapping[str, Any] | None) -> Told:
    if error is not None:
        refused = refusal(one.address, error)
        if refused.code in HARMLESS:
            return Told(one, "accepted", HARMLESS[refused.code])
        return Told(one, "rejected", refused.code, refused.reason)
    if status is None or status in MAILABLE:
        return Told(one, "unknown", "not_taken", "the answer does not show it as unsubscribed")
    return Told(one, "accepted")
