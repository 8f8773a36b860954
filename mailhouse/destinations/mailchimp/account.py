"""One Mailchimp account over HTTP: batches out, members and statistics back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from mailhouse.clock import Clock
from mailhouse.destinations.base import Call, Change, Outcome, Record, Settled
from mailhouse.destinations.mailchimp import wire
from mailhouse.destinations.mailchimp.setup import Lists
from mailhouse.errors import MalformedAnswer
from mailhouse.http import Answer, HttpClient, OutcomeUnknown, pause
from mailhouse.settings import Connection

# without these a member who unsubscribed would look as if the tag had been taken away
EVERYONE = {"include_cleaned": "true", "include_transactional": "true", "include_unsubscribed": "true"}
FIRST_PAUSE = 0.25


def client_of(connection: Connection, clock: Clock) -> HttpClient:
    """The HTTP client of a connection; open it as an async context manager. Raises CredentialsMissing, ConfigurationError."""
    secret = connection.secret("api_key")
    headers = {"Authorization": f"Bearer {secret}"}
    return HttpClient.of(connection, wire.LIMITS, clock, path="/3.0", headers=headers, secrets=(secret,))


@asynccontextmanager
async def connect(connection: Connection, clock: Clock) -> AsyncIterator["Account"]:
    """The account of one connection, open for the time of the block."""
    async with client_of(connection, clock) as client:
        yield Account(client)


class Account:
    """Implements `Destination` for Mailchimp."""

    def __init__(self, client: HttpClient) -> None:
        self.name = client.name
        self.limits = client.limits
        self._client = client
        self._lists = Lists(client)

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def prepare(self, audience: str, tags: Sequence[str], fields: Mapping[str, str]) -> None:
        await self._lists.prepare(audience, tags, fields)

    async def send(self, call: Call, remember: Callable[[str], None]) -> list[Outcome]:  # noqa: ARG002
        # Mailchimp answers in the same call: there is no job whose id would have to be remembered
        if call.action == "leave":
            return await self._leave(call)
        return await self._write(call)

    async def _write(self, call: Call) -> list[Outcome]:
        known = await self._lists.known(call.container)
        body = {
            "members": [wire.entry(change, "pending" if known.double_optin else "subscribed") for change in call.changes],
            "update_existing": True,
        }
        answer = await self._client.write("POST", f"/lists/{known.id}?skip_merge_validation=true", "/lists/{id}", body)
        if answer.status == 200:
            outcomes = wire.batch_outcomes(call, answer.body)
            if outcomes is None:
                raise OutcomeUnknown(f"{self.name}: the answer to a batch contradicts itself; it is read back")
            return outcomes
        return await self._halves(call, answer)

    async def _leave(self, call: Call) -> list[Outcome]:
        known = await self._lists.known(call.container)
        segment = await self._lists.segment(call.container, call.membership)
        if segment is None:
            # the tag is gone, and with it every membership in it
            return [Outcome(change.key, "accepted") for change in call.changes]
        body = {"members_to_remove": [change.address for change in call.changes]}
        path, template = f"/lists/{known.id}/segments/{segment}", "/lists/{id}/segments/{segment}"
        answer = await self._client.write("POST", path, template, body)
        if answer.status == 404:
            return [Outcome(change.key, "accepted") for change in call.changes]
        if answer.status != 200:
            return await self._halves(call, answer)
        understood = wire.leave_outcomes(call, answer.body)
        if understood is None:
            raise OutcomeUnknown(f"{self.name}: the answer to a removal contradicts itself; it is read back")
        outcomes, unsaid, said_of = understood
        if unsaid:
            # addresses that are not on the list, or not in the tag, are refused or passed over in silence: look
            for outcome in await self.settle(replace(call, changes=tuple(unsaid))):
                refused = outcome.status != "accepted" and outcome.key in said_of
                outcomes.append(wire.refusal(outcome.key, said_of[outcome.key]) if refused else outcome)
        return outcomes

    async def _halves(self, call: Call, answer: Answer) -> list[Outcome]:
        """A call refused as a whole: one bad row is found by halving, and the others still land."""
        if answer.status not in (400, 413, 422):
            said = self._client.detail(answer)
            raise MalformedAnswer(f"{self.name}: {call.action} to {call.container}: {said}; look there, run again")
        if len(call.changes) == 1:
            (change,) = call.changes
            return [wire.refusal(change.key, {"error": self._client.detail(answer), "error_code": f"http_{answer.status}"})]
        middle = len(call.changes) // 2
        halves = (call.changes[:middle], call.changes[middle:])
        first, second = [await self._settled_send(replace(call, changes=half)) for half in halves]
        return first + second

    async def _settled_send(self, call: Call) -> list[Outcome]:
        try:
            return await self.send(call, _nothing_to_remember)
        except OutcomeUnknown:
            return await self.settle(call)

    async def resume(self, call: Call, reference: str) -> list[Outcome]:  # noqa: ARG002
        return await self.settle(call)

    async def containers(self) -> Sequence[str]:
        return await self._lists.names()

    async def records(self, container: str, memberships: Sequence[str], fields: Sequence[str]) -> list[Record]:
        known = await self._lists.known(container)
        wanted = {tag.casefold(): tag for tag in memberships}
        params = {"fields": "members.id,members.email_address,members.status,members.merge_fields,members.tags,total_items"}
        members = await self._lists.pages(f"/lists/{known.id}/members", "/lists/{id}/members", "members", params)
        return [wire.record(member, wanted, fields) for member in members]

    async def automations(self, container: str, memberships: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        known = await self._lists.known(container)
        found = await self._lists.pages("/automations", "/automations", "automations", {})
        return {tag: names for tag in memberships if (names := wire.started_by(found, known.id, tag))}

    async def settle(self, call: Call) -> list[Outcome]:
        if call.action == "leave":
            listed = await self._tag_members(call.container, call.membership)
            return [
                Outcome(change.key, "try_again", "still_there", "still in the tag after a removal")
                if change.key in listed
                else Outcome(change.key, "accepted")
                for change in call.changes
            ]
        return list(await asyncio.gather(*(self._settle_write(call.container, change) for change in call.changes)))

    async def _settle_write(self, audience: str, change: Change) -> Outcome:
        known = await self._lists.known(audience)
        params = {"fields": "id,status,merge_fields,tags"}
        answer = await self._client.read(f"/lists/{known.id}/members/{change.key}", "/lists/{id}/members/{member}", params)
        if answer.status == 200 and isinstance(answer.body, Mapping) and wire.is_as_sent(change, answer.body):
            return Outcome(change.key, "accepted")
        if answer.status in (200, 404):
            return Outcome(change.key, "try_again", "not_taken", "not there when read back")
        raise MalformedAnswer(f"{self.name}: reading back member {change.key}: {self._client.detail(answer)}; run again later")

    async def actual(self, audience: str, tag: str) -> Settled:
        segment = await self._lists.segment(audience, tag)
        if segment is None:
            return Settled(frozenset(), 0, True)
        waited, wait = 0.0, min(self.limits.settle_pause, FIRST_PAUSE)
        keys, counted = await self._tag_members(audience, tag), await self._tag_count(audience, segment)
        while counted != len(keys) and waited < self.limits.settle_time:
            await pause(self._client.clock, wait)
            waited, wait = waited + wait, min(self.limits.settle_pause, wait * 2)
            counted = await self._tag_count(audience, segment)
            if counted != len(keys):
                keys = await self._tag_members(audience, tag)
        return Settled(keys | await self._asked_first(audience, tag), counted, counted == len(keys))

    async def _asked_first(self, audience: str, tag: str) -> frozenset[str]:
        """Who was asked for a confirmation and has not given it: has the tag, and is listed in no segment until then."""
        known = await self._lists.known(audience)
        if not known.double_optin:
            return frozenset()
        params = {"status": "pending", "fields": "members.id,members.tags,total_items"}
        members = await self._lists.pages(f"/lists/{known.id}/members", "/lists/{id}/members", "members", params)
        tagged = (m for m in members if any(str(t.get("name", "")).casefold() == tag.casefold() for t in m.get("tags") or []))
        return frozenset(str(member["id"]) for member in tagged)

    async def _tag_members(self, audience: str, tag: str) -> frozenset[str]:
        known, segment = await self._lists.known(audience), await self._lists.segment(audience, tag)
        if segment is None:
            return frozenset()
        path, template = f"/lists/{known.id}/segments/{segment}/members", "/lists/{id}/segments/{segment}/members"
        members = await self._lists.pages(path, template, "members", EVERYONE | {"fields": "members.id,total_items"})
        return frozenset(str(member["id"]) for member in members)

    async def _tag_count(self, audience: str, segment: int) -> int:
        known = await self._lists.known(audience)
        answer = await self._client.read(f"/lists/{known.id}/segments/{segment}", "/lists/{id}/segments/{segment}", EVERYONE)
        body: Any = answer.body
        if answer.status != 200 or not isinstance(body, Mapping) or not isinstance(body.get("member_count"), int):
            raise MalformedAnswer(f"{self.name}: the count of a tag of {audience} is not there: {self._client.detail(answer)}")
        return int(body["member_count"])


def _nothing_to_remember(reference: str) -> None:
    """Halves of a synchronous call have no reference."""
