"""Salesforce: no call tells what the app's user may do in words of ours, so each object is read, and two are described."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.errors import NotAllowed
from mailhouse.live.question import Question
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_objects import TABLES
from mailhouse.withdrawals.salesforce import FLAG, PEOPLE, Records, opened


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """One record of each object that lands, and whether a refusal can be written on contacts and leads."""
    async with opened(connection, clock) as records:
        yield [*(_readable(records, kind) for kind in TABLES), *(_writable(records, kind) for kind in PEOPLE)]


def _readable(records: Records, kind: str) -> Question:
    async def ask() -> str:
        answer = await records.client.read(f"{records.data}/query", "/query", {"q": f"SELECT Id FROM {kind} LIMIT 1"})
        if answer.status != 200:
            said = f"answers {answer.status}: {records.client.detail(answer)}"
            raise NotAllowed(f"{kind} {said}; give the app's user read access to {kind}")
        return f"{kind} can be read"

    return Question(f"read {kind}", ask)


def _writable(records: Records, kind: str) -> Question:
    async def ask() -> str:
        path = f"{records.data}/sobjects/{kind}/describe"
        answer = await records.client.read(path, "/sobjects/{object}/describe")
        described = answer.body.get("fields") if isinstance(answer.body, Mapping) else None
        fields = described if isinstance(described, list) else ()
        flag = next((one for one in fields if isinstance(one, Mapping) and one.get("name") == FLAG), None)
        if flag is None or flag.get("updateable") is not True:
            trouble = "cannot be seen" if flag is None else "cannot be written"
            cure = f"give the app's user edit access to {kind} and to this field"
            raise NotAllowed(f"{kind}.{FLAG} {trouble}: nobody's refusal could be told; {cure}")
        return f"{kind}.{FLAG} can be written"

    return Question(f"opt out a {kind}", ask)
