"""The destination alone, without plan and journal: many small calls, of which the network is nearly all."""

import asyncio
from dataclasses import dataclass

from mailhouse.bench.measured import Took, timed
from mailhouse.bench.serving import serving
from mailhouse.bench.world import AUDIENCE, TAG
from mailhouse.clock import SystemClock
from mailhouse.destinations import Call, Change, rules_for
from mailhouse.settings import Connection

CALLS, PEOPLE_A_CALL = 200, 10


@dataclass(frozen=True)
class PushFigure:
    """`calls` are all that were made; `latency` is in seconds a call; `wrong` is '' when everything was accepted."""

    vendor: str
    people: int
    latency: float
    calls: int
    concurrency: int
    took: Took
    wrong: str

    @property
    def bound(self) -> float:
        return self.calls * self.latency / self.concurrency

    @property
    def ratio(self) -> float | None:
        return self.took.wall / self.bound if self.bound else None

    @property
    def cpu_ratio(self) -> float | None:
        """The same on a machine of one's own: the bound, and all our CPU besides it."""
        return (self.took.cpu + self.bound) / self.bound if self.bound else None


def measure_push(vendor: str, latency: float, write_calls: int = CALLS) -> PushFigure:
    """Send so many write calls over as many connections as are allowed; `latency` is in seconds."""
    with serving(AUDIENCE, latency) as served:
        connection = served.connection(vendor)
        planned = [_call(vendor, number) for number in range(write_calls)]
        (accepted, calls, concurrency), took = timed(lambda: asyncio.run(_push(connection, planned)))
        arrived = served.counts()["records"]
    people = write_calls * PEOPLE_A_CALL
    wrong = "" if people == accepted == arrived else f"{people:,} sent, {arrived:,} arrived, {accepted:,} acknowledged"
    return PushFigure(vendor, people, latency, calls, concurrency, took, wrong)


async def _push(connection: Connection, planned: list[Call]) -> tuple[int, int, int]:
    """People accepted, calls made, and calls that may be under way at once."""
    rules = rules_for(connection.vendor)
    assert rules is not None
    waiting, accepted = list(planned), 0
    async with rules.connect(connection, SystemClock()) as destination:
        container, membership = rules.place(AUDIENCE, TAG)
        await destination.prepare(container, [membership], {})

        async def lane() -> None:
            nonlocal accepted
            while waiting:
                outcomes = await destination.send(waiting.pop(), _nothing_to_remember)
                accepted += sum(outcome.status == "accepted" for outcome in outcomes)

        concurrency = destination.limits.connections
        await asyncio.gather(*(lane() for _ in range(concurrency)))
        return accepted, sum(destination.counts().values()), concurrency


def _nothing_to_remember(reference: str) -> None:
    """Nothing is resumed after a benchmark."""


def _call(vendor: str, number: int) -> Call:
    rules = rules_for(vendor)
    assert rules is not None
    container, membership = rules.place(AUDIENCE, TAG)
    changes = []
    for person in range(number * PEOPLE_A_CALL, (number + 1) * PEOPLE_A_CALL):
        address = f"person{person}@example.com"
        changes.append(
            Change(
                destination=vendor,
                container=container,
                key=rules.key_of(address),
                customer_id=f"c{person}",
                address=address,
                mailbox=address,
                fields='{"FNAME":"First","LNAME":"Last"}',
                row_hash="",
                write=True,
                add=(membership,),
            )
        )
    return Call("write", container, membership, tuple(changes))
